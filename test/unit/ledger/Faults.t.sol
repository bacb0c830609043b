// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { SumTree } from "../../../contracts/libraries/SumTree.sol";
import { LedgerFixture } from "../../utils/LedgerFixture.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";

contract FaultsTest is LedgerFixture {
    /// @dev The next root, posted with a fault.
    SumTreeBuilder.Leaf[] internal faulty;

    function _setFaulty(SumTreeBuilder.Leaf[] memory made) internal {
        delete faulty;
        for (uint256 i = 0; i < made.length; ++i) {
            faulty.push(made[i]);
        }
    }

    function _one(IAttributionLedger.Leaf memory leaf)
        internal
        pure
        returns (IAttributionLedger.Leaf[] memory bracket)
    {
        bracket = new IAttributionLedger.Leaf[](1);
        bracket[0] = leaf;
    }

    function _two(IAttributionLedger.Leaf memory lower, IAttributionLedger.Leaf memory upper)
        internal
        pure
        returns (IAttributionLedger.Leaf[] memory bracket)
    {
        bracket = new IAttributionLedger.Leaf[](2);
        (bracket[0], bracket[1]) = (lower, upper);
    }

    function _expectNoFault(IAttributionLedger.RejectionReason reason) internal {
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NoFault.selector, reason));
    }

    function _expectRejection(uint64 index, IAttributionLedger.RejectionReason reason) internal {
        vm.expectEmit();
        emit IAttributionLedger.RootRejected(address(vault), address(dollar), index, 0, reason, stranger);
        vm.prank(stranger);
    }

    // Disorder

    function _postDisordered(uint256 i, uint256 j) internal returns (uint64) {
        (leaves[i], leaves[j]) = (leaves[j], leaves[i]);
        return _postBonded(leaves);
    }

    function testFuzz_proveDisorder_rejects_leaves_in_the_wrong_order(uint256 i, uint256 j) public {
        i = bound(i, 0, leaves.length - 2);
        j = bound(j, i + 1, leaves.length - 1);
        uint64 index = _postDisordered(i, j);
        _expectRejection(index, IAttributionLedger.RejectionReason.DISORDER);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, i), _leafOf(leaves, j));
        _assertStatus(index, IAttributionLedger.RootStatus.NONE);
    }

    function test_proveDisorder_rejects_one_account_twice() public {
        leaves[3].account = leaves[2].account;
        _postBonded(leaves);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 2), _leafOf(leaves, 3));
        assertEq(ledger.rootCount(address(vault), address(dollar)), 0);
    }

    function test_proveDisorder_divides_the_bond_between_the_caller_and_the_pool() public {
        _postDisordered(0, 1);
        vm.prank(stranger);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        assertEq(ledger.bondOf(stranger), POSTER_BOND / 2);
        assertEq(ledger.bondOf(address(vault)), POSTER_BOND - POSTER_BOND / 2);
        assertEq(ledger.bondOf(poster), 0);
        (address staker,) = ledger.stakeOf(address(vault), address(dollar));
        assertEq(staker, address(0));
        _assertBondsAddUp();
    }

    function test_proveDisorder_gives_an_open_challenger_its_bond_back() public {
        uint64 index = _postDisordered(0, 1);
        _challenge();
        _assertStatus(index, IAttributionLedger.RootStatus.CHALLENGED);
        vm.prank(stranger);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        assertEq(ledger.bondOf(challenger), CHALLENGE_BOND);
        assertEq(ledger.challengeOf(address(vault), address(dollar)).challenger, address(0));
        _assertBondsAddUp();
    }

    function test_proveDisorder_works_after_the_arbiters_time_too() public {
        _postDisordered(0, 1);
        _challenge();
        _lapse();
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        assertEq(ledger.bondOf(challenger), CHALLENGE_BOND);
    }

    function test_proveDisorder_works_without_bonds_and_arbiter() public {
        vault = _vaultOf(_register(_model("plain")));
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);
        (leaves[0], leaves[1]) = (leaves[1], leaves[0]);
        uint64 index = _post(leaves);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        _assertStatus(index, IAttributionLedger.RootStatus.NONE);
        assertEq(ledger.bondOf(address(this)), 0);
    }

    function testFuzz_proveDisorder_reverts_for_leaves_in_order(uint256 i, uint256 j) public {
        i = bound(i, 0, leaves.length - 1);
        j = bound(j, i, leaves.length - 1);
        _postBonded(leaves);
        _expectNoFault(IAttributionLedger.RejectionReason.DISORDER);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, i), _leafOf(leaves, j));
        _expectNoFault(IAttributionLedger.RejectionReason.DISORDER);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, j), _leafOf(leaves, i));
    }

    function testFuzz_proveDisorder_reverts_when_a_leaf_is_said_to_be_at_another_index(uint256 i, uint64 index) public {
        i = bound(i, 0, leaves.length - 1);
        index = uint64(bound(index, 0, leaves.length - 1));
        vm.assume(index != i);
        _postBonded(leaves);
        IAttributionLedger.Leaf memory leaf = _leafOf(leaves, i);
        IAttributionLedger.Leaf memory moved = _leafOf(leaves, i);
        moved.index = index;
        vm.expectRevert();
        ledger.proveDisorder(address(vault), address(dollar), i < index ? leaf : moved, i < index ? moved : leaf);
    }

    function test_proveDisorder_reverts_for_a_leaf_of_another_tree() public {
        _postBonded(leaves);
        leaves[0].cumulative += 1;
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, leaves[0].account, leaves[0].cumulative)
        );
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
    }

    function test_proveDisorder_reverts_once_the_root_is_active() public {
        _postDisordered(0, 1);
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NotPending.selector, vault, dollar));
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
    }

    function test_proofs_revert_where_nothing_was_posted() public {
        bytes memory reason = abi.encodeWithSelector(IAttributionLedger.Ledger_NotPending.selector, vault, dollar);
        IAttributionLedger.Leaf memory leaf = _leafOf(leaves, 0);
        vm.expectRevert(reason);
        ledger.proveDisorder(address(vault), address(dollar), leaf, leaf);
        vm.expectRevert(reason);
        ledger.proveDecrease(address(vault), address(dollar), leaf, leaf);
        vm.expectRevert(reason);
        ledger.proveOmission(address(vault), address(dollar), leaf, _one(leaf));
    }

    // Decrease

    function testFuzz_proveDecrease_rejects_a_root_that_takes_payouts_back(uint256 i, uint128 less) public {
        i = bound(i, 0, leaves.length - 1);
        less = uint128(bound(less, 1, leaves[i].cumulative - 1));
        _activateBonded(leaves);
        _setFaulty(leaves);
        faulty[i].cumulative -= less;
        faulty[(i + 1) % leaves.length].cumulative += less;
        uint64 index = _postBonded(faulty);
        _expectRejection(index, IAttributionLedger.RejectionReason.DECREASE);
        ledger.proveDecrease(address(vault), address(dollar), _leafOf(leaves, i), _leafOf(faulty, i));
        _assertStatus(index, IAttributionLedger.RootStatus.NONE);
        assertEq(ledger.rootCount(address(vault), address(dollar)), 1);
        assertEq(ledger.bondOf(stranger), POSTER_BOND / 2);
        _assertBondsAddUp();
    }

    function testFuzz_proveDecrease_reverts_when_nothing_was_taken_back(uint256 i, uint256 j, uint128 more) public {
        i = bound(i, 0, leaves.length - 1);
        j = bound(j, 0, leaves.length - 1);
        more = uint128(bound(more, 0, 1e6));
        _activateBonded(leaves);
        _setFaulty(leaves);
        faulty[i].cumulative += more;
        _postBonded(faulty);
        _expectNoFault(IAttributionLedger.RejectionReason.DECREASE);
        ledger.proveDecrease(address(vault), address(dollar), _leafOf(leaves, i), _leafOf(faulty, j));
    }

    function test_proveDecrease_reverts_for_the_first_root() public {
        _postBonded(leaves);
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_BadIndex.selector, 0, 0));
        ledger.proveDecrease(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 0));
    }

    function test_proveDecrease_reverts_when_the_previous_leaf_is_not_of_the_last_active_root() public {
        _activateBonded(leaves);
        _postBonded(leaves);
        _setFaulty(leaves);
        faulty[0].cumulative += 9;
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, faulty[0].account, faulty[0].cumulative)
        );
        ledger.proveDecrease(address(vault), address(dollar), _leafOf(faulty, 0), _leafOf(leaves, 0));
    }

    /// @dev A dishonest tree may keep a dropped account's place with a leaf that pays nothing.
    function testFuzz_proveDecrease_sees_through_a_leaf_of_nothing(uint256 i) public {
        i = bound(i, 0, leaves.length - 1);
        _activateBonded(leaves);
        _setFaulty(leaves);
        faulty[(i + 1) % leaves.length].cumulative += faulty[i].cumulative;
        faulty[i].cumulative = 0;
        uint64 index = _postBonded(faulty);
        _expectRejection(index, IAttributionLedger.RejectionReason.DECREASE);
        ledger.proveDecrease(address(vault), address(dollar), _leafOf(leaves, i), _leafOf(faulty, i));
    }

    function testFuzz_proveDisorder_sees_through_a_leaf_of_nobody(uint256 i) public {
        i = bound(i, 1, leaves.length - 1);
        leaves[i].account = address(0);
        uint64 index = _postBonded(leaves);
        _expectRejection(index, IAttributionLedger.RejectionReason.DISORDER);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, i - 1), _leafOf(leaves, i));
    }

    function test_proveDecrease_reverts_for_an_empty_leaf_of_the_last_active_root() public {
        leaves[2].cumulative = 0;
        _activateBonded(leaves);
        _postBonded(leaves);
        vm.expectRevert(abi.encodeWithSelector(SumTree.SumTree_EmptyLeaf.selector, leaves[2].account, 0));
        ledger.proveDecrease(address(vault), address(dollar), _leafOf(leaves, 2), _leafOf(leaves, 2));
    }

    // Omission

    /// @dev The next root leaves out leaf `i` and gives what it had to another.
    function _postWithout(uint256 i) internal returns (uint64) {
        _activateBonded(leaves);
        _setFaulty(_without(leaves, i));
        faulty[(i + 1) % faulty.length].cumulative += leaves[i].cumulative;
        return _postBonded(faulty);
    }

    function _bracket(uint256 i) internal view returns (IAttributionLedger.Leaf[] memory) {
        if (i == 0) return _one(_leafOf(faulty, 0));
        if (i == faulty.length) return _one(_leafOf(faulty, i - 1));
        return _two(_leafOf(faulty, i - 1), _leafOf(faulty, i));
    }

    function testFuzz_proveOmission_rejects_a_root_without_an_account_of_the_last(uint256 i, uint256 count) public {
        _setLeaves(_leaves(bound(count, 2, 20), 1e6));
        i = bound(i, 0, leaves.length - 1);
        uint64 index = _postWithout(i);
        _expectRejection(index, IAttributionLedger.RejectionReason.OMISSION);
        ledger.proveOmission(address(vault), address(dollar), _leafOf(leaves, i), _bracket(i));
        _assertStatus(index, IAttributionLedger.RootStatus.NONE);
        assertEq(ledger.bondOf(stranger), POSTER_BOND / 2);
        _assertBondsAddUp();
    }

    function test_proveOmission_reverts_for_no_leaves_or_three() public {
        _postWithout(2);
        IAttributionLedger.Leaf[] memory three = new IAttributionLedger.Leaf[](3);
        (three[0], three[1], three[2]) = (_leafOf(faulty, 0), _leafOf(faulty, 1), _leafOf(faulty, 2));
        IAttributionLedger.Leaf memory previous = _leafOf(leaves, 2);
        _expectNoFault(IAttributionLedger.RejectionReason.OMISSION);
        ledger.proveOmission(address(vault), address(dollar), previous, three);
        _expectNoFault(IAttributionLedger.RejectionReason.OMISSION);
        ledger.proveOmission(address(vault), address(dollar), previous, new IAttributionLedger.Leaf[](0));
    }

    /// @dev Whatever leaves of an honest root are shown, nobody in it can be said to be missing.
    function testFuzz_proveOmission_reverts_for_an_honest_root(uint256 i, uint256 a, uint256 b) public {
        i = bound(i, 0, leaves.length - 1);
        a = bound(a, 0, leaves.length - 1);
        b = bound(b, 0, leaves.length - 1);
        _activateBonded(leaves);
        _setFaulty(leaves);
        faulty[0].cumulative += 3;
        _postBonded(faulty);
        IAttributionLedger.Leaf memory previous = _leafOf(leaves, i);
        IAttributionLedger.Leaf[] memory two = _two(_leafOf(faulty, a), _leafOf(faulty, b));
        _expectNoFault(IAttributionLedger.RejectionReason.OMISSION);
        ledger.proveOmission(address(vault), address(dollar), previous, two);
        IAttributionLedger.Leaf[] memory one = _one(_leafOf(faulty, a));
        _expectNoFault(IAttributionLedger.RejectionReason.OMISSION);
        ledger.proveOmission(address(vault), address(dollar), previous, one);
    }

    function test_proveOmission_reverts_for_neighbours_that_are_not_adjacent() public {
        _postWithout(2);
        IAttributionLedger.Leaf memory previous = _leafOf(leaves, 2);
        IAttributionLedger.Leaf[] memory bracket = _two(_leafOf(faulty, 0), _leafOf(faulty, 2));
        _expectNoFault(IAttributionLedger.RejectionReason.OMISSION);
        ledger.proveOmission(address(vault), address(dollar), previous, bracket);
    }

    function test_proveOmission_reverts_for_an_account_the_last_active_root_did_not_have() public {
        _postWithout(2);
        IAttributionLedger.Leaf memory invented = _leafOf(leaves, 2);
        invented.account = stranger;
        IAttributionLedger.Leaf[] memory bracket = _bracket(2);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionLedger.Ledger_BadProof.selector, stranger, invented.cumulative)
        );
        ledger.proveOmission(address(vault), address(dollar), invented, bracket);
    }

    // After a rejection

    function test_rejection_restores_what_the_next_statement_must_say() public {
        _activateBonded(leaves);
        IAttributionLedger.Next memory before = ledger.nextOf(address(vault), address(dollar));
        uint64 end = ledger.periodEnd(address(vault), address(dollar));
        _setFaulty(_without(leaves, 0));
        faulty[0].cumulative += leaves[0].cumulative;
        vm.warp(vm.getBlockTimestamp() + 5 days);
        _postBonded(faulty);
        ledger.proveOmission(address(vault), address(dollar), _leafOf(leaves, 0), _bracket(0));

        IAttributionLedger.Next memory next = ledger.nextOf(address(vault), address(dollar));
        assertEq(next.index, before.index);
        assertEq(next.attempt, 1);
        assertEq(next.prevRoot, before.prevRoot);
        assertEq(next.prevSum, before.prevSum);
        assertEq(next.periodEnd, before.periodEnd);
        assertEq(next.allocatable, before.allocatable);
        assertTrue(next.open);
        assertEq(ledger.periodEnd(address(vault), address(dollar)), end);
        assertEq(ledger.rootOf(address(vault), address(dollar), next.index).attempt, 1);
        (uint64 newest,) = ledger.newestActive(address(vault), address(dollar));
        assertEq(newest, 1);
    }

    function test_post_at_a_rejected_index_needs_the_next_attempt() public {
        _postDisordered(0, 1);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        _setLeaves(_leaves(7, 1e6));
        uint64 index = _activateBonded(leaves);
        assertEq(index, 1);
        assertEq(ledger.rootOf(address(vault), address(dollar), 1).attempt, 1);
        _assertStatus(1, IAttributionLedger.RootStatus.ACTIVE);
        assertEq(ledger.nextOf(address(vault), address(dollar)).attempt, 0);
        ledger.claim(_claimOf(1, leaves, 3));
    }

    function test_claim_reverts_under_a_rejected_root() public {
        uint64 index = _postDisordered(0, 1);
        ledger.proveDisorder(address(vault), address(dollar), _leafOf(leaves, 0), _leafOf(leaves, 1));
        vm.warp(START + 10 * WINDOW);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_RootNotActive.selector, vault, dollar, index));
        ledger.claim(claim);
    }

    function test_post_reverts_when_an_index_was_rejected_too_often_to_count() public {
        // 65,535 rejections: written into the book, for they would take a block or two.
        bytes32 book = keccak256(abi.encode(address(dollar), keccak256(abi.encode(address(vault), _booksSlot()))));
        bytes32 root = keccak256(abi.encode(uint256(1), uint256(book) + 3));
        vm.store(address(ledger), bytes32(uint256(root) + 2), bytes32(uint256(type(uint16).max) << 240));
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        assertEq(statement.attempt, type(uint16).max);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_TooManyAttempts.selector, vault, dollar, 1));
        ledger.post(statement, attestations);
    }

    /// @dev After the two strings of EIP712.
    function _booksSlot() internal pure returns (uint256) {
        return 2;
    }
}
