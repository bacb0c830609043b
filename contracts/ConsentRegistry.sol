// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { Grants } from "./consent/Grants.sol";
import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { IConsentRegistry } from "./interfaces/IConsentRegistry.sol";
import { Contributions } from "./libraries/Contributions.sol";
import { MerkleTree } from "./libraries/MerkleTree.sol";
import { Signatures } from "./libraries/Signatures.sol";

/// @title ConsentRegistry
/// @notice See {IConsentRegistry}. Commitments, consents and their withdrawal; who may use a dataset is in {Grants}.
contract ConsentRegistry is Grants, EIP712 {
    using BitMaps for BitMaps.BitMap;

    /// @dev A {Consent} in one slot.
    struct StoredConsent {
        address contributor;
        uint48 recordedAt;
        uint48 withdrawnAt;
    }

    // Keyed by the count too, so that nobody can spoil a root by committing it first with another count.
    mapping(bytes32 root => mapping(uint64 count => Commitment)) private _commitments;
    mapping(bytes32 contributionId => StoredConsent) private _consents;
    mapping(bytes32 contributionId => mapping(bytes32 commitment => bool)) private _recordsWithdrawn;
    mapping(address contributor => BitMaps.BitMap) private _nonces;

    constructor(IAssetRegistry registry_) Grants(registry_) EIP712("Tributary", "1") { }

    /// @inheritdoc IConsentRegistry
    function commit(bytes32 root, uint64 count) public {
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
    function commitMany(Batch[] calldata batches) external {
        for (uint256 i = 0; i < batches.length; ++i) {
            commit(batches[i].root, batches[i].count);
        }
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
    function withdrawRecord(Contribution calldata contribution, bytes32 commitment, uint64 index, bytes calldata proof)
        external
    {
        // Check.
        bytes32 contributionId = hashContribution(contribution);
        StoredConsent storage consent = _standing(contributionId);
        if (consent.contributor != msg.sender) revert Consent_NotContributor(contributionId, msg.sender);
        _checkRecord(contribution, commitment, index, proof);

        _withdrawRecord(contributionId, contribution.contributor, commitment);
    }

    /// @inheritdoc IConsentRegistry
    function withdrawRecordBySig(
        Contribution calldata contribution,
        bytes32 commitment,
        uint64 index,
        bytes calldata proof,
        uint64 deadline,
        bytes calldata signature
    ) external {
        // Check.
        bytes32 contributionId = hashContribution(contribution);
        _standing(contributionId);
        if (block.timestamp > deadline) revert Consent_Expired(deadline, Time.timestamp());
        RecordWithdrawal memory withdrawal =
            RecordWithdrawal({ contributionId: contributionId, commitment: commitment, deadline: deadline });
        _checkSignature(contribution.contributor, _hashTypedDataV4(Contributions.hash(withdrawal)), signature);
        _checkRecord(contribution, commitment, index, proof);

        _withdrawRecord(contributionId, contribution.contributor, commitment);
    }

    /// @inheritdoc IConsentRegistry
    function cancelNonce(uint256 nonce) external {
        // Effect.
        _useNonce(msg.sender, nonce);

        // Log.
        emit NonceCancelled({ contributor: msg.sender, nonce: nonce });
    }

    /// @inheritdoc IConsentRegistry
    function commitmentOf(bytes32 root, uint64 count) external view returns (Commitment memory) {
        return _commitments[root][count];
    }

    /// @inheritdoc IConsentRegistry
    function consentOf(bytes32 contributionId) public view returns (Consent memory) {
        StoredConsent storage consent = _consents[contributionId];
        return
            Consent({
                contributor: consent.contributor, recordedAt: consent.recordedAt, withdrawnAt: consent.withdrawnAt
            });
    }

    /// @inheritdoc IConsentRegistry
    function consentsOf(bytes32[] calldata contributionIds) external view returns (Consent[] memory consents) {
        consents = new Consent[](contributionIds.length);
        for (uint256 i = 0; i < contributionIds.length; ++i) {
            consents[i] = consentOf(contributionIds[i]);
        }
    }

    /// @inheritdoc IConsentRegistry
    function isRecordWithdrawn(bytes32 contributionId, bytes32 commitment) external view returns (bool) {
        return _recordsWithdrawn[contributionId][commitment] || _consents[contributionId].withdrawnAt != 0;
    }

    /// @inheritdoc IConsentRegistry
    function isNonceUsed(address contributor, uint256 nonce) external view returns (bool) {
        return _nonces[contributor].get(nonce);
    }

    /// @inheritdoc IConsentRegistry
    function hashContribution(Contribution calldata contribution) public view returns (bytes32) {
        return _hashTypedDataV4(Contributions.hash(contribution));
    }

    /// @inheritdoc IConsentRegistry
    function hashWithdrawal(Withdrawal calldata withdrawal) public view returns (bytes32) {
        return _hashTypedDataV4(Contributions.hash(withdrawal));
    }

    /// @inheritdoc IConsentRegistry
    function hashRecordWithdrawal(RecordWithdrawal calldata withdrawal) external view returns (bytes32) {
        return _hashTypedDataV4(Contributions.hash(withdrawal));
    }

    function _withdraw(bytes32 contributionId, StoredConsent storage consent) private {
        // Effect.
        consent.withdrawnAt = Time.timestamp();

        // Log.
        emit Withdrawn({ contributionId: contributionId, contributor: consent.contributor });
    }

    function _withdrawRecord(bytes32 contributionId, address contributor, bytes32 commitment) private {
        // Check.
        if (_recordsWithdrawn[contributionId][commitment]) {
            revert Consent_RecordAlreadyWithdrawn(contributionId, commitment);
        }

        // Effect.
        _recordsWithdrawn[contributionId][commitment] = true;

        // Log.
        emit RecordWithdrawn({ contributionId: contributionId, contributor: contributor, commitment: commitment });
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

    /// @dev The record is one of the contribution's.
    function _checkRecord(Contribution calldata contribution, bytes32 commitment, uint64 index, bytes calldata proof)
        private
        pure
    {
        if (!MerkleTree.verify(contribution.commitment, commitment, index, contribution.records, proof)) {
            revert Consent_BadProof(contribution.commitment, commitment);
        }
    }

    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) private view {
        if (!Signatures.isValid(signer, digest, signature)) {
            revert Consent_BadSignature(signer);
        }
    }
}
