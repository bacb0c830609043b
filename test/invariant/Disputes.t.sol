// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { IAttributionLedger } from "../../contracts/interfaces/IAttributionLedger.sol";
import { Currency } from "../../contracts/libraries/Currency.sol";
import { DisputesHandler } from "./DisputesHandler.sol";

/// @notice What must hold of roots and bonds after any sequence of posts, disputes, fallbacks and policy changes.
contract DisputesInvariantTest is Test {
    DisputesHandler internal handler;
    IAttributionLedger internal ledger;
    RoyaltyVault[2] internal vaults;
    address[4] internal actors;
    address internal token;

    function setUp() public {
        handler = new DisputesHandler();
        ledger = handler.theLedger();
        vaults = handler.allVaults();
        actors = handler.allActors();
        token = handler.theToken();
        bytes4[] memory selectors = new bytes4[](15);
        selectors[0] = DisputesHandler.earn.selector;
        selectors[1] = DisputesHandler.fund.selector;
        selectors[2] = DisputesHandler.wait_.selector;
        selectors[3] = DisputesHandler.post.selector;
        selectors[4] = DisputesHandler.claim.selector;
        selectors[5] = DisputesHandler.challenge.selector;
        selectors[6] = DisputesHandler.rule.selector;
        selectors[7] = DisputesHandler.timeOut.selector;
        selectors[8] = DisputesHandler.prove.selector;
        selectors[9] = DisputesHandler.release.selector;
        selectors[10] = DisputesHandler.withdraw.selector;
        selectors[11] = DisputesHandler.announceFallback.selector;
        selectors[12] = DisputesHandler.executeFallback.selector;
        selectors[13] = DisputesHandler.announcePolicy.selector;
        selectors[14] = DisputesHandler.cancelPolicy.selector;
        targetSelector(FuzzSelector({ addr: address(handler), selectors: selectors }));
        targetContract(address(handler));
    }

    modifier now_() {
        vm.warp(handler.clock());
        _;
    }

    function invariant_the_ledger_holds_exactly_the_bonds() public now_ {
        uint256 total = ledger.bondOf(address(vaults[0])) + ledger.bondOf(address(vaults[1]));
        for (uint256 i = 0; i < 4; ++i) {
            total += ledger.bondOf(actors[i]);
        }
        for (uint256 i = 0; i < 2; ++i) {
            (, uint256 staked) = ledger.stakeOf(address(vaults[i]), token);
            total += staked + ledger.challengeOf(address(vaults[i]), token).bond;
        }
        assertEq(address(ledger).balance, total);
    }

    function invariant_no_coin_is_made_or_lost() public now_ {
        uint256 total = address(ledger).balance + address(vaults[0]).balance + address(vaults[1]).balance;
        for (uint256 i = 0; i < 4; ++i) {
            total += actors[i].balance;
        }
        assertEq(total, handler.coin());
    }

    function invariant_claims_stay_within_sums_and_sums_within_pools() public now_ {
        for (uint256 i = 0; i < 2; ++i) {
            (, IAttributionLedger.Root memory newest) = ledger.newestActive(address(vaults[i]), token);
            uint128 allocatable = vaults[i].allocatable(token);
            assertLe(ledger.totalClaimed(address(vaults[i]), token), newest.sum);
            assertLe(newest.sum, allocatable);
            assertEq(vaults[i].poolCredited(token), allocatable + vaults[i].fallbackPaid(token));
        }
    }

    function invariant_vaults_hold_what_they_account_for() public now_ {
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(handler.held(address(vaults[i]), token), vaults[i].accounted(token));
            assertEq(address(vaults[i]).balance, vaults[i].accounted(Currency.NATIVE));
            assertEq(vaults[i].poolCredited(Currency.NATIVE), address(vaults[i]).balance);
        }
    }

    function invariant_only_the_newest_root_is_not_active_and_fallbacks_wait_for_it() public now_ {
        for (uint256 i = 0; i < 2; ++i) {
            uint64 count = ledger.rootCount(address(vaults[i]), token);
            for (uint64 index = 1; index < count; ++index) {
                assertEq(
                    uint8(ledger.rootOf(address(vaults[i]), token, index).status),
                    uint8(IAttributionLedger.RootStatus.ACTIVE)
                );
            }
            bool isUnresolved = count != 0
                && ledger.rootOf(address(vaults[i]), token, count).status != IAttributionLedger.RootStatus.ACTIVE;
            if (isUnresolved) assertEq(ledger.fallbackAt(address(vaults[i]), token), 0);
            bool isChallenged =
                ledger.rootOf(address(vaults[i]), token, count).status == IAttributionLedger.RootStatus.CHALLENGED;
            assertEq(isChallenged, ledger.challengeOf(address(vaults[i]), token).challenger != address(0));
        }
    }

    function invariant_no_root_survives_a_proof() public view {
        assertFalse(handler.wrongRootActive());
    }
}
