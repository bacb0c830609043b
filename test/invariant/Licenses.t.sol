// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { RoyaltyVault } from "../../contracts/RoyaltyVault.sol";
import { LicenseToken } from "../../contracts/LicenseToken.sol";
import { ILicenseMarket } from "../../contracts/interfaces/ILicenseMarket.sol";
import { Rights } from "../../contracts/libraries/Rights.sol";
import { IRoyaltyVault } from "../../contracts/interfaces/IRoyaltyVault.sol";
import { InvariantTest } from "./InvariantTest.sol";
import { Buyers } from "./handlers/Buyers.sol";

contract LicenseHandler is Buyers { }

/// @notice Licenses that are bought, given, lent, passed on, renewed and revoked while time passes.
contract LicenseInvariantTest is InvariantTest {
    LicenseHandler internal handler;

    function setUp() public {
        handler = new LicenseHandler();
        actions = [
            Buyers.buy.selector,
            Buyers.giftMany.selector,
            Buyers.renew.selector,
            Buyers.revoke.selector,
            Buyers.release.selector,
            Buyers.passOn.selector,
            Buyers.lend.selector,
            handler.wait_.selector
        ];
        _perform(handler);
    }

    function test_runs_reach_what_the_invariants_speak_of() public {
        bytes32[] memory goals = new bytes32[](8);
        goals[0] = "bought";
        goals[1] = "gave";
        goals[2] = "renewed";
        goals[3] = "renewed what had ended";
        goals[4] = "revoked";
        goals[5] = "refunded";
        goals[6] = "passed on";
        goals[7] = "lent";
        _reaches(16, goals);
    }

    /// @dev For its holder and its user, and for nobody else.
    function invariant_a_license_is_valid_exactly_until_it_ends_or_is_revoked() public now_ {
        uint256 count = handler.soldCount();
        // Two in turn, for all who ever act: time may end any of them.
        for (uint256 i = 0; i < 2 && count != 0; ++i) {
            uint256 id = (handler.steps() * 2 + i) % count + 1;
            for (uint256 j = 0; j < handler.PAYERS(); ++j) {
                address account = handler.payers(j);
                assertEq(LicenseToken(licenses).isLicensed(id, account, Rights.INFER), handler.mayUse(id, account));
                assertFalse(LicenseToken(licenses).isLicensed(id, account, Rights.INFER | Rights.MERGE));
            }
            assertFalse(LicenseToken(licenses).isLicensed(id, address(this), Rights.INFER));
        }
    }

    function invariant_licenses_are_with_their_holders_and_no_more_than_were_sold() public now_ {
        uint256 count = handler.soldCount();
        uint256[] memory held = new uint256[](handler.PAYERS());
        for (uint256 id = 1; id <= count; ++id) {
            LicenseHandler.Sold memory license = handler.soldAt(id);
            if (!license.isAlive) continue;
            for (uint256 j = 0; j < held.length; ++j) {
                if (license.holder == handler.payers(j)) ++held[j];
            }
        }
        for (uint256 j = 0; j < held.length; ++j) {
            assertEq(LicenseToken(licenses).balanceOf(handler.payers(j)), held[j]);
        }
        uint256 offer = handler.steps() % handler.OFFERS();
        uint256 sold = ILicenseMarket(market).offerStateOf(handler.offerIds(offer)).sold;
        assertEq(sold, handler.soldOf(offer));
        if (handler.supplyOf(offer) != 0) assertLe(sold, handler.supplyOf(offer));
    }

    function invariant_what_is_bound_stays_and_what_cannot_be_lent_is_not() public view {
        _never("moved what is bound");
        _never("lent what cannot be lent");
        _never("refused a loan");
    }

    /// @dev A stream never has released more than it has earned, and a refund never exceeds what was paid.
    function invariant_refunds_and_releases_stay_within_what_was_paid() public now_ {
        uint256 count = handler.soldCount();
        for (uint256 i = 0; i < 2 && count != 0; ++i) {
            uint256 id = (handler.steps() * 2 + i) % count + 1;
            LicenseHandler.Sold memory license = handler.soldAt(id);
            assertLe(license.refunded, license.paid);
            if (license.paid == 0) continue;
            (RoyaltyVault vault,) = handler.pairAt(handler.pairOfLicense(id));
            IRoyaltyVault.FeeStream memory stream = vault.streamOf(market, id);
            uint256 earned = vault.earnedAt(market, id, uint64(handler.clock()));
            assertLe(stream.released, earned);
            assertEq(stream.amount - earned, handler.unearnedOf(id));
        }
        _never("not what was unearned");
        _never("revoked the irrevocable");
    }
}
