// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IConsentRegistry
/// @notice Contributors' signed consent, the order in which commitments were made, and who may use a dataset for what.
/// The events rebuild all state.
///
/// A contribution goes in two steps: first a Merkle root over commitments is committed, which fixes its place in time
/// without showing anything; then, in a later block, the signed consent names a commitment under that root.
interface IConsentRegistry {
    /// @notice What a contributor signs: EIP-712 in the domain (`Tributary`, `1`, chain, this contract).
    struct Contribution {
        /// The dataset the records are given to.
        uint128 datasetId;
        /// Who gives them: an account, or a contract under ERC-1271.
        address contributor;
        /// Merkle root over the salted commitments of the records. Not zero.
        bytes32 commitment;
        /// How many records there are. Not zero.
        uint64 records;
        /// keccak256 of the terms the records are given under.
        bytes32 termsHash;
        /// keccak256 of how the contributor is to be paid.
        bytes32 payPolicyHash;
        /// Any number the contributor has not used before.
        uint256 nonce;
        /// The last second at which the consent may be recorded.
        uint64 deadline;
    }

    /// @notice What a contributor signs to withdraw by another's transaction, in the same domain.
    struct Withdrawal {
        bytes32 contributionId;
        /// The last second at which the withdrawal may be recorded.
        uint64 deadline;
    }

    /// @notice What a contributor signs to withdraw one record by another's transaction, in the same domain.
    struct RecordWithdrawal {
        bytes32 contributionId;
        /// The record's salted commitment: a leaf under the contribution's.
        bytes32 commitment;
        /// The last second at which the withdrawal may be recorded.
        uint64 deadline;
    }

    /// @notice A root to commit, and how many leaves are under it.
    struct Batch {
        bytes32 root;
        uint64 count;
    }

    /// @notice The place of a contribution's commitment under a committed root.
    struct Inclusion {
        bytes32 root;
        /// The leaf's place, and how many leaves the root was committed with.
        uint64 index;
        uint64 leafCount;
        /// Packed siblings, 32 bytes each, from the leaf up.
        bytes proof;
    }

    /// @notice When a root was first committed; all zero if it was not.
    struct Commitment {
        uint64 blockNumber;
        /// Seconds since 1970.
        uint64 timestamp;
    }

    /// @notice A recorded contribution; all zero if there is none.
    struct Consent {
        address contributor;
        /// Seconds since 1970.
        uint64 recordedAt;
        /// Seconds since 1970; 0 unless the contributor has withdrawn.
        uint64 withdrawnAt;
    }

    /// @notice What a grantee may do with a dataset, and until when.
    struct Grant {
        /// Bits of `Purposes`.
        uint128 purposes;
        /// The first second at which the grant is no longer good.
        uint64 until;
    }

    event Committed(bytes32 indexed root, uint64 count, address indexed committer);
    event Contributed(
        bytes32 indexed contributionId,
        uint128 indexed datasetId,
        address indexed contributor,
        Contribution contribution,
        bytes32 commitRoot,
        uint64 commitIndex
    );
    event Withdrawn(bytes32 indexed contributionId, address indexed contributor);
    /// @param commitment The record's; all others of the contribution stay.
    event RecordWithdrawn(bytes32 indexed contributionId, address indexed contributor, bytes32 indexed commitment);
    event NonceCancelled(address indexed contributor, uint256 nonce);
    event Granted(uint128 indexed datasetId, address indexed grantee, uint128 purposes, uint64 until);
    event Revoked(uint128 indexed datasetId, address indexed grantee);

    /// @param accessor Who says that it used the dataset: a grantee or the owner.
    /// @param evidenceHash keccak256 of whatever shows what was done: a log, a training manifest.
    event Accessed(
        uint128 indexed datasetId,
        uint32 indexed version,
        address indexed accessor,
        uint128 purposes,
        bytes32 evidenceHash
    );

