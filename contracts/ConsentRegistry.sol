// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { IConsentRegistry } from "./interfaces/IConsentRegistry.sol";
import { Contributions } from "./libraries/Contributions.sol";
import { MerkleTree } from "./libraries/MerkleTree.sol";
import { Purposes } from "./libraries/Purposes.sol";

/// @title ConsentRegistry
/// @notice See {IConsentRegistry}.
contract ConsentRegistry is IConsentRegistry, EIP712 {
    using BitMaps for BitMaps.BitMap;

    /// @dev A {Consent} in one slot.
    struct StoredConsent {
        address contributor;
        uint48 recordedAt;
        uint48 withdrawnAt;
    }

    /// @inheritdoc IConsentRegistry
    address public immutable registry;

    // Keyed by the count too, so that nobody can spoil a root by committing it first with another count.
    mapping(bytes32 root => mapping(uint64 count => Commitment)) private _commitments;
    mapping(bytes32 contributionId => StoredConsent) private _consents;
    mapping(address contributor => BitMaps.BitMap) private _nonces;
    mapping(uint128 datasetId => mapping(address grantee => Grant)) private _grants;

    constructor(IAssetRegistry registry_) EIP712("Tributary", "1") {
        registry = address(registry_);
    }

    /// @inheritdoc IConsentRegistry
    function commit(bytes32 root, uint64 count) external {
        // Check.
        if (root == 0) revert Consent_ZeroRoot();
        if (count == 0 || count > MerkleTree.MAX_LEAVES) revert Consent_BadCount(count);

        // Effect: the first time stays.
        Commitment storage commitment = _commitments[root][count];
        if (commitment.blockNumber != 0) return;
        commitment.blockNumber = Time.blockNumber();
        commitment.timestamp = Time.timestamp();

        // Log.
        emit Committed({ root: root, count: count, committer: msg.sender });
    }

    /// @inheritdoc IConsentRegistry
    function contribute(Contribution calldata contribution, bytes calldata signature, Inclusion calldata inclusion)
        public
        returns (bytes32 contributionId)
    {
        contributionId = hashContribution(contribution);

        // Check: it says something, in time, about a dataset.
        if (contribution.commitment == 0 || contribution.records == 0) revert Consent_EmptyContribution();
        if (block.timestamp > contribution.deadline) {
            revert Consent_Expired(contribution.deadline, Time.timestamp());
        }
        if (IAssetRegistry(registry).assetOf(contribution.datasetId).kind != IAssetRegistry.AssetKind.DATASET) {
            revert Consent_NotADataset(contribution.datasetId);
        }
        // Check: the commitment was made in an earlier block.
        uint64 committed = _commitments[inclusion.root][inclusion.leafCount].blockNumber;
        if (committed == 0 || committed >= block.number) {
            revert Consent_NotCommittedBefore(inclusion.root, inclusion.leafCount);
        }
        if (!MerkleTree.verify(
                inclusion.root, contribution.commitment, inclusion.index, inclusion.leafCount, inclusion.proof
            )) revert Consent_BadProof(inclusion.root, contribution.commitment);
        // Check: the contributor signed it.
        _checkSignature(contribution.contributor, contributionId, signature);

        // Effect.
        _useNonce(contribution.contributor, contribution.nonce);
        _consents[contributionId] =
            StoredConsent({ contributor: contribution.contributor, recordedAt: Time.timestamp(), withdrawnAt: 0 });

        // Log.
        emit Contributed({
            contributionId: contributionId,
            datasetId: contribution.datasetId,
            contributor: contribution.contributor,
            contribution: contribution,
            commitRoot: inclusion.root,
            commitIndex: inclusion.index
        });
    }

    /// @inheritdoc IConsentRegistry
    function contributeMany(
        Contribution[] calldata contributions,
        bytes[] calldata signatures,
        Inclusion[] calldata inclusions
    ) external returns (bytes32[] memory contributionIds) {
        uint256 count = contributions.length;
        if (signatures.length != count || inclusions.length != count) {
            revert Consent_LengthMismatch(count, signatures.length, inclusions.length);
        }
        contributionIds = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            contributionIds[i] = contribute(contributions[i], signatures[i], inclusions[i]);
        }
    }

    /// @inheritdoc IConsentRegistry
    function withdraw(bytes32 contributionId) external {
        // Check.
        StoredConsent storage consent = _standing(contributionId);
        if (consent.contributor != msg.sender) revert Consent_NotContributor(contributionId, msg.sender);

        _withdraw(contributionId, consent);
    }

    /// @inheritdoc IConsentRegistry
    function withdrawBySig(Withdrawal calldata withdrawal, bytes calldata signature) external {
        // Check.
        StoredConsent storage consent = _standing(withdrawal.contributionId);
        if (block.timestamp > withdrawal.deadline) {
            revert Consent_Expired(withdrawal.deadline, Time.timestamp());
        }
        _checkSignature(consent.contributor, hashWithdrawal(withdrawal), signature);

        _withdraw(withdrawal.contributionId, consent);
    }

    /// @inheritdoc IConsentRegistry
    function cancelNonce(uint256 nonce) external {
        // Effect.
        _useNonce(msg.sender, nonce);

        // Log.
        emit NonceCancelled({ contributor: msg.sender, nonce: nonce });
    }

    /// @inheritdoc IConsentRegistry
    function grant(uint128 datasetId, address grantee, uint128 purposes, uint64 until) external {
        // Check.
        _checkOwner(datasetId);
        if (grantee == address(0)) revert Consent_ZeroGrantee();
        if (purposes == 0 || purposes & ~Purposes.ALL != 0) revert Consent_BadPurposes(purposes);
        if (until <= block.timestamp) revert Consent_BadUntil(until, Time.timestamp());

        // Effect.
        _grants[datasetId][grantee] = Grant({ purposes: purposes, until: until });

        // Log.
        emit Granted({ datasetId: datasetId, grantee: grantee, purposes: purposes, until: until });
    }

    /// @inheritdoc IConsentRegistry
    function revoke(uint128 datasetId, address grantee) external {
        // Check.
        _checkOwner(datasetId);
        if (_grants[datasetId][grantee].until == 0) revert Consent_NoGrant(datasetId, grantee);

        // Effect.
        delete _grants[datasetId][grantee];

        // Log.
        emit Revoked({ datasetId: datasetId, grantee: grantee });
    }

    /// @inheritdoc IConsentRegistry
    function commitmentOf(bytes32 root, uint64 count) external view returns (Commitment memory) {
        return _commitments[root][count];
    }

    /// @inheritdoc IConsentRegistry
    function consentOf(bytes32 contributionId) external view returns (Consent memory) {
        StoredConsent storage consent = _consents[contributionId];
        return
            Consent({
                contributor: consent.contributor, recordedAt: consent.recordedAt, withdrawnAt: consent.withdrawnAt
            });
    }

    /// @inheritdoc IConsentRegistry
    function isNonceUsed(address contributor, uint256 nonce) external view returns (bool) {
        return _nonces[contributor].get(nonce);
    }

    /// @inheritdoc IConsentRegistry
    function grantOf(uint128 datasetId, address grantee) external view returns (Grant memory) {
        return _grants[datasetId][grantee];
    }

    /// @inheritdoc IConsentRegistry
    function isGranted(uint128 datasetId, address grantee, uint128 purposes) external view returns (bool) {
        Grant storage given = _grants[datasetId][grantee];
        return purposes != 0 && block.timestamp < given.until && given.purposes & purposes == purposes;
    }

    /// @inheritdoc IConsentRegistry
    function hashContribution(Contribution calldata contribution) public view returns (bytes32) {
        return _hashTypedDataV4(Contributions.hash(contribution));
    }

    /// @inheritdoc IConsentRegistry
    function hashWithdrawal(Withdrawal calldata withdrawal) public view returns (bytes32) {
        return _hashTypedDataV4(Contributions.hash(withdrawal));
    }

    function _withdraw(bytes32 contributionId, StoredConsent storage consent) private {
        // Effect.
        consent.withdrawnAt = Time.timestamp();

        // Log.
        emit Withdrawn({ contributionId: contributionId, contributor: consent.contributor });
    }

    function _useNonce(address contributor, uint256 nonce) private {
        if (_nonces[contributor].get(nonce)) revert Consent_NonceUsed(contributor, nonce);
        _nonces[contributor].set(nonce);
    }

    /// @dev A contribution that is recorded and not withdrawn.
    function _standing(bytes32 contributionId) private view returns (StoredConsent storage consent) {
        consent = _consents[contributionId];
        if (consent.contributor == address(0)) revert Consent_UnknownContribution(contributionId);
        if (consent.withdrawnAt != 0) revert Consent_AlreadyWithdrawn(contributionId);
    }

    function _checkOwner(uint128 datasetId) private view {
        if (IERC721(registry).ownerOf(datasetId) != msg.sender) revert Consent_NotDatasetOwner(datasetId, msg.sender);
    }

    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) private view {
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) {
            revert Consent_BadSignature(signer);
        }
    }
}
