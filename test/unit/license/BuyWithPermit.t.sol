// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../../contracts/interfaces/ILicensePurchases.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { MarketFixture } from "../../utils/MarketFixture.sol";

contract BuyWithPermitTest is MarketFixture {
    function test_buyWithPermit_needs_no_approval() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, 2 * PRICE);
        vm.expectEmit();
        emit ILicenseMarket.Bought(offerId, payer, payer, 1, 2, 2 * PRICE);
        vm.prank(payer);
        assertEq(market.buyWithPermit(_purchase(offerId, 2), permit), 1);
        assertEq(licenses.balanceOf(payer), 2);
        assertEq(dollar.balanceOf(address(vault)), 2 * PRICE);
        assertEq(dollar.allowance(payer, address(market)), 0);
        _assertMarketIsEmpty();
    }

    function test_buyWithPermit_works_when_somebody_else_has_sent_the_permit_before() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.prank(stranger);
        _usePermit(KEY, permit);
        vm.prank(payer);
        market.buyWithPermit(_purchase(offerId, 1), permit);
        assertEq(licenses.balanceOf(payer), 1);
    }

    function test_buyWithPermit_works_for_a_token_without_permits_that_is_approved() public {
        _approve(payer);
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.prank(payer);
        market.buyWithPermit(_purchase(walletOffer, 1), permit);
        assertEq(licenses.balanceOf(payer), 1);
    }

    function test_buyWithPermit_reverts_when_the_permit_is_bad_and_nothing_is_approved() public {
        ILicensePurchases.Permit memory permit = _permit(SECOND_KEY, PRICE);
        vm.prank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, PRICE)
        );
        market.buyWithPermit(_purchase(offerId, 1), permit);
    }

    function test_buyWithPermit_reverts_when_the_permit_has_expired() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.warp(permit.deadline + 1);
        vm.prank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, PRICE)
        );
        market.buyWithPermit(_purchase(offerId, 1), permit);
    }

    function test_a_permit_is_of_no_use_to_anybody_else() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.prank(relayer);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, PRICE)
        );
        market.buyWithPermit(_purchase(offerId, 1), permit);
        _usePermit(KEY, permit);
        vm.prank(relayer);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, PRICE)
        );
        market.buy(offerId, 1, relayer, PRICE);
    }

    function testFuzz_buyWithPermit_reverts_over_the_maximum_price(uint256 maxPrice) public {
        ILicensePurchases.Purchase memory purchase = _purchase(offerId, 1);
        purchase.maxPrice = bound(maxPrice, 0, PRICE - 1);
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, PRICE, purchase.maxPrice));
        market.buyWithPermit(purchase, permit);
    }

    function test_buyWithPermit_reverts_for_native_coin() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, 1 ether);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 0, 1 ether));
        market.buyWithPermit(_purchase(nativeOffer, 1), permit);
    }

    function test_buyWithPermit_reverts_as_buying_does() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownOffer.selector, 99));
        market.buyWithPermit(_purchase(99, 1), permit);
        vm.expectRevert(ILicenseMarket.Market_ZeroQuantity.selector);
        market.buyWithPermit(_purchase(offerId, 0), permit);
        vm.prank(owner);
        market.closeOffer(offerId);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, offerId));
        market.buyWithPermit(_purchase(offerId, 1), permit);
    }
}
