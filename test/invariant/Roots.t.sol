// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { SumTreeBuilder } from "../utils/SumTreeBuilder.sol";
import { InvariantTest } from "./InvariantTest.sol";
import { Claimants } from "./handlers/Claimants.sol";
import { Judges } from "./handlers/Judges.sol";
import { Policies } from "./handlers/Policies.sol";
import { Roots } from "./handlers/Roots.sol";
import { Stage } from "./handlers/Stage.sol";
import { Tellers } from "./handlers/Tellers.sol";

contract RootHandler is Judges, Claimants {
    function _advance(uint256 duration) internal override(Judges, Stage) {
        super._advance(duration);
    }
}

/// @notice A quorum that lies as often as not, under policies that change, while watchers look at every root in time.
contract RootInvariantTest is InvariantTest {
    RootHandler internal handler;

    function setUp() public {
        handler = new RootHandler();
        actions = [
            Tellers.earn.selector,
            Roots.settle.selector,
            Roots.post.selector,
            Roots.postFaulty.selector,
            Roots.postUnfit.selector,
            Roots.postMany.selector,
            Judges.look.selector,
            Judges.slander.selector,
            Judges.challenge.selector,
            Judges.dispute.selector,
            Judges.uphold.selector,
            Judges.dismiss.selector,
            Judges.beSilent.selector,
            Judges.usurp.selector,
            Judges.releaseBond.selector,
            Judges.withdrawBond.selector,
            Policies.announcePolicy.selector,
            Policies.cancelPolicy.selector,
            Claimants.claimMany.selector,
            handler.wait_.selector
        ];
        _perform(handler);
    }

    function test_runs_reach_what_the_invariants_speak_of() public {
        bytes32[] memory goals = new bytes32[](16);
        goals[0] = "second root posted";
        goals[1] = "disorder proven";
        goals[2] = "decrease proven";
        goals[3] = "omission proven";
        goals[4] = "proven while challenged";
        goals[5] = "slandered";
        goals[6] = "upheld";
        goals[7] = "dismissed";
        goals[8] = "dismissed late";
        goals[9] = "timed out";
        goals[10] = "challenged at a higher price";
        goals[11] = "released a bond";
        goals[12] = "withdrew a bond";
        goals[13] = "pool got a bond";
        goals[14] = "policy in effect";
        goals[15] = "unfit root refused";
        _reaches(60, goals);
    }

    /// @dev Only the newest root may be unresolved, and there is none after it.
    function invariant_at_most_one_root_is_unresolved() public now_ {
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            uint64 count = uint64(handler.chainLength(pair));
            assertEq(ledger.rootCount(address(vault), token), count);
            for (uint64 index = count > 3 ? count - 3 : 1; index <= count; ++index) {
                _isAsPosted(vault, token, index, handler.postedAt(pair, index), index == count);
            }
            IAttributionLedger.Root memory next = ledger.rootOf(address(vault), token, count + 1);
            assertEq(uint8(next.status), uint8(IAttributionLedger.RootStatus.NONE));
            assertEq(next.root, 0);
        }
        _never("an unfit root was taken");
    }

    /// @dev A root stays what it was posted as, for ever; it is active by its window and rulings alone.
    function _isAsPosted(RoyaltyVault vault, address token, uint64 index, Roots.Posted memory posted, bool isNewest)
        private
        view
    {
        IAttributionLedger.Root memory root = ledger.rootOf(address(vault), token, index);
        assertEq(root.root, posted.root);
        assertEq(root.sum, posted.sum);
        assertEq(root.activeAt, posted.activeAt);
        bool isActive = root.status == IAttributionLedger.RootStatus.ACTIVE;
        assertEq(isActive, handler.clock() >= posted.activeAt, "active by other than its window");
        assertTrue(isNewest || isActive, "an old root is unresolved");
    }

    function invariant_every_root_follows_the_one_before() public now_ {
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            uint256 count = handler.chainLength(pair);
            if (count == 0) continue;
            Roots.Posted memory newest = handler.postedAt(pair, count);
            IAttributionLedger.Root memory previous = ledger.rootOf(address(vault), token, uint64(count - 1));
            assertEq(newest.prevRoot, previous.root);
            assertGe(newest.sum, previous.sum);
            assertEq(ledger.periodEnd(address(vault), token), newest.periodEnd);
            if (count > 1) assertGt(newest.periodEnd, handler.postedAt(pair, count - 1).periodEnd);
        }
    }

    function invariant_attempts_count_the_rejections_and_never_fall() public now_ {
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            uint256 count = handler.chainLength(pair);
            for (uint256 index = count; index <= count + 1; ++index) {
                assertEq(ledger.rootOf(address(vault), token, uint64(index)).attempt, handler.attempts(pair, index));
            }
        }
    }

    /// @dev With somebody who looks: whoever is in an active root is in the next, with at least as much.
    function invariant_no_active_root_drops_or_lowers_an_account() public now_ {
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            uint256 newest = _isTouched(touched, pair) ? handler.newestActive(pair) : 0;
            if (newest < 2) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            (, IAttributionLedger.Root memory active) = ledger.newestActive(address(vault), token);
            SumTreeBuilder.Leaf[] memory leaves = handler.leavesOf(pair, newest);
            (bytes32 root,) = SumTreeBuilder.root(leaves);
            assertEq(active.root, root, "another root");
            SumTreeBuilder.Leaf[] memory before = handler.leavesOf(pair, newest - 1);
            uint256 place = 0;
            for (uint256 i = 0; i < before.length; ++i) {
                while (place < leaves.length && leaves[place].account < before[i].account) ++place;
                assertTrue(place < leaves.length && leaves[place].account == before[i].account, "dropped");
                assertGe(leaves[place].cumulative, before[i].cumulative, "lowered");
            }
            for (uint256 i = 1; i < leaves.length; ++i) {
                assertTrue(leaves[i - 1].account < leaves[i].account, "disordered");
            }
        }
    }

    function invariant_nothing_without_a_fault_is_rejected_and_nothing_is_ruled_out_of_turn() public view {
        _never("rejected without a fault");
        _never("ruled out of turn");
    }

    /// @dev With somebody who looks, nobody's claim is ever cut short.
    function invariant_claims_are_paid_in_full() public view {
        assertEq(handler.reached("claimed in part"), 0);
        assertEq(handler.reached("nothing left"), 0);
        _never("not what is due");
    }

    function invariant_the_ledger_holds_the_bonds_and_the_stakes() public now_ {
        uint256 total = 0;
        address[] memory holders = handler.bondHolders();
        for (uint256 i = 0; i < holders.length; ++i) {
            total += ledger.bondOf(holders[i]);
        }
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (handler.chainLength(pair) == 0) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            (, uint256 staked) = ledger.stakeOf(address(vault), token);
            total += staked + ledger.challengeOf(address(vault), token).bond;
        }
        assertEq(address(ledger).balance, total);
        assertEq(address(ledger).balance, handler.coinInBonds());
        // What went to pools is there.
        for (uint256 i = 0; i < VAULTS; ++i) {
            (RoyaltyVault vault, address token) = handler.pairAt(i * TOKENS + COIN);
            Stage.Books memory books = handler.booksAt(i * TOKENS + COIN);
            assertEq(stage.held(address(vault), token), books.arrived - books.withdrawn - books.claimed);
            assertEq(vault.poolCredited(token), books.pool);
        }
    }

    /// @dev Who wins, loses and gets back what, to the wei.
    function invariant_bonds_go_to_whom_they_are_due() public now_ {
        address[] memory holders = handler.bondHolders();
        for (uint256 i = 0; i < holders.length; ++i) {
            assertEq(ledger.bondOf(holders[i]), handler.bonds(holders[i]));
        }
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            (, uint256 staked) = ledger.stakeOf(address(vault), token);
            assertEq(staked, handler.stakeAt(pair).bond);
            assertEq(ledger.challengeOf(address(vault), token).bond, handler.stakeAt(pair).challengeBond);
        }
        _never("not the bond");
        _never("released what is at stake");
        _never("kept a bond");
    }

    /// @dev By time alone, and never earlier than announced.
    function invariant_policies_change_only_after_their_notice() public now_ {
        uint256 touched = handler.touched();
        for (uint256 i = 0; i < VAULTS; ++i) {
            if (touched >> (i * TOKENS) & 0xf == 0) continue;
            (RoyaltyVault vault,) = handler.pairAt(i * TOKENS);
            uint256 index = handler.policyIndex(i);
            assertEq(ledger.policyIndexOf(address(vault)), index);
            assertEq(
                keccak256(abi.encode(ledger.policyOf(address(vault)))),
                keccak256(abi.encode(handler.policyOf(i, index)))
            );
            (, uint64 effectiveAt) = ledger.announcedPolicyOf(address(vault));
            uint256 expected = handler.policyAt(i);
            assertEq(effectiveAt, expected > handler.clock() ? expected : 0);
        }
    }
}
