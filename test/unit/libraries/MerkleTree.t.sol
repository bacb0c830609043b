// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { TreeHarness } from "../../utils/Harnesses.sol";
import { MerkleTreeBuilder } from "../../utils/MerkleTreeBuilder.sol";

contract MerkleTreeTest is Test {
    TreeHarness internal trees = new TreeHarness();

    function _data(uint256 count) internal pure returns (bytes32[] memory data) {
        data = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            data[i] = keccak256(abi.encode(i));
        }
    }

    function test_verify_is_true_for_every_leaf_of_every_small_tree() public view {
        for (uint256 count = 1; count <= 33; ++count) {
            bytes32[] memory data = _data(count);
            bytes32 root = MerkleTreeBuilder.root(data);
            for (uint256 i = 0; i < count; ++i) {
                bytes memory proof = MerkleTreeBuilder.prove(data, i);
                assertTrue(trees.merkleTree(root, data[i], uint64(i), uint64(count), proof));
            }
        }
    }

    function test_verify_is_false_for_other_data() public view {
        bytes32[] memory data = _data(6);
        bytes32 root = MerkleTreeBuilder.root(data);
        assertFalse(trees.merkleTree(root, data[1], 0, 6, MerkleTreeBuilder.prove(data, 0)));
    }

    function test_verify_is_false_for_another_index() public view {
        bytes32[] memory data = _data(6);
        bytes32 root = MerkleTreeBuilder.root(data);
        assertFalse(trees.merkleTree(root, data[0], 1, 6, MerkleTreeBuilder.prove(data, 0)));
    }

    function test_verify_is_false_when_index_is_not_under_leaf_count() public view {
        bytes32[] memory data = _data(1);
        assertFalse(trees.merkleTree(MerkleTreeBuilder.root(data), data[0], 1, 1, ""));
        assertFalse(trees.merkleTree(MerkleTreeBuilder.root(data), data[0], 0, 0, ""));
    }

    function test_verify_is_false_when_there_are_too_many_leaves() public view {
        assertFalse(trees.merkleTree(0, 0, 0, (1 << 32) + 1, new bytes(33 * 32)));
    }

    function test_verify_is_false_for_a_short_or_long_proof() public view {
        bytes32[] memory data = _data(4);
        bytes32 root = MerkleTreeBuilder.root(data);
        bytes memory proof = MerkleTreeBuilder.prove(data, 0);
        assertFalse(trees.merkleTree(root, data[0], 0, 4, ""));
        assertFalse(trees.merkleTree(root, data[0], 0, 4, bytes.concat(proof, bytes1(0))));
        assertFalse(trees.merkleTree(root, data[0], 0, 4, bytes.concat(proof, bytes32(0))));
    }

    function test_verify_does_not_take_a_node_for_a_leaf() public view {
        bytes32[] memory data = _data(4);
        bytes32 root = MerkleTreeBuilder.root(data);
        bytes32[] memory left = new bytes32[](2);
        (left[0], left[1]) = (data[0], data[1]);
        bytes32[] memory right = new bytes32[](2);
        (right[0], right[1]) = (data[2], data[3]);
        bytes memory proof = abi.encodePacked(MerkleTreeBuilder.root(right));
        assertFalse(trees.merkleTree(root, MerkleTreeBuilder.root(left), 0, 2, proof));
    }
}
