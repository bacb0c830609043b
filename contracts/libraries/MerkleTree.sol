// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title MerkleTree
/// @notice Merkle proofs for what carries no money: records, commitments, receipts. The shape is RFC 6962's, with
/// keccak256.
///
/// leaf = keccak256(0x00 ‖ data:32), node = keccak256(0x01 ‖ left:32 ‖ right:32)
///
/// The odd node at the end of a level is promoted unchanged. Every turn and the exact length of the proof follow from
/// the leaf's index and the number of leaves, so a leaf has one proof.
library MerkleTree {
    uint64 internal constant MAX_LEAVES = 1 << 32;

    /// @notice Whether `data` is the leaf at `index` of the tree of `leafCount` leaves with this root.
    /// @dev False for an index not under `leafCount`, more than 2³² leaves, or a proof of the wrong length.
    /// @param proof Packed siblings, 32 bytes each, from the leaf up.
    function verify(bytes32 root, bytes32 data, uint64 index, uint64 leafCount, bytes calldata proof)
        internal
        pure
        returns (bool)
    {
        if (index >= leafCount || leafCount > MAX_LEAVES) return false;

        bytes32 hash = keccak256(abi.encodePacked(bytes1(0x00), data));
        uint256 position = index;
        uint256 offset = 0;
        for (uint256 width = leafCount; width > 1; width = (width + 1) >> 1) {
            bool isRight = position & 1 == 1;
            // A left node at the end of its level has no sibling.
            if (isRight || position + 1 < width) {
                if (offset + 32 > proof.length) return false;
                bytes32 sibling = bytes32(proof[offset:offset + 32]);
                hash = isRight
                    ? keccak256(abi.encodePacked(bytes1(0x01), sibling, hash))
                    : keccak256(abi.encodePacked(bytes1(0x01), hash, sibling));
                offset += 32;
            }
            position >>= 1;
        }
        return offset == proof.length && hash == root;
    }
}
