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

    /// @notice The root and sum that a payable leaf and its proof make; the caller compares both with what it trusts.
    /// @dev As {fold}; also SumTree_EmptyLeaf (zero account or amount).
    function verify(address account, uint128 cumulative, uint64 index, uint64 leafCount, bytes calldata proof)
        internal
        pure
        returns (bytes32 root, uint128 sum)
    {
        if (account == address(0) || cumulative == 0) revert SumTree_EmptyLeaf(account, cumulative);
        return fold(account, cumulative, index, leafCount, proof);
    }

    /// @notice The root and sum that any leaf and its proof make: one that nobody could be paid by, too, for a dishonest
    /// tree may hide something behind it.
    /// @dev Errors: SumTree_BadIndex (index not under leafCount, or leafCount over 2³²), SumTree_BadProofLength,
    /// SumTree_Overflow (the sums exceed 128 bits).
    function fold(address account, uint128 cumulative, uint64 index, uint64 leafCount, bytes calldata proof)
        internal
        pure
        returns (bytes32 root, uint128 sum)
    {
        if (index >= leafCount || leafCount > MAX_LEAVES) revert SumTree_BadIndex(index, leafCount);

        root = keccak256(abi.encodePacked(bytes1(0x00), account, cumulative));
        uint256 total = cumulative;
        uint256 length = 0;
        assembly ("memory-safe") {
            // 97 bytes beyond the free memory pointer: 0x01, the left half, the right half.
            let left := add(mload(0x40), 1)
            mstore8(sub(left, 1), 0x01)
            let position := index
            let next := proof.offset
            // The last position of a level; where it is 0 the level is the root.
            for { let last := sub(leafCount, 1) } last { last := shr(1, last) } {
                let isRight := and(position, 1)
                // A left node at the end of its level has no sibling.
                if or(isRight, lt(position, last)) {
                    let shift := mul(isRight, SIBLING)
                    let own := add(left, shift)
                    // The hash is written over the high half of the sum's word. A sum beyond 128 bits, of which this
                    // loses the excess, and siblings beyond the proof's end are refused below.
                    mstore(add(own, 16), total)
                    mstore(own, root)
                    calldatacopy(sub(add(left, SIBLING), shift), next, SIBLING)
                    root := keccak256(sub(left, 1), 97)
                    // At most 33 terms of 128 bits each.
                    total := add(total, shr(128, calldataload(add(next, 32))))
                    next := add(next, SIBLING)
                }
                position := shr(1, position)
            }
            length := sub(next, proof.offset)
        }
        if (length != proof.length) revert SumTree_BadProofLength(proof.length);
        if (total > type(uint128).max) revert SumTree_Overflow();
        // Checked in the line above.
        // forge-lint: disable-next-line(unsafe-typecast)
        sum = uint128(total);
    }
}
