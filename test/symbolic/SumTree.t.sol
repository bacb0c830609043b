// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { TreeHarness } from "../utils/Harnesses.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";

/// @notice What a payout proof means: for any accounts, amounts and proofs, in trees of up to five leaves. Halmos
/// (`make symbolic`) takes every argument as any value at once and keccak256 as a function without collisions.
contract SumTreeSymbolic {
    /// @dev The leaves of a tree, and the leaf and proof somebody claims with.
    struct Case {
        address[5] accounts;
        uint120[5] amounts;
        address account;
        uint128 amount;
        bytes32[3] hashes;
        uint128[3] sums;
    }

    TreeHarness internal immutable TREES = new TreeHarness();

    function check_an_accepted_proof_is_of_the_leaf_at_its_index_1_leaf(Case memory c) public view {
        _accepted_means_present(c, 1);
    }

    function check_an_accepted_proof_is_of_the_leaf_at_its_index_2_leaves(Case memory c) public view {
        _accepted_means_present(c, 2);
    }

    function check_an_accepted_proof_is_of_the_leaf_at_its_index_3_leaves(Case memory c) public view {
        _accepted_means_present(c, 3);
    }

    function check_an_accepted_proof_is_of_the_leaf_at_its_index_5_leaves(Case memory c) public view {
        _accepted_means_present(c, 5);
    }

    function check_no_proof_is_good_at_two_indices_2_leaves(Case memory c) public view {
        _good_at_one_index(c, 2);
    }

    function check_no_proof_is_good_at_two_indices_3_leaves(Case memory c) public view {
        _good_at_one_index(c, 3);
    }

    /// @dev Whatever the siblings say, the sum is the exact sum or the proof is refused.
    function check_sums_cannot_overflow(Case memory c) public view {
        for (uint64 i = 0; i < 5; ++i) {
            uint256 length = _length(i, 5);
            (bool success,, uint128 sum) = _verify(c, i, 5, length);
            uint256 exact = c.amount;
            for (uint256 k = 0; k < length; ++k) {
                exact += c.sums[k];
            }
            if (success) assert(sum == exact);
        }
    }

    /// @dev A leaf's hash is no node's, so no node can be passed off as a leaf or the reverse.
    function check_no_leaf_is_a_node(
        address account,
        uint128 amount,
        bytes32 left,
        uint128 leftSum,
        bytes32 right,
        uint128 rightSum
    ) public pure {
        bytes32 leaf = keccak256(abi.encodePacked(uint8(0), account, amount));
        assert(leaf != keccak256(abi.encodePacked(uint8(1), left, leftSum, right, rightSum)));
    }

    function _accepted_means_present(Case memory c, uint64 count) internal view {
        SumTreeBuilder.Leaf[] memory leaves = _leaves(c, count);
        (bytes32 root, uint128 sum) = SumTreeBuilder.root(leaves);
        for (uint64 i = 0; i < count; ++i) {
            (bool success, bytes32 found, uint128 total) = _verify(c, i, count, _length(i, count));
            if (!success || found != root || total != sum) continue;
            assert(c.account == leaves[i].account && c.amount == leaves[i].cumulative);
        }
    }

    /// @dev Where no account is twice, as in every root that stands.
    function _good_at_one_index(Case memory c, uint64 count) internal view {
        for (uint256 i = 1; i < count; ++i) {
            if (c.accounts[i] <= c.accounts[i - 1]) return;
        }
        (bytes32 root, uint128 sum) = SumTreeBuilder.root(_leaves(c, count));
        bool found = false;
        for (uint64 i = 0; i < count; ++i) {
            (bool success, bytes32 made, uint128 total) = _verify(c, i, count, _length(i, count));
            if (!success || made != root || total != sum) continue;
            assert(!found);
            found = true;
        }
    }

    function _leaves(Case memory c, uint64 count) internal pure returns (SumTreeBuilder.Leaf[] memory leaves) {
        leaves = new SumTreeBuilder.Leaf[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = SumTreeBuilder.Leaf({ account: c.accounts[i], cumulative: c.amounts[i] });
        }
    }

    function _verify(Case memory c, uint64 index, uint64 count, uint256 siblings)
        internal
        view
        returns (bool success, bytes32 root, uint128 sum)
    {
        bytes memory proof = "";
        for (uint256 i = 0; i < siblings; ++i) {
            proof = bytes.concat(proof, c.hashes[i], bytes16(c.sums[i]));
        }
        bytes memory answer;
        (success, answer) =
            address(TREES).staticcall(abi.encodeCall(TreeHarness.sumTree, (c.account, c.amount, index, count, proof)));
        if (success) (root, sum) = abi.decode(answer, (bytes32, uint128));
    }

    /// @dev How many siblings the proof of a leaf has.
    function _length(uint64 index, uint64 count) internal pure returns (uint256 siblings) {
        for (uint256 last = count - 1; last != 0; last >>= 1) {
            if (index & 1 == 1 || index < last) ++siblings;
            index >>= 1;
        }
    }
}
