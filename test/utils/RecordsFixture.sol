// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IConsentRegistry } from "../../contracts/interfaces/IConsentRegistry.sol";
import { Fixture } from "./Fixture.sol";
import { MerkleTreeBuilder } from "./MerkleTreeBuilder.sol";

/// @title RecordsFixture
/// @notice Contributions over known records.
abstract contract RecordsFixture is Fixture {
    uint256 private _lastNonce;

    /// @dev The salted commitments of `count` records that nobody else has.
    function _commitments(bytes32 seed, uint256 count) internal pure returns (bytes32[] memory commitments) {
        commitments = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            commitments[i] = keccak256(abi.encode(seed, i));
        }
    }

    /// @dev Records the consent of the key's account to giving these records; committed a block before.
    function _give(uint128 dataset, uint256 key, bytes32[] memory records)
        internal
        returns (IConsentRegistry.Contribution memory contribution, bytes32 contributionId)
    {
        contribution = IConsentRegistry.Contribution({
            datasetId: dataset,
            contributor: vm.addr(key),
            commitment: MerkleTreeBuilder.root(records),
            records: uint64(records.length),
            termsHash: keccak256("terms"),
            payPolicyHash: keccak256("pay policy"),
            nonce: ++_lastNonce,
            deadline: uint64(vm.getBlockTimestamp() + 1 days)
        });
        bytes32[] memory batch = new bytes32[](1);
        batch[0] = contribution.commitment;
        bytes32 root = MerkleTreeBuilder.root(batch);
        consents.commit(root, 1);
        vm.roll(vm.getBlockNumber() + 1);
        bytes memory signature = _sign(key, consents.hashContribution(contribution));
        contributionId = consents.contribute(
            contribution, signature, IConsentRegistry.Inclusion({ root: root, index: 0, leafCount: 1, proof: "" })
        );
    }
}
