// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { TreeHarness } from "../utils/Harnesses.sol";
import { MerkleTreeBuilder } from "../utils/MerkleTreeBuilder.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";

contract TreesFuzzTest is Test {
    TreeHarness internal trees = new TreeHarness();

    /// @dev Strictly ascending accounts with random gaps and random amounts.
    function _randomLeaves(uint256 seed, uint256 count) internal pure returns (SumTreeBuilder.Leaf[] memory leaves) {
        leaves = new SumTreeBuilder.Leaf[](count);
        uint256 account = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            account += 1 + (random >> 120);
            leaves[i].account = address(uint160(account));
            leaves[i].cumulative = uint128(1 + (random & type(uint96).max));
        }
    }

    function testFuzz_sum_tree_proofs_of_random_trees_hold(uint256 seed, uint256 count, uint256 index) public view {
        count = bound(count, 1, 200);
        index = bound(index, 0, count - 1);
        SumTreeBuilder.Leaf[] memory leaves = _randomLeaves(seed, count);
        (bytes32 expectedRoot, uint128 expectedSum) = SumTreeBuilder.root(leaves);
        (bytes32 root, uint128 sum) = trees.sumTree(
            leaves[index].account,
            leaves[index].cumulative,
            uint64(index),
            uint64(count),
            SumTreeBuilder.prove(leaves, index)
        );
        assertEq(root, expectedRoot);
        assertEq(sum, expectedSum);
    }

    function testFuzz_sum_tree_proofs_do_not_hold_for_another_amount(
        uint256 seed,
        uint256 count,
        uint256 index,
        uint128 amount
    ) public view {
        count = bound(count, 1, 64);
        index = bound(index, 0, count - 1);
        amount = uint128(bound(amount, 1, type(uint96).max));
        SumTreeBuilder.Leaf[] memory leaves = _randomLeaves(seed, count);
        vm.assume(amount != leaves[index].cumulative);
        (bytes32 expectedRoot,) = SumTreeBuilder.root(leaves);
        (bytes32 root,) = trees.sumTree(
            leaves[index].account, amount, uint64(index), uint64(count), SumTreeBuilder.prove(leaves, index)
        );
        assertNotEq(root, expectedRoot);
    }

    function testFuzz_sum_tree_proofs_hold_at_one_index_only(uint256 seed, uint256 count, uint256 index, uint256 other)
        public
        view
    {
        count = bound(count, 2, 64);
        index = bound(index, 0, count - 1);
        other = bound(other, 0, count - 1);
        vm.assume(other != index);
        SumTreeBuilder.Leaf[] memory leaves = _randomLeaves(seed, count);
        (bytes32 expectedRoot,) = SumTreeBuilder.root(leaves);
        try trees.sumTree(
            leaves[index].account,
            leaves[index].cumulative,
            uint64(other),
            uint64(count),
            SumTreeBuilder.prove(leaves, index)
        ) returns (
            bytes32 root, uint128
        ) {
            assertNotEq(root, expectedRoot);
        } catch { }
    }

    function testFuzz_sum_tree_proofs_do_not_hold_with_any_bit_flipped(
        uint256 seed,
        uint256 count,
        uint256 index,
        uint256 bit
    ) public view {
        count = bound(count, 2, 64);
        index = bound(index, 0, count - 1);
        SumTreeBuilder.Leaf[] memory leaves = _randomLeaves(seed, count);
        bytes memory proof = SumTreeBuilder.prove(leaves, index);
        bit = bound(bit, 0, proof.length * 8 - 1);
        proof[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        (bytes32 expectedRoot,) = SumTreeBuilder.root(leaves);
        try trees.sumTree(
            leaves[index].account, leaves[index].cumulative, uint64(index), uint64(count), proof
        ) returns (
            bytes32 root, uint128
        ) {
            assertNotEq(root, expectedRoot);
        } catch { }
    }

    function testFuzz_sum_tree_takes_proofs_of_one_length_only(uint64 index, uint64 leafCount, uint256 length) public {
        leafCount = uint64(bound(leafCount, 1, 1 << 32));
        index = uint64(bound(index, 0, leafCount - 1));
        length = bound(length, 0, 33 * 48);
        uint256 expected = 0;
        uint256 position = index;
        for (uint256 width = leafCount; width > 1; width = (width + 1) / 2) {
            if (position ^ 1 < width) expected += 48;
            position /= 2;
        }
        if (length != expected) vm.expectRevert();
        trees.sumTree(address(1), 1, index, leafCount, new bytes(length));
    }

    function testFuzz_merkle_tree_proofs_of_random_trees_hold(bytes32[] memory data, uint256 index) public view {
        vm.assume(data.length != 0);
        index = bound(index, 0, data.length - 1);
        bytes memory proof = MerkleTreeBuilder.prove(data, index);
        assertTrue(
            trees.merkleTree(MerkleTreeBuilder.root(data), data[index], uint64(index), uint64(data.length), proof)
        );
    }

    function testFuzz_merkle_tree_proofs_do_not_hold_for_other_data(bytes32[] memory data, uint256 index, bytes32 other)
        public
        view
    {
        vm.assume(data.length != 0);
        index = bound(index, 0, data.length - 1);
        vm.assume(other != data[index]);
        bytes memory proof = MerkleTreeBuilder.prove(data, index);
        assertFalse(trees.merkleTree(MerkleTreeBuilder.root(data), other, uint64(index), uint64(data.length), proof));
    }

    function testFuzz_merkle_tree_never_reverts(
        bytes32 root,
        bytes32 data,
        uint64 index,
        uint64 leafCount,
        bytes calldata proof
    ) public view {
        trees.merkleTree(root, data, index, leafCount, proof);
    }
}
