// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IConsentRegistry } from "./IConsentRegistry.sol";

/// @title ICommunityVotes
/// @notice A community's votes: an ERC-20 token (ERC-5805, the clock is the time in seconds) that cannot be
/// transferred and has no decimals. Founders get theirs at the start; everybody else gets a fixed number for each record
/// of theirs that is in a snapshot the community accepted. There are never more than the cap.
///
/// An account that delegates to nobody votes itself; delegating to the zero address returns to that.
///
/// A record's commitment counts once in a community, whatever snapshot or contribution it is shown in. Should two
/// contributions show the same commitment, the one recorded first has it: its votes are taken back from the other.
interface ICommunityVotes {
    /// @notice An account and how many votes it starts with. Neither is zero.
    struct Founder {
        address account;
        uint256 votes;
    }

    /// @notice What a community's votes are made with.
    struct Emission {
        Founder[] founders;
        /// The most votes there can ever be, the founders' among them; under 2²⁰⁸.
        uint256 cap;
        /// For each accepted record. Not zero.
        uint256 votesPerRecord;
    }

    /// @notice A snapshot that the community took as its own; all zero if it did not.
    struct Snapshot {
        /// The Merkle root over the commitments of its records.
        bytes32 root;
        uint64 leafCount;
        /// When it was published, in seconds since 1970.
        uint64 publishedAt;
    }

    /// @notice Whose a commitment is, and when that contribution was recorded; all zero if it has no votes.
    struct Holding {
        address contributor;
        /// Seconds since 1970.
        uint64 recordedAt;
    }

    /// @notice Shows that a record with consent is in an accepted snapshot.
    struct Acceptance {
        /// The contribution as it was signed; names the dataset.
        IConsentRegistry.Contribution contribution;
        /// The record's salted commitment.
        bytes32 commitment;
        /// Its place under the contribution's commitment, and the siblings, 32 bytes each, from the leaf up.
        uint64 index;
        bytes proof;
        /// The dataset's version that is the snapshot.
        uint32 version;
        /// Its place in the snapshot, and the siblings.
        uint64 snapshotIndex;
        bytes snapshotProof;
    }

    event SnapshotAccepted(uint128 indexed datasetId, uint32 indexed version, bytes32 root, uint64 leafCount);

    event RecordCounted(
        bytes32 indexed commitment, bytes32 indexed contributionId, address indexed contributor, uint256 votes
    );

    /// @notice Another contribution was shown to have the record earlier.
    event RecordReclaimed(bytes32 indexed commitment, address indexed from, uint256 votes);

    error Community_NotTimelock(address caller);
    error Community_NotOwned(uint128 datasetId);
    error Community_NotADataset(uint128 assetId);
    error Community_BadLeafCount(uint64 leafCount);
    error Community_SnapshotNotAccepted(uint128 datasetId, uint32 version);
    error Community_NoConsent(bytes32 contributionId);
    error Community_Withdrawn(bytes32 contributionId, bytes32 commitment);
    error Community_RecordedTooLate(bytes32 contributionId, uint64 recordedAt, uint64 publishedAt);
    error Community_NotInContribution(bytes32 contributionId, bytes32 commitment);
    error Community_NotInSnapshot(uint128 datasetId, uint32 version, bytes32 commitment);
    error Community_AlreadyCounted(bytes32 commitment, address contributor);
    error Community_CapExceeded(uint256 votes, uint256 cap);
    error Community_BadCap(uint256 cap);
    error Community_ZeroVotes();
    error Community_NotTransferable();

    /// @notice Makes the founders' votes.
    /// @dev Once, by the factory in the transaction that makes the clone. Emits ERC-20 Transfer for each founder.
    /// Errors: InvalidInitialization (a second time, or of the implementation), Community_BadCap (2²⁰⁸ or more),
    /// Community_CapExceeded, Community_ZeroVotes (of a founder or a record), ERC20InvalidReceiver (a founder that is
    /// the zero address).
    function initialize(string calldata name, string calldata symbol, address timelock, Emission calldata emission)
        external;

    /// @notice Takes a version of a dataset as the community's own, so that its records bring votes. Accepting it again
    /// replaces the number of leaves.
    /// @dev By the community's timelock, which owns the dataset. Emits {SnapshotAccepted}.
    /// Errors: Community_NotTimelock, Community_NotOwned (ERC721NonexistentToken if there is no such asset),
    /// Community_NotADataset, Community_BadLeafCount (0 or over 2³²), Registry_UnknownVersion.
    /// @param leafCount How many records the snapshot has.
    function acceptSnapshot(uint128 datasetId, uint32 version, uint64 leafCount) external;

    /// @notice Gives a contributor the votes of one record.
    /// @dev By anyone. The consent must have been recorded before the snapshot was published. Emits {RecordCounted},
    /// ERC-20 Transfer, and {RecordReclaimed} if a contribution recorded later had them.
    /// Errors: Community_SnapshotNotAccepted, Community_NoConsent, Community_Withdrawn (the record or all of its
    /// contribution), Community_RecordedTooLate, Community_NotInContribution, Community_NotInSnapshot,
    /// Community_AlreadyCounted, Community_CapExceeded.
    function mint(Acceptance calldata acceptance) external;

    /// @notice Gives the votes of many records; any error reverts all, but those already counted are passed over, so
    /// that nobody can stop a batch by minting one of it first.
    /// @dev As {mint}, without Community_AlreadyCounted.
    /// @return counted How many were not passed over.
    function mintMany(Acceptance[] calldata acceptances) external returns (uint256 counted);

    /// @notice The registry that knows the datasets.
    function registry() external view returns (address);

    /// @notice The registry that knows the contributors' consent.
    function consents() external view returns (address);

    /// @notice The community's timelock, which accepts snapshots.
    function timelock() external view returns (address);

    /// @notice The most votes there can ever be.
    function cap() external view returns (uint256);

    /// @notice How many votes a record brings.
    function votesPerRecord() external view returns (uint256);

    /// @notice A snapshot the community accepted; all zero if it did not.
    function snapshotOf(uint128 datasetId, uint32 version) external view returns (Snapshot memory);

    /// @notice Who has the votes of a commitment; all zero if nobody.
    function holdingOf(bytes32 commitment) external view returns (Holding memory);
}
