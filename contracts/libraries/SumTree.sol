// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

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
        uint256 total = cumulative;
        uint256 position = index;
        uint256 width = leafCount;
        uint256 offset = 0;
        assembly ("memory-safe") {
            // 97 bytes beyond the free memory pointer: 0x01, the left half, the right half.
            let preimage := mload(0x40)
            mstore8(preimage, 0x01)
            for { } gt(width, 1) { width := shr(1, add(width, 1)) } {
                let isRight := and(position, 1)
                // A left node at the end of its level has no sibling.
                if or(isRight, lt(add(position, 1), width)) {
                    let shift := mul(isRight, SIBLING)
                    let own := add(add(preimage, 1), shift)
                    let sibling := sub(add(preimage, 49), shift)
                    // The hash is written over the high half of the sum's word. A sum beyond 128 bits, of which this
                    // loses the excess, and siblings beyond the proof's end are refused below.
                    mstore(add(own, 16), total)
                    mstore(own, root)
                    calldatacopy(sibling, add(proof.offset, offset), SIBLING)
                    root := keccak256(preimage, 97)
                    // At most 33 terms of 128 bits each.
                    total := add(total, shr(128, calldataload(add(add(proof.offset, offset), 32))))
                    offset := add(offset, SIBLING)
                }
                position := shr(1, position)
            }
        }
        if (offset != proof.length) revert SumTree_BadProofLength(proof.length);
        if (total > type(uint128).max) revert SumTree_Overflow();
        sum = SafeCast.toUint128(total);
    }
}