    error Consent_ZeroRoot();
    error Consent_BadCount(uint64 count);
    error Consent_NotCommittedBefore(bytes32 root, uint64 leafCount);
    error Consent_BadProof(bytes32 root, bytes32 commitment);
    error Consent_NotADataset(uint128 assetId);
    error Consent_EmptyContribution();
    error Consent_Expired(uint64 deadline, uint64 timestamp);
    error Consent_NonceUsed(address contributor, uint256 nonce);
    error Consent_BadSignature(address contributor);
    error Consent_LengthMismatch(uint256 contributions, uint256 signatures, uint256 inclusions);
    error Consent_UnknownContribution(bytes32 contributionId);
    error Consent_AlreadyWithdrawn(bytes32 contributionId);
    error Consent_RecordAlreadyWithdrawn(bytes32 contributionId, bytes32 commitment);
    error Consent_NotContributor(bytes32 contributionId, address caller);
    error Consent_NotDatasetOwner(uint128 datasetId, address caller);
    error Consent_ZeroGrantee();
    error Consent_BadPurposes(uint128 purposes);
    error Consent_BadUntil(uint64 until, uint64 timestamp);
    error Consent_NoGrant(uint128 datasetId, address grantee);
    error Consent_NotGranted(uint128 datasetId, address caller, uint128 purposes);

    /// @notice Fixes the place in time of a Merkle root over `count` commitments. The first time counts: committing the
    /// same again changes nothing and is no error.
    /// @dev By anyone. Emits {Committed} the first time. Errors: Consent_ZeroRoot, Consent_BadCount (0 or over 2³²).
    function commit(bytes32 root, uint64 count) external;

    /// @notice Commits many roots; any error reverts all.
    /// @dev As {commit}.
    function commitMany(Batch[] calldata batches) external;

    /// @notice Records a contributor's consent.
    /// @dev By anyone. The root must have been committed in an earlier block. Emits {Contributed}.
    /// Errors: Consent_EmptyContribution, Consent_Expired, Consent_NotADataset (Registry_UnknownAsset if there is no
    /// such asset), Consent_NotCommittedBefore,
    /// Consent_BadProof, Consent_NonceUsed, Consent_BadSignature.
    /// @return contributionId The EIP-712 digest that was signed.
    function contribute(Contribution calldata contribution, bytes calldata signature, Inclusion calldata inclusion)
        external
        returns (bytes32 contributionId);

    /// @notice Records many consents; any error reverts all.
    /// @dev As {contribute}; also Consent_LengthMismatch.
    function contributeMany(
        Contribution[] calldata contributions,
        bytes[] calldata signatures,
        Inclusion[] calldata inclusions
    ) external returns (bytes32[] memory contributionIds);

    /// @notice Withdraws consent. Later snapshots and releases must leave the records out.
    /// @dev By the contributor. Emits {Withdrawn}.
    /// Errors: Consent_UnknownContribution, Consent_NotContributor, Consent_AlreadyWithdrawn.
    function withdraw(bytes32 contributionId) external;

    /// @notice Withdraws consent by the contributor's signature.
    /// @dev By anyone. Emits {Withdrawn}.
    /// Errors: Consent_UnknownContribution, Consent_AlreadyWithdrawn, Consent_Expired, Consent_BadSignature.
    function withdrawBySig(Withdrawal calldata withdrawal, bytes calldata signature) external;

    /// @notice Withdraws one record of a contribution. Later snapshots and releases must leave it out.
    /// @dev By the contributor. Emits {RecordWithdrawn}.
    /// Errors: Consent_UnknownContribution, Consent_AlreadyWithdrawn (the whole of it), Consent_NotContributor,
    /// Consent_BadProof, Consent_RecordAlreadyWithdrawn.
    /// @param contribution The contribution as it was signed, which names the root and the number of its records.
    /// @param commitment The record's salted commitment, which is the leaf at `index` under the contribution's.
    /// @param proof Packed siblings, 32 bytes each, from the leaf up.
    function withdrawRecord(Contribution calldata contribution, bytes32 commitment, uint64 index, bytes calldata proof)
        external;

