// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { IRoyaltyVault } from "../../contracts/interfaces/IRoyaltyVault.sol";
import { MoneyHandler } from "./MoneyHandler.sol";

/// @notice What must hold of the money after any sequence of actions.
contract MoneyInvariantTest is Test {
    MoneyHandler internal handler;
    IAttributionLedger internal ledger;
    RoyaltyVault internal vault;
    RoyaltyVault internal datasetVault;
    address internal market;

    function setUp() public {
        handler = new MoneyHandler();
        (ledger, vault, datasetVault, market) = handler.suite();
        bytes4[] memory selectors = new bytes4[](12);
        selectors[0] = MoneyHandler.buy.selector;
        selectors[1] = MoneyHandler.pay.selector;
        selectors[2] = MoneyHandler.transferBare.selector;
        selectors[3] = MoneyHandler.sync.selector;
        selectors[4] = MoneyHandler.wait_.selector;
        selectors[5] = MoneyHandler.release.selector;
        selectors[6] = MoneyHandler.distribute.selector;
        selectors[7] = MoneyHandler.withdraw.selector;
        selectors[8] = MoneyHandler.post.selector;
        selectors[9] = MoneyHandler.claim.selector;
        selectors[10] = MoneyHandler.claimAll.selector;
        selectors[11] = MoneyHandler.settle.selector;
        targetSelector(FuzzSelector({ addr: address(handler), selectors: selectors }));
        targetContract(address(handler));
    }

    modifier forEachToken() {
        vm.warp(handler.clock());
        _;
    }

    function invariant_claims_stay_within_the_newest_active_sum_and_that_within_the_credits() public forEachToken {
        for (uint256 i = 0; i < 2; ++i) {
            address token = handler.tokens(i);
            (, IAttributionLedger.Root memory newest) = ledger.newestActive(address(vault), token);
            assertLe(ledger.totalClaimed(address(vault), token), newest.sum);
            assertLe(newest.sum, vault.poolCredited(token));
        }
    }

    function invariant_vaults_hold_what_they_owe() public forEachToken {
        for (uint256 i = 0; i < 2; ++i) {
            _holdsWhatItOwes(vault, handler.tokens(i));
            _holdsWhatItOwes(datasetVault, handler.tokens(i));
        }
    }

    function _holdsWhatItOwes(RoyaltyVault target, address token) internal view {
        uint256 credits = 0;
        address[4] memory payees = handler.payees();
        for (uint256 i = 0; i < 4; ++i) {
            credits += target.creditOf(token, payees[i]);
        }
        uint256 owed = uint256(target.unearned(token)) + target.revenue(token) - target.distributed(token) + credits
            + target.poolCredited(token) - target.poolPaid(token);
        assertGe(handler.held(address(target), token), target.accounted(token));
        assertGe(target.accounted(token), owed);
        // What rounding leaves is less than one base unit for each payee and the pool.
        assertLt(target.accounted(token) - owed, 5);
    }

    function invariant_unearned_is_the_sum_of_the_streams() public forEachToken {
        uint256[2] memory open;
        for (uint256 i = 0; i < handler.licenseCount(); ++i) {
            IRoyaltyVault.FeeStream memory stream = vault.streamOf(market, handler.licenseIds(i));
            open[stream.token == handler.tokens(0) ? 0 : 1] += stream.amount - stream.released;
        }
        assertEq(vault.unearned(handler.tokens(0)), open[0]);
        assertEq(vault.unearned(handler.tokens(1)), open[1]);
    }

    function invariant_streams_release_no_more_than_is_earned() public forEachToken {
        for (uint256 i = 0; i < handler.licenseCount(); ++i) {
            uint256 id = handler.licenseIds(i);
            assertLe(vault.streamOf(market, id).released, vault.earnedAt(market, id, uint64(handler.clock())));
        }
    }

    function invariant_everything_claimed_is_with_the_accounts() public forEachToken {
        for (uint256 i = 0; i < 2; ++i) {
            address token = handler.tokens(i);
            uint256 total = 0;
            for (uint256 j = 0; j < handler.accountCount(); ++j) {
                address account = handler.account(j);
                uint256 claimed = ledger.claimed(address(vault), token, account);
                assertEq(handler.held(account, token), claimed);
                total += claimed;
            }
            assertEq(ledger.totalClaimed(address(vault), token), total);
            assertEq(vault.poolPaid(token), total);
        }
    }

    function invariant_no_money_is_made_or_lost() public forEachToken {
        for (uint256 i = 0; i < 2; ++i) {
            address token = handler.tokens(i);
            uint256 total = handler.held(address(vault), token) + ledger.totalClaimed(address(vault), token);
            address[4] memory payees = handler.payees();
            for (uint256 j = 0; j < 4; ++j) {
                total += handler.held(payees[j], token);
            }
            assertEq(total, handler.paidIn(token));
        }
    }

    function invariant_the_market_and_the_ledger_hold_nothing() public forEachToken {
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(handler.held(market, handler.tokens(i)), 0);
            assertEq(handler.held(address(ledger), handler.tokens(i)), 0);
        }
    }

    function invariant_only_the_newest_root_may_be_pending() public forEachToken {
        for (uint256 i = 0; i < 2; ++i) {
            address token = handler.tokens(i);
            uint64 count = ledger.rootCount(address(vault), token);
            for (uint64 index = 1; index < count; ++index) {
                IAttributionLedger.Root memory root = ledger.rootOf(address(vault), token, index);
                assertEq(uint8(root.status), uint8(IAttributionLedger.RootStatus.ACTIVE));
            }
            assertEq(
                uint8(ledger.rootOf(address(vault), token, count + 1).status), uint8(IAttributionLedger.RootStatus.NONE)
            );
        }
    }

    function invariant_what_may_only_grow_never_falls() public view {
        assertFalse(handler.somethingFell());
    }
}
