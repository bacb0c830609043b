// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicensePurchases } from "../../contracts/interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../../contracts/interfaces/ILicenseRenewals.sol";
import { MarketFixture } from "../utils/MarketFixture.sol";
import { Metered } from "./Metered.sol";

/// @notice Gas of every way to buy, of renewing and of revoking, against their budgets. The vault has been paid in every
/// currency before; the payer has never bought. Exact as whole transactions under `forge test --isolate`.
contract LicensesGasTest is MarketFixture, Metered {
    function setUp() public override {
        super.setUp();
        _buy(offerId);
        _approve(payer);
        walletDollar.mint(buyer, 1e12);
        _approve(buyer);
        vm.prank(buyer);
        market.buy(walletOffer, 1, buyer, PRICE);
        vm.prank(buyer);
        market.buy{ value: 1 ether }(nativeOffer, 1, buyer, 1 ether);
    }

    function _group() internal pure override returns (string memory) {
        return "Licenses";
    }

    function test_buy_by_allowance_stays_within_220k() public {
        vm.prank(payer);
        market.buy(offerId, 1, payer, PRICE);
        _check("buy, the buyer's first", 220_000);
        vm.prank(payer);
        market.buy(offerId, 1, payer, PRICE);
        _check("buy, again", 203_000);
    }

    function test_buy_with_native_coin_stays_within_200k() public {
        vm.prank(payer);
        market.buy{ value: 1 ether }(nativeOffer, 1, payer, 1 ether);
        _check("buy, native coin, the buyer's first", 200_000);
    }

    function test_buy_for_free_stays_within_130k() public {
        vm.prank(payer);
        market.buy(freeOffer, 1, payer, 0);
        _check("buy, free", 130_000);
    }

    function test_buy_of_ten_stays_within_130k_each() public {
        vm.prank(payer);
        market.buy(offerId, 10, payer, 10 * PRICE);
        _check("buy, 10 of one offer", 1_300_000);
    }

    function test_giftMany_to_ten_stays_within_155k_each() public {
        address[] memory recipients = new address[](10);
        for (uint256 i = 0; i < 10; ++i) {
            recipients[i] = address(uint160(0x1000 + i));
        }
        vm.prank(payer);
        market.giftMany(offerId, recipients, 10 * PRICE);
        _check("giftMany, 10 recipients", 1_550_000);
    }

    function test_buyWithPermit_stays_within_255k() public {
        vm.prank(payer);
        dollar.approve(address(market), 0);
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.prank(payer);
        market.buyWithPermit(_purchase(offerId, 1), permit);
        _check("buyWithPermit", 255_000);
    }

    function test_buyWithAuthorization_stays_within_255k() public {
        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 1);
        ILicensePurchases.Authorization memory authorization =
            _authorize(walletDollar, PRICE, market.purchaseNonceOf(purchase, "salt"));
        market.buyWithAuthorization(purchase, authorization);
        _check("buyWithAuthorization", 255_000);
    }

    function test_buyBySignature_stays_within_255k() public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        market.buyBySignature(order, signature);
        _check("buyBySignature", 255_000);
    }

    function test_renewing_stays_within_its_budgets() public {
        vm.warp(START + 10 days);
        vm.prank(payer);
        market.renew(1, PRICE);
        _check("renew", 116_000);
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(1);
        order.deadline = START + 10 days;
        bytes memory signature = _signed(order);
        market.renewBySignature(order, signature);
        _check("renewBySignature", 152_000);
    }

    function test_revoke_stays_within_130k() public {
        uint256 revocable = _publishOffer(_revocable(true), _offer(0));
        vm.prank(payer);
        uint256 licenseId = market.buy(revocable, 1, payer, PRICE);
        vm.warp(START + 10 days);
        vm.prank(owner);
        market.revoke(licenseId, "breach of the terms");
        _check("revoke", 130_000);
    }
}
