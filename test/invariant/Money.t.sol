// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { PairsTest } from "./InvariantTest.sol";
import { Buyers } from "./handlers/Buyers.sol";
import { Payers } from "./handlers/Payers.sol";
import { Tables } from "./handlers/Tables.sol";
import { Tellers } from "./handlers/Tellers.sol";

contract MoneyHandler is Buyers, Tellers, Tables { }

/// @notice Fees, payments, refunds and share tables that change, in four vaults and four tokens.
contract MoneyInvariantTest is PairsTest {
    MoneyHandler internal handler;

    function setUp() public {
        handler = new MoneyHandler();
        actions = [
            Buyers.buy.selector,
            Buyers.renew.selector,
            Buyers.revoke.selector,
            Buyers.release.selector,
            Payers.pay.selector,
            Payers.transferBare.selector,
            Payers.fundPool.selector,
            Tellers.sync.selector,
            Tellers.distribute.selector,
            Tellers.withdraw.selector,
            Tellers.withdrawMany.selector,
            Tellers.withdrawTo.selector,
            Tellers.redirect.selector,
            Tellers.toggleBlock.selector,
            Tables.changeTable.selector,
            handler.wait_.selector
        ];
        _perform(handler);
    }

    function test_runs_reach_what_the_invariants_speak_of() public {
        bytes32[] memory goals = new bytes32[](10);
        goals[0] = "renewed";
        goals[1] = "refunded";
        goals[2] = "released";
        goals[3] = "synced";
        goals[4] = "distributed";
        goals[5] = "change applied";
        goals[6] = "withdrew";
        goals[7] = "withdrew many";
        goals[8] = "withdrew by order";
        goals[9] = "refused";
        _reaches(24, goals);
    }

    /// @dev Unearned less what could be released now is exactly what live licenses have not earned by now.
    function invariant_unearned_is_the_sum_over_live_licenses() public now_ {
        uint256[] memory notEarned = new uint256[](handler.PAIRS());
        uint256[] memory toRelease = new uint256[](handler.PAIRS());
        uint256 count = handler.soldCount();
        for (uint256 id = 1; id <= count; ++id) {
            MoneyHandler.Sold memory license = handler.soldAt(id);
            if (license.paid == 0) continue;
            uint256 pair = handler.pairOfLicense(id);
            notEarned[pair] += handler.unearnedOf(id);
            if (!license.isAlive) assertEq(handler.unearnedOf(id), 0, "a revoked license has not earned something");
            toRelease[pair] += license.amount - license.released - handler.unearnedOf(id);
        }
        uint256 touched = handler.touched();
        for (uint256 pair = 0; pair < handler.PAIRS(); ++pair) {
            if (!_isTouched(touched, pair)) continue;
            (RoyaltyVault vault, address token) = handler.pairAt(pair);
            assertEq(vault.unearned(token), notEarned[pair] + toRelease[pair]);
        }
    }

    function invariant_what_arrives_leaves_or_is_found_is_what_was_counted() public view {
        _never("not what was paid");
        _never("not what was found");
        _never("not what was credited");
        _never("not what was unearned");
        _never("an order was used twice");
    }
}
