// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title SumTree
/// @notice Merkle-sum proofs over (account, cumulative payout): a proof shows not only that a leaf is in the tree but
/// also what all leaves sum to.
///
/// leaf = keccak256(0x00 ‖ account:20 ‖ cumulative:16), its sum is the cumulative payout
/// node = keccak256(0x01 ‖ left hash:32 ‖ left sum:16 ‖ right hash:32 ‖ right sum:16), its sum is left plus right
///
/// The odd node at the end of a level is promoted unchanged. Every turn and the exact length of the proof follow from
/// the leaf's index and the number of leaves, so a leaf has one proof.
library SumTree {
    uint64 internal constant MAX_LEAVES = 1 << 32;

    /// @dev A sibling in a packed proof: hash and sum.
    uint256 private constant SIBLING = 48;

    error SumTree_BadIndex(uint64 index, uint64 leafCount);
    error SumTree_BadProofLength(uint256 length);
    error SumTree_EmptyLeaf(address account, uint128 cumulative);
    error SumTree_Overflow();

    /// @notice The root and sum that a leaf and its proof make; the caller compares both with what it trusts.
    /// @dev Errors: SumTree_BadIndex (index not under leafCount, or leafCount over 2³²), SumTree_EmptyLeaf (zero account
    /// or amount), SumTree_BadProofLength, SumTree_Overflow (the sums exceed 128 bits).
    function verify(address account, uint128 cumulative, uint64 index, uint64 leafCount, bytes calldata proof)
        internal
        pure
        returns (bytes32 root, uint128 sum)
    {
        if (index >= leafCount || leafCount > MAX_LEAVES) revert SumTree_BadIndex(index, leafCount);
        if (account == address(0) || cumulative == 0) revert SumTree_EmptyLeaf(account, cumulative);

        root = keccak256(abi.encodePacked(bytes1(0x00), account, cumulative));
        sum = cumulative;
        uint256 position = index;
        uint256 width = leafCount;
        uint256 offset = 0;
        // Nothing here can overflow: positions and widths are at most 2³², offsets at most 32 siblings, and the sum is
        // checked.
        unchecked {
            while (width > 1) {
                bool isRight = position & 1 == 1;
                // A left node at the end of its level has no sibling.
                if (isRight || position + 1 < width) {
                    if (offset + SIBLING > proof.length) revert SumTree_BadProofLength(proof.length);
                    uint128 siblingSum;
                    (root, siblingSum) = _parent(root, sum, isRight, proof, offset);
                    sum += siblingSum;
                    if (sum < siblingSum) revert SumTree_Overflow();
                    offset += SIBLING;
                }
                position >>= 1;
                width = (width + 1) >> 1;
            }
        }
        if (offset != proof.length) revert SumTree_BadProofLength(proof.length);
    }

    /// @dev The hash of the node over a hash and its sibling, and the sibling's sum. The caller has checked that the
    /// proof goes on for 48 bytes from `offset`.
    function _parent(bytes32 hash, uint128 sum, bool isRight, bytes calldata proof, uint256 offset)
        private
        pure
        returns (bytes32 parent, uint128 siblingSum)
    {
        assembly ("memory-safe") {
            // 97 bytes beyond the free memory pointer, used once: 0x01, the left half, the right half.
            let preimage := mload(0x40)
            let left := add(preimage, 1)
            let right := add(preimage, 49)
            let own := left
            let other := right
            if isRight {
                own := right
                other := left
            }
            mstore8(preimage, 0x01)
            // The hash is written over the high half of the sum's word, which is zero.
            mstore(add(own, 16), sum)
            mstore(own, hash)
            let sibling := add(proof.offset, offset)
            calldatacopy(other, sibling, SIBLING)
            parent := keccak256(preimage, 97)
            siblingSum := shr(128, calldataload(add(sibling, 32)))
        }
    }
}