    /// @notice Withdraws one record by the contributor's signature of a {RecordWithdrawal}.
    /// @dev By anyone. Emits {RecordWithdrawn}. Errors: as {withdrawRecord}, but Consent_Expired and
    /// Consent_BadSignature instead of Consent_NotContributor.
    function withdrawRecordBySig(
        Contribution calldata contribution,
        bytes32 commitment,
        uint64 index,
        bytes calldata proof,
        uint64 deadline,
        bytes calldata signature
    ) external;

    /// @notice Makes a nonce of the caller unusable, so that a consent signed with it can no longer be recorded.
    /// @dev Emits {NonceCancelled}. Errors: Consent_NonceUsed.
    function cancelNonce(uint256 nonce) external;

    /// @notice Lets a grantee use a dataset for some purposes until a time; replaces an earlier grant to the same.
    /// @dev By the dataset's owner. Emits {Granted}.
    /// Errors: Consent_NotDatasetOwner (ERC721NonexistentToken if there is no such asset), Consent_ZeroGrantee,
    /// Consent_BadPurposes (none or unknown bits), Consent_BadUntil (not in the future).
    /// @param purposes Bits of `Purposes`.
    /// @param until The first second at which the grant is no longer good.
    function grant(uint128 datasetId, address grantee, uint128 purposes, uint64 until) external;

    /// @notice Gives many grantees the same grant; any error reverts all.
    /// @dev As {grant}.
    function grantMany(uint128 datasetId, address[] calldata grantees, uint128 purposes, uint64 until) external;

    /// @notice Ends a grant at once.
    /// @dev By the dataset's owner. Emits {Revoked}. Errors: Consent_NotDatasetOwner (ERC721NonexistentToken if there
    /// is no such asset), Consent_NoGrant.
    function revoke(uint128 datasetId, address grantee) external;

    /// @notice Ends many grants at once; any error reverts all.
    /// @dev As {revoke}.
    function revokeMany(uint128 datasetId, address[] calldata grantees) external;

    /// @notice Says in public that the caller used a version of a dataset, for what, and with which evidence. Keeps
    /// nothing but the event.
    /// @dev By a grantee whose grant is good now for all of the purposes, or by the dataset's owner. Emits {Accessed}.
    /// Errors: Consent_BadPurposes (none or unknown bits), Consent_NotGranted, Registry_UnknownVersion
    /// (ERC721NonexistentToken if there is no such asset).
    function recordAccess(uint128 datasetId, uint32 version, uint128 purposes, bytes32 evidenceHash) external;

    /// @notice The registry that knows the datasets and their owners.
    function registry() external view returns (address);

    /// @notice When a root over `count` commitments was first committed.
    function commitmentOf(bytes32 root, uint64 count) external view returns (Commitment memory);

    /// @notice What is recorded under a contribution's id.
    function consentOf(bytes32 contributionId) external view returns (Consent memory);

    /// @notice What is recorded under each of the ids.
    function consentsOf(bytes32[] calldata contributionIds) external view returns (Consent[] memory);

    /// @notice Whether a record was withdrawn, by itself or with all of its contribution.
    function isRecordWithdrawn(bytes32 contributionId, bytes32 commitment) external view returns (bool);

    /// @notice Whether a contributor has used or cancelled a nonce.
    function isNonceUsed(address contributor, uint256 nonce) external view returns (bool);

    /// @notice The last grant to a grantee, expired or not.
    function grantOf(uint128 datasetId, address grantee) external view returns (Grant memory);

    /// @notice The last grant to each of the grantees, expired or not.
    function grantsOf(uint128 datasetId, address[] calldata grantees) external view returns (Grant[] memory);

    /// @notice Whether a grantee may use a dataset now for all of the purposes. False for no purposes.
    function isGranted(uint128 datasetId, address grantee, uint128 purposes) external view returns (bool);

    /// @notice The EIP-712 digest that a contributor signs: the contribution's id.
    function hashContribution(Contribution calldata contribution) external view returns (bytes32);

    /// @notice The EIP-712 digest that a contributor signs to withdraw.
    function hashWithdrawal(Withdrawal calldata withdrawal) external view returns (bytes32);

    /// @notice The EIP-712 digest that a contributor signs to withdraw one record.
    function hashRecordWithdrawal(RecordWithdrawal calldata withdrawal) external view returns (bytes32);
}
