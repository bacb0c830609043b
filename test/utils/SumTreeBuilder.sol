// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title SumTreeBuilder
/// @notice Builds Merkle-sum trees and their proofs in memory, level by level, sharing no code with what verifies them.
library SumTreeBuilder {
    struct Leaf {
        address account;
        uint128 cumulative;
    }

    struct Node {
        bytes32 hash;
        uint128 sum;
    }

    function root(Leaf[] memory leaves) internal pure returns (bytes32, uint128) {
        Node[] memory level = _leaves(leaves);
        while (level.length > 1) level = _parents(level);
        return (level[0].hash, level[0].sum);
    }

    function prove(Leaf[] memory leaves, uint256 index) internal pure returns (bytes memory proof) {
        Node[] memory level = _leaves(leaves);
        while (level.length > 1) {
            uint256 sibling = index ^ 1;
            if (sibling < level.length) {
                proof = bytes.concat(proof, level[sibling].hash, bytes16(level[sibling].sum));
            }
            level = _parents(level);
            index /= 2;
        }
    }

    function _leaves(Leaf[] memory leaves) private pure returns (Node[] memory level) {
        level = new Node[](leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            bytes memory preimage = abi.encodePacked(uint8(0), leaves[i].account, leaves[i].cumulative);
            level[i] = Node({ hash: keccak256(preimage), sum: leaves[i].cumulative });
        }
    }

    function _parents(Node[] memory level) private pure returns (Node[] memory parents) {
        parents = new Node[]((level.length + 1) / 2);
        for (uint256 i = 0; i + 1 < level.length; i += 2) {
            Node memory left = level[i];
            Node memory right = level[i + 1];
            bytes memory preimage = abi.encodePacked(uint8(1), left.hash, left.sum, right.hash, right.sum);
            parents[i / 2] = Node({ hash: keccak256(preimage), sum: left.sum + right.sum });
        }
        if (level.length % 2 == 1) parents[parents.length - 1] = level[level.length - 1];
    }
}
