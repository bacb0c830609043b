// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicenseMarket } from "../../contracts/interfaces/ILicenseMarket.sol";
import { Rights } from "../../contracts/libraries/Rights.sol";
import { MarketFixture } from "../utils/MarketFixture.sol";

/// @notice Whole lives of licenses, drawn at random, against a model of them.
contract LicensesFuzzTest is MarketFixture {
    uint256 internal constant SEATS = 4;

    /// @dev When each seat ends by the model; 0 once it is revoked.
    uint256[SEATS] internal ends;
    uint256 internal firstId;
    uint256 internal paid;
    uint256 internal refunded;

    function _checkSeats() internal view {
        for (uint256 i = 0; i < SEATS; ++i) {
            uint256 id = firstId + i;
            bool good = block.timestamp < ends[i];
            assertEq(licenses.isLicensed(id, buyer, Rights.INFER), good);
            assertFalse(licenses.isLicensed(id, stranger, Rights.INFER));
            if (ends[i] != 0) assertEq(licenses.endTime(id), ends[i]);
        }
        assertEq(vault.revenue(address(dollar)) + vault.unearned(address(dollar)) + refunded, paid);
        assertEq(vault.creditOf(address(dollar), buyer), refunded);
        assertEq(vault.accounted(address(dollar)), dollar.balanceOf(address(vault)));
        assertEq(dollar.balanceOf(address(vault)), paid);
        _assertMarketIsEmpty();
    }

    /// @dev A license is good exactly until its end by the model, never after it was revoked, and every base unit paid
    /// is revenue, unearned or refunded.
    function testFuzz_licenses_are_good_until_they_end_and_money_is_conserved(uint256[12] memory steps) public {
        ILicenseMarket.Offer memory offer = _offer(0);
        (offer.price, offer.duration, offer.earnPeriod) = (1_000_003, 20 days, 33 days);
        uint256 id = _publishOffer(_revocable(true), offer);
        vm.prank(buyer);
        firstId = market.buy(id, uint64(SEATS), buyer, type(uint256).max);
        paid = SEATS * offer.price;
        for (uint256 i = 0; i < SEATS; ++i) {
            ends[i] = START + offer.duration;
        }
        uint256 time = START;
        for (uint256 i = 0; i < steps.length; ++i) {
            (uint256 seat, uint256 what) = (steps[i] % SEATS, steps[i] / SEATS % 4);
            time += steps[i] / 16 % 15 days;
            vm.warp(time);
            if (ends[seat] == 0) continue;
            if (what == 0) {
                vm.prank(owner);
                refunded += market.revoke(firstId + seat, "");
                ends[seat] = 0;
            } else if (what == 1) {
                vault.release(address(market), _one(firstId + seat));
            } else {
                vm.prank(buyer);
                market.renew(firstId + seat, offer.price);
                ends[seat] = (ends[seat] < time ? time : ends[seat]) + offer.duration;
                paid += offer.price;
            }
            _checkSeats();
        }
    }

    /// @dev Whatever way it is paid, the price goes from the payer into the vault, and what is divided over several
    /// licenses adds up.
    function testFuzz_every_way_to_pay_pays_the_same(uint8 way, uint64 quantity, uint128 price) public {
        way = uint8(bound(way, 0, 2));
        quantity = uint64(bound(quantity, 1, 5));
        price = uint128(bound(price, 1, 1e9));
        uint256 id = _publishOffer(_terms(), _offerIn(address(walletDollar), price));
        uint256 total = uint256(price) * quantity;
        if (way == 0) {
            vm.startPrank(payer);
            walletDollar.approve(address(market), total);
            market.buy(id, quantity, payer, total);
            vm.stopPrank();
        } else if (way == 1) {
            bytes32 nonce = market.purchaseNonceOf(_purchase(id, quantity), "salt");
            market.buyWithAuthorization(_purchase(id, quantity), _authorize(walletDollar, total, nonce));
        } else {
            vm.prank(payer);
            walletDollar.approve(address(market), total);
            market.buyBySignature(_order(id, quantity), _signed(_order(id, quantity)));
        }
        assertEq(licenses.balanceOf(payer), quantity);
        assertEq(walletDollar.balanceOf(payer), 1e12 - total);
        assertEq(walletDollar.balanceOf(address(vault)), total);
        assertEq(walletDollar.allowance(payer, address(market)), 0);
        for (uint256 i = 1; i <= quantity; ++i) {
            assertEq(vault.streamOf(address(market), i).amount, price - price / 10);
        }
        _assertMarketIsEmpty();
    }
}
