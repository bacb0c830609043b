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
        uint256 offset = 0;
        for (uint256 width = leafCount; width > 1; width = (width + 1) >> 1) {
            bool isRight = position & 1 == 1;
            // A left node at the end of its level has no sibling.
            if (isRight || position + 1 < width) {
                if (offset + SIBLING > proof.length) revert SumTree_BadProofLength(proof.length);
                bytes32 siblingHash = bytes32(proof[offset:offset + 32]);
                uint128 siblingSum = uint128(bytes16(proof[offset + 32:offset + SIBLING]));
                root = isRight ? _node(siblingHash, siblingSum, root, sum) : _node(root, sum, siblingHash, siblingSum);
                if (siblingSum > type(uint128).max - sum) revert SumTree_Overflow();
                sum += siblingSum;
                offset += SIBLING;
            }
            position >>= 1;
        }
        if (offset != proof.length) revert SumTree_BadProofLength(proof.length);
    }

    function _node(bytes32 leftHash, uint128 leftSum, bytes32 rightHash, uint128 rightSum)
        private
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            // Beyond the free memory pointer, which stays: 97 bytes used once.
            let memory_ := mload(0x40)
            mstore8(memory_, 0x01)
            mstore(add(memory_, 1), leftHash)
            mstore(add(memory_, 33), shl(128, leftSum))
            mstore(add(memory_, 49), rightHash)
            mstore(add(memory_, 81), shl(128, rightSum))
            hash := keccak256(memory_, 97)
        }
    }
}
