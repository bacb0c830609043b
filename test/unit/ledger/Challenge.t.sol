// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { LedgerFixture } from "../../utils/LedgerFixture.sol";

contract ChallengeTest is LedgerFixture {
    function _expectChallengeRevert(uint256 value, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(challenger);
        ledger.challenge{ value: value }(address(vault), address(dollar), "reason");
    }

    function test_challenge_keeps_the_root_from_becoming_active() public {
        uint64 index = _postBonded(leaves);
        vm.warp(START + WINDOW - 1);
        uint64 until = START + WINDOW - 1 + ARBITER_PERIOD;
        vm.expectEmit();
        emit IAttributionLedger.Challenged(
            address(vault), address(dollar), index, challenger, "reason", CHALLENGE_BOND, until
        );
        _challenge();

        vm.warp(START + 1_000 days);
        _assertStatus(index, IAttributionLedger.RootStatus.CHALLENGED);
        (uint64 newest,) = ledger.newestActive(address(vault), address(dollar));
        assertEq(newest, 0);
        IAttributionLedger.Challenge memory open = ledger.challengeOf(address(vault), address(dollar));
        assertEq(open.challenger, challenger);
        assertEq(open.bond, CHALLENGE_BOND);
        assertEq(open.until, until);
        assertEq(open.activeAt, START + WINDOW);
        IAttributionLedger.Claim memory claim = _claimOf(index, leaves, 0);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_RootNotActive.selector, vault, dollar, index));
        ledger.claim(claim);
        _assertBondsAddUp();
    }

    function test_challenge_leaves_claims_under_the_last_root_alone() public {
        uint64 first = _activateBonded(leaves);
        _postBonded(leaves);
        _challenge();
        ledger.claim(_claimOf(first, leaves, 2));
    }

    function test_challenge_reverts_where_nothing_was_posted_and_once_the_root_is_active() public {
        bytes memory reason = abi.encodeWithSelector(IAttributionLedger.Ledger_NotPending.selector, vault, dollar);
        _expectChallengeRevert(CHALLENGE_BOND, reason);
        vm.expectRevert(reason);
        ledger.challengeBondOf(address(vault), address(dollar));
        _activateBonded(leaves);
        _expectChallengeRevert(CHALLENGE_BOND, reason);
    }

    function test_challenge_reverts_for_a_policy_without_an_arbiter() public {
        vault = _vaultOf(_register(_model("plain")));
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _fundPool(1_000e6);
        _post(leaves);
        assertEq(ledger.challengeBondOf(address(vault), address(dollar)), 0);
        _expectChallengeRevert(0, abi.encodeWithSelector(IAttributionLedger.Ledger_NoArbiter.selector, vault));
    }

    function testFuzz_challenge_reverts_for_any_other_bond(uint256 value) public {
        value = bound(value, 0, 100 ether);
        vm.assume(value != CHALLENGE_BOND);
        _postBonded(leaves);
        _expectChallengeRevert(
            value, abi.encodeWithSelector(IAttributionLedger.Ledger_WrongBond.selector, value, CHALLENGE_BOND)
        );
    }

    function test_challenge_reverts_for_a_challenged_root() public {
        uint64 index = _postBonded(leaves);
        _challenge();
        _expectChallengeRevert(
            CHALLENGE_BOND,
            abi.encodeWithSelector(IAttributionLedger.Ledger_AlreadyChallenged.selector, vault, dollar, index)
        );
    }

    function test_challenge_reverts_for_a_root_whose_challenge_was_dismissed() public {
        uint64 index = _postBonded(leaves);
        _challenge();
        _rule(IAttributionLedger.Ruling.DISMISSED);
        _expectChallengeRevert(
            CHALLENGE_BOND,
            abi.encodeWithSelector(IAttributionLedger.Ledger_AlreadyChallenged.selector, vault, dollar, index)
        );
    }

    function test_challenge_can_be_made_of_the_next_root_again() public {
        _postBonded(leaves);
        _challenge();
        _rule(IAttributionLedger.Ruling.DISMISSED);
        vm.warp(START + WINDOW);
        _postBonded(leaves);
        _challenge();
        _rule(IAttributionLedger.Ruling.UPHELD);
        _assertBondsAddUp();
    }

    // Ruling

    function test_rule_upheld_rejects_the_root_and_pays_the_challenger_and_the_pool() public {
        uint64 index = _postBonded(leaves);
        _challenge();
        vm.expectEmit();
        emit IAttributionLedger.RootRejected(
            address(vault), address(dollar), index, 0, IAttributionLedger.RejectionReason.ARBITER, arbiter
        );
        _rule(IAttributionLedger.Ruling.UPHELD);
        _assertStatus(index, IAttributionLedger.RootStatus.NONE);
        assertEq(ledger.bondOf(challenger), CHALLENGE_BOND + POSTER_BOND / 2);
        assertEq(ledger.bondOf(address(vault)), POSTER_BOND - POSTER_BOND / 2);
        assertEq(ledger.bondOf(poster), 0);
        assertEq(ledger.nextOf(address(vault), address(dollar)).attempt, 1);
        _assertBondsAddUp();
    }

    function test_rule_dismissed_before_the_window_is_over_leaves_the_root_its_time() public {
        uint64 index = _postBonded(leaves);
        _challenge();
        vm.expectEmit();
        emit IAttributionLedger.ChallengeDismissed(address(vault), address(dollar), index, START + WINDOW);
        _rule(IAttributionLedger.Ruling.DISMISSED);
        _assertStatus(index, IAttributionLedger.RootStatus.PENDING);
        assertEq(ledger.bondOf(poster), CHALLENGE_BOND / 2);
        assertEq(ledger.bondOf(address(vault)), CHALLENGE_BOND - CHALLENGE_BOND / 2);
        assertEq(ledger.bondOf(challenger), 0);
        vm.warp(START + WINDOW);
        _assertStatus(index, IAttributionLedger.RootStatus.ACTIVE);
        _assertBondsAddUp();
    }

    function test_rule_dismissed_after_the_window_makes_the_root_active_at_once() public {
        uint64 index = _postBonded(leaves);
        _challenge();
        vm.warp(START + ARBITER_PERIOD);
        _rule(IAttributionLedger.Ruling.DISMISSED);
        _assertStatus(index, IAttributionLedger.RootStatus.ACTIVE);
        assertEq(ledger.rootOf(address(vault), address(dollar), index).activeAt, START + ARBITER_PERIOD);
        ledger.claim(_claimOf(index, leaves, 0));
        ledger.releaseBond(address(vault), address(dollar));
        assertEq(ledger.bondOf(poster), POSTER_BOND + CHALLENGE_BOND / 2);
        _assertBondsAddUp();
    }

    function testFuzz_rule_reverts_for_anybody_but_the_arbiter(address caller, bool isUpheld) public {
        vm.assume(caller != arbiter);
        _postBonded(leaves);
        _challenge();
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NotArbiter.selector, caller));
        ledger.rule(
            address(vault),
            address(dollar),
            isUpheld ? IAttributionLedger.Ruling.UPHELD : IAttributionLedger.Ruling.DISMISSED
        );
    }

    function test_rule_reverts_without_an_open_challenge() public {
        bytes memory reason = abi.encodeWithSelector(IAttributionLedger.Ledger_NotChallenged.selector, vault, dollar);
        vm.expectRevert(reason);
        _rule(IAttributionLedger.Ruling.UPHELD);
        _postBonded(leaves);
        vm.expectRevert(reason);
        _rule(IAttributionLedger.Ruling.UPHELD);
        _challenge();
        _rule(IAttributionLedger.Ruling.DISMISSED);
        vm.expectRevert(reason);
        _rule(IAttributionLedger.Ruling.UPHELD);
    }

    function test_rule_reverts_after_the_arbiters_time_and_not_at_its_end() public {
        _postBonded(leaves);
        _challenge();
        uint64 until = START + ARBITER_PERIOD;
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_RulingLate.selector, until, until + 1));
        _rule(IAttributionLedger.Ruling.UPHELD);
        vm.warp(until);
        _rule(IAttributionLedger.Ruling.UPHELD);
    }

    // Timeout

    function _fee(uint256 bond) internal pure returns (uint256) {
        return bond / 10 + (bond % 10 == 0 ? 0 : 1);
    }

    function test_timeout_rejects_the_root_and_charges_the_challenger_a_tenth() public {
        uint64 index = _postBonded(leaves);
        _challenge();
        _lapse();
        vm.expectEmit();
        emit IAttributionLedger.RootRejected(
            address(vault), address(dollar), index, 0, IAttributionLedger.RejectionReason.TIMEOUT, stranger
        );
        vm.prank(stranger);
        ledger.timeout(address(vault), address(dollar));
        uint256 fee = _fee(CHALLENGE_BOND);
        assertEq(ledger.bondOf(poster), POSTER_BOND);
        assertEq(ledger.bondOf(challenger), CHALLENGE_BOND - fee);
        assertEq(ledger.bondOf(address(vault)), fee);
        _assertStatus(index, IAttributionLedger.RootStatus.NONE);
        _assertBondsAddUp();
    }

    function test_timeout_reverts_while_the_arbiter_may_rule() public {
        _postBonded(leaves);
        _challenge();
        uint64 until = START + ARBITER_PERIOD;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_RulingOpen.selector, until, until));
        ledger.timeout(address(vault), address(dollar));
    }

    function test_timeout_reverts_without_an_open_challenge() public {
        _postBonded(leaves);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_NotChallenged.selector, vault, dollar));
        ledger.timeout(address(vault), address(dollar));
    }

    function test_timeouts_double_the_next_challenge_at_the_index_until_the_arbiter_rules() public {
        for (uint256 i = 0; i < 3; ++i) {
            _postBonded(leaves);
            assertEq(ledger.challengeBondOf(address(vault), address(dollar)), uint256(CHALLENGE_BOND) << i);
            _challenge();
            _assertBondsAddUp();
            _lapse();
            ledger.timeout(address(vault), address(dollar));
            _assertBondsAddUp();
        }
        _postBonded(leaves);
        _challenge();
        _rule(IAttributionLedger.Ruling.UPHELD);
        _postBonded(leaves);
        assertEq(ledger.challengeBondOf(address(vault), address(dollar)), CHALLENGE_BOND);
        _assertBondsAddUp();
    }

    function test_timeouts_are_forgotten_at_the_next_index() public {
        _postBonded(leaves);
        _challenge();
        _lapse();
        ledger.timeout(address(vault), address(dollar));
        _activateBonded(leaves);
        _postBonded(leaves);
        assertEq(ledger.challengeBondOf(address(vault), address(dollar)), CHALLENGE_BOND);
    }

    function test_timeouts_double_no_more_than_32_times() public {
        vm.deal(challenger, type(uint128).max);
        for (uint256 i = 0; i < 34; ++i) {
            _postBonded(leaves);
            _challenge();
            _lapse();
            ledger.timeout(address(vault), address(dollar));
        }
        _postBonded(leaves);
        assertEq(ledger.challengeBondOf(address(vault), address(dollar)), uint256(CHALLENGE_BOND) << 32);
        _assertBondsAddUp();
    }

    function test_post_settles_a_timeout_by_itself() public {
        _activateBonded(leaves);
        leaves[0].cumulative += 5;
        _postBonded(leaves);
        _challenge();
        assertFalse(ledger.nextOf(address(vault), address(dollar)).open);
        _lapse();
        IAttributionLedger.Next memory next = ledger.nextOf(address(vault), address(dollar));
        assertTrue(next.open);
        assertEq(next.index, 2);
        assertEq(next.attempt, 1);

        uint64 index = _postBonded(leaves);
        assertEq(index, 2);
        assertEq(ledger.rootOf(address(vault), address(dollar), 2).attempt, 1);
        assertEq(ledger.bondOf(challenger), CHALLENGE_BOND - _fee(CHALLENGE_BOND));
        assertEq(ledger.challengeBondOf(address(vault), address(dollar)), 2 * uint256(CHALLENGE_BOND));
        _assertBondsAddUp();
    }

    function test_post_reverts_over_a_challenged_root_before_the_timeout() public {
        uint64 index = _postBonded(leaves);
        _challenge();
        vm.warp(START + ARBITER_PERIOD);
        IAttributionLedger.RootStatement memory statement = _next(leaves);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, 2);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionLedger.Ledger_RootPending.selector, vault, dollar, index, type(uint40).max
            )
        );
        ledger.post(statement, attestations);
    }

    /// @dev However a challenge ends, nothing is left here that is not somebody's, and nobody lost more than it staked.
    function testFuzz_bonds_add_up_however_challenges_end(uint8[6] memory ends) public {
        for (uint256 i = 0; i < ends.length; ++i) {
            _postBonded(leaves);
            uint256 end = ends[i] % 4;
            if (end != 0) _challenge();
            _assertBondsAddUp();
            if (end == 0) vm.warp(vm.getBlockTimestamp() + WINDOW);
            if (end == 1) _rule(IAttributionLedger.Ruling.UPHELD);
            if (end == 2) {
                vm.warp(vm.getBlockTimestamp() + WINDOW);
                _rule(IAttributionLedger.Ruling.DISMISSED);
            }
            if (end == 3) {
                _lapse();
                if (i % 2 == 0) ledger.timeout(address(vault), address(dollar));
            }
            _assertBondsAddUp();
        }
    }
}
