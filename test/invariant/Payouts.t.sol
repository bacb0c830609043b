// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { PairsTest } from "./InvariantTest.sol";
import { Claimants } from "./handlers/Claimants.sol";
import { Payers } from "./handlers/Payers.sol";
import { Roots } from "./handlers/Roots.sol";
import { Tables } from "./handlers/Tables.sol";
import { Tellers } from "./handlers/Tellers.sol";

contract PayoutHandler is Claimants, Tables { }

/// @notice Pools that a quorum divides at will, with nobody looking, and accounts that claim whatever is active.
contract PayoutInvariantTest is PairsTest {
    PayoutHandler internal handler;

    function setUp() public {
        handler = new PayoutHandler();
        actions = [
            Payers.fundPool.selector,
            Tellers.earn.selector,
            Tellers.withdraw.selector,
            Tellers.redirect.selector,
            Tellers.toggleBlock.selector,
            Roots.settle.selector,
            Roots.post.selector,
            Roots.postFaulty.selector,
            Roots.cheat.selector,
            Roots.postMany.selector,
            Claimants.claim.selector,
            Claimants.claimMany.selector,
            Claimants.claimTo.selector,
            Claimants.abandon.selector,
            Claimants.announceFallback.selector,
            Claimants.executeFallback.selector,
            Tables.changeTable.selector,
            handler.wait_.selector
        ];
        _perform(handler);
    }

    function test_runs_reach_what_the_invariants_speak_of() public {
        bytes32[] memory goals = new bytes32[](13);
        goals[0] = "second root posted";
        goals[1] = "faulty root posted";
        goals[2] = "posted many";
        goals[3] = "claimed";
        goals[4] = "claimed in part";
        goals[5] = "claimed under an old root";
        goals[6] = "claimed many";
        goals[7] = "claimed by order";
        goals[8] = "claimed too early";
        goals[9] = "nothing left";
        goals[10] = "refused";
        goals[11] = "fallback executed";
        goals[12] = "fallback divided";
        _reaches(40, goals);
    }

    function invariant_claims_stay_within_the_newest_active_sum_and_that_within_the_pool() public now_ {
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            (, IAttributionLedger.Root memory newest) = ledger.newestActive(address(vault), token);
            assertLe(ledger.totalClaimed(address(vault), token), newest.sum);
            assertLe(newest.sum, vault.poolCredited(token) - vault.fallbackPaid(token));
            assertEq(newest.sum, handler.sumOf(pair, handler.newestActive(pair)));
        }
    }

    /// @dev What accounts have claimed is what was paid to them, and never falls, for that would make it claimable again.
    function invariant_what_accounts_claimed_is_what_was_paid_out() public now_ {
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            uint256 total = 0;
            for (uint256 i = 0; i < handler.ACCOUNTS(); ++i) {
                uint256 claimed = ledger.claimed(address(vault), token, handler.accounts(i));
                assertEq(claimed, handler.claimedBy(pair, handler.accounts(i)));
                total += claimed;
            }
            assertEq(ledger.totalClaimed(address(vault), token), total);
        }
        _never("not what is due");
        _never("paid what is not due");
        _never("an order was used twice");
    }

    function invariant_fallbacks_happen_only_when_they_are_due() public now_ {
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAID_PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            assertEq(ledger.fallbackAt(address(vault), token), handler.fallbackAt(pair));
        }
        _never("a fallback out of turn");
        _never("refused a fallback");
    }
}
