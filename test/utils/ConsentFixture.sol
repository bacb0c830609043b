// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IConsentRegistry } from "../../contracts/interfaces/IConsentRegistry.sol";
import { Fixture } from "./Fixture.sol";
import { MerkleTreeBuilder } from "./MerkleTreeBuilder.sol";

/// @title ConsentFixture
/// @notice A batch of five commitments, committed one block ago, and a contributor with a key.
abstract contract ConsentFixture is Fixture {
    uint256 internal constant KEY = 0xC0FFEE;
    address internal contributor = vm.addr(KEY);

    bytes32[] internal commitments;
    bytes32 internal commitRoot;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i = 0; i < 5; ++i) {
            commitments.push(keccak256(abi.encode("commitment", i)));
        }
        commitRoot = MerkleTreeBuilder.root(commitments);
        consents.commit(commitRoot, 5);
        vm.roll(vm.getBlockNumber() + 1);
    }

    function _contribution(uint256 index) internal view returns (IConsentRegistry.Contribution memory) {
        return IConsentRegistry.Contribution({
            datasetId: datasetId,
            contributor: contributor,
            commitment: commitments[index],
            records: 150,
            termsHash: keccak256("terms"),
            payPolicyHash: keccak256("pay policy"),
            nonce: index,
            deadline: START + 1 days
        });
    }

    function _inclusion(uint256 index) internal view returns (IConsentRegistry.Inclusion memory) {
        return IConsentRegistry.Inclusion({
            root: commitRoot,
            index: uint64(index),
            leafCount: uint64(commitments.length),
            proof: MerkleTreeBuilder.prove(commitments, index)
        });
    }

    function _signed(IConsentRegistry.Contribution memory contribution) internal view returns (bytes memory) {
        return _sign(KEY, consents.hashContribution(contribution));
    }

    function _contribute(uint256 index) internal returns (bytes32 contributionId) {
        IConsentRegistry.Contribution memory contribution = _contribution(index);
        return consents.contribute(contribution, _signed(contribution), _inclusion(index));
    }
}
