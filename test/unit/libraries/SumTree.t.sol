// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { SumTree } from "../../../contracts/libraries/SumTree.sol";
import { TreeHarness } from "../../utils/Harnesses.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";

contract SumTreeTest is Test {
    TreeHarness internal trees = new TreeHarness();

    function _leaves(uint256 count) internal pure returns (SumTreeBuilder.Leaf[] memory leaves) {
        leaves = new SumTreeBuilder.Leaf[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = SumTreeBuilder.Leaf({ account: address(uint160(i + 1)), cumulative: uint128(100 + i) });
        }
    }

    function _verify(SumTreeBuilder.Leaf[] memory leaves, uint256 index, bytes memory proof)
        internal
        view
        returns (bytes32 root, uint128 sum)
    {
        return trees.sumTree(
            leaves[index].account, leaves[index].cumulative, uint64(index), uint64(leaves.length), proof
        );
    }

    function test_verify_finds_root_and_sum_for_every_leaf_of_every_small_tree() public view {
        for (uint256 count = 1; count <= 33; ++count) {
            SumTreeBuilder.Leaf[] memory leaves = _leaves(count);
            (bytes32 expectedRoot, uint128 expectedSum) = SumTreeBuilder.root(leaves);
            for (uint256 i = 0; i < count; ++i) {
                (bytes32 root, uint128 sum) = _verify(leaves, i, SumTreeBuilder.prove(leaves, i));
                assertEq(root, expectedRoot);
                assertEq(sum, expectedSum);
            }
        }
    }

    function test_verify_hashes_a_single_leaf_as_documented() public view {
        (bytes32 root, uint128 sum) = trees.sumTree(address(0x1234), 77, 0, 1, "");
        assertEq(root, keccak256(abi.encodePacked(bytes1(0), bytes20(address(0x1234)), bytes16(uint128(77)))));
        assertEq(sum, 77);
    }

    function test_verify_promotes_the_odd_leaf_without_a_sibling() public pure {
        assertEq(SumTreeBuilder.prove(_leaves(5), 4).length, 48);
        assertEq(SumTreeBuilder.prove(_leaves(5), 0).length, 3 * 48);
    }

    function test_verify_reverts_when_index_is_not_under_leaf_count() public {
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_BadIndex.selector, 3, 3));
        trees.sumTree(address(1), 1, 3, 3, "");
    }

    function test_verify_reverts_when_there_are_no_leaves() public {
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_BadIndex.selector, 0, 0));
        trees.sumTree(address(1), 1, 0, 0, "");
    }

    function test_verify_reverts_when_there_are_too_many_leaves() public {
        uint64 tooMany = (1 << 32) + 1;
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_BadIndex.selector, 0, tooMany));
        trees.sumTree(address(1), 1, 0, tooMany, "");
    }

    function test_verify_takes_the_largest_tree() public view {
        trees.sumTree(address(1), 1, (1 << 32) - 1, 1 << 32, new bytes(32 * 48));
    }

    function test_verify_reverts_when_account_is_zero() public {
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_EmptyLeaf.selector, address(0), 1));
        trees.sumTree(address(0), 1, 0, 1, "");
    }

    function test_verify_reverts_when_amount_is_zero() public {
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_EmptyLeaf.selector, address(1), 0));
        trees.sumTree(address(1), 0, 0, 1, "");
    }

    function test_verify_reverts_when_proof_is_too_short() public {
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_BadProofLength.selector, 48));
        trees.sumTree(address(1), 1, 0, 4, new bytes(48));
    }

    function test_verify_reverts_when_proof_is_too_long() public {
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_BadProofLength.selector, 49));
        trees.sumTree(address(1), 1, 0, 2, new bytes(49));
    }

    function test_verify_reverts_when_sums_exceed_128_bits() public {
        bytes memory proof = abi.encodePacked(bytes32("sibling"), type(uint128).max);
        vm.expectRevert(SumTree.SumTree_Overflow.selector);
        trees.sumTree(address(1), 1, 0, 2, proof);
    }

    function test_verify_takes_a_sum_of_exactly_128_bits() public view {
        bytes memory proof = abi.encodePacked(bytes32("sibling"), type(uint128).max - 1);
        (, uint128 sum) = trees.sumTree(address(1), 1, 0, 2, proof);
        assertEq(sum, type(uint128).max);
    }
}
