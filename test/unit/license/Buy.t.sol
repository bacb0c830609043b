// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20Errors, IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicenseToken } from "../../../contracts/interfaces/ILicenseToken.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { CallingToken, FeeOnTransferToken } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract BuyTest is Fixture {
    uint256 internal offerId;

    function setUp() public override {
        super.setUp();
        offerId = _publishOffer(_terms(), _offer(0));
    }

    function test_buy_issues_a_license_and_pays_the_vault() public {
        bytes32 termsId = market.termsIdOf(_terms());
        vm.expectEmit();
        emit ILicenseToken.LicenseIssued(1, modelId, buyer, termsId, START, START + 30 days);
        vm.expectEmit();
        emit IRoyaltyVault.FeePaid(address(market), 1, address(dollar), 100e6, 10e6, START, START + 30 days);
        vm.expectEmit();
        emit ILicenseMarket.Bought(offerId, buyer, buyer, 1, 1, 100e6);
        vm.prank(buyer);
        assertEq(market.buy(offerId, 1, buyer, 100e6), 1);

        assertEq(licenses.ownerOf(1), buyer);
        assertEq(dollar.balanceOf(address(vault)), 100e6);
        assertEq(dollar.balanceOf(address(market)), 0);
        assertEq(vault.revenue(address(dollar)), 10e6);
        assertEq(vault.unearned(address(dollar)), 90e6);
        assertEq(market.offerStateOf(offerId).sold, 1);
    }

    function test_buy_for_another_recipient() public {
        vm.prank(buyer);
        market.buy(offerId, 1, stranger, 100e6);
        assertEq(licenses.ownerOf(1), stranger);
    }

    function test_buy_many_opens_one_stream_for_each() public {
        vm.prank(buyer);
        assertEq(market.buy(offerId, 3, buyer, 300e6), 1);
        for (uint256 id = 1; id <= 3; ++id) {
            assertEq(licenses.ownerOf(id), buyer);
            assertEq(vault.streamOf(address(market), id).amount, 90e6);
        }
        assertEq(market.offerStateOf(offerId).sold, 3);
        assertEq(_buy(offerId), 4);
    }

    function test_buy_with_native_coin() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.token = NATIVE;
        offer.price = 1 ether;
        uint256 nativeOffer = _publishOffer(_terms(), offer);
        vm.prank(buyer);
        market.buy{ value: 2 ether }(nativeOffer, 2, buyer, 2 ether);
        assertEq(address(vault).balance, 2 ether);
        assertEq(address(market).balance, 0);
        assertEq(vault.streamOf(address(market), 2).amount, 0.9 ether);
    }

    function test_buy_of_a_free_license_moves_no_money() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.price = 0;
        uint256 freeOffer = _publishOffer(_terms(), offer);
        vm.prank(stranger);
        market.buy(freeOffer, 1, stranger, 0);
        assertEq(licenses.ownerOf(1), stranger);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoStream.selector, market, 1));
        vault.streamOf(address(market), 1);
    }

    function test_buy_with_a_token_that_charges_pays_what_arrives() public {
        FeeOnTransferToken token = new FeeOnTransferToken();
        token.mint(buyer, 1_000_000);
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.token = address(token);
        offer.price = 100_000;
        uint256 feeOffer = _publishOffer(_terms(), offer);
        vm.startPrank(buyer);
        token.approve(address(market), type(uint256).max);
        market.buy(feeOffer, 3, buyer, 300_000);
        assertEq(token.balanceOf(address(market)), 0);
        assertEq(vault.accounted(address(token)), token.balanceOf(address(vault)));
        assertEq(vault.streamOf(address(market), 1).amount, 88_209);
    }

    function test_buy_of_a_perpetual_license_never_expires() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.duration = 0;
        uint256 licenseId = _buy(_publishOffer(_terms(), offer));
        assertEq(licenses.licenseOf(licenseId).expiresAt, 0);
        assertEq(licenses.startTime(licenseId), 0);
        assertEq(licenses.endTime(licenseId), 0);
        vm.warp(START + 100 * 365 days);
        assertFalse(licenses.isTokenExpired(licenseId));
    }

    function test_buy_reverts_when_the_offer_is_closed() public {
        vm.prank(owner);
        market.closeOffer(offerId);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, offerId));
        market.buy(offerId, 1, buyer, 100e6);
    }

    function test_buy_reverts_for_nothing() public {
        vm.prank(buyer);
        vm.expectRevert(ILicenseMarket.Market_ZeroQuantity.selector);
        market.buy(offerId, 0, buyer, 100e6);
    }

    function test_buy_reverts_when_sold_out() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.supply = 3;
        uint256 scarce = _publishOffer(_terms(), offer);
        vm.startPrank(buyer);
        market.buy(scarce, 2, buyer, 200e6);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_SoldOut.selector, scarce, 2, 1));
        market.buy(scarce, 2, buyer, 200e6);
        market.buy(scarce, 1, buyer, 100e6);
    }

    function test_buy_reverts_over_the_maximum_price() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, 200e6, 200e6 - 1));
        market.buy(offerId, 2, buyer, 200e6 - 1);
    }

    function test_buy_reverts_when_the_value_is_wrong() public {
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 1, 0));
        market.buy{ value: 1 }(offerId, 1, buyer, 100e6);
    }

    function test_buy_reverts_without_an_allowance() public {
        vm.prank(stranger);
        vm.expectRevert();
        market.buy(offerId, 1, stranger, 100e6);
        assertEq(market.offerStateOf(offerId).sold, 0);
    }

    function test_an_allowance_moves_only_in_a_purchase_of_its_giver() public {
        uint256 before = dollar.balanceOf(buyer);
        vm.startPrank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, 100e6)
        );
        market.buy(offerId, 1, buyer, 100e6);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, 100e6)
        );
        vault.payFee(1, address(dollar), 100e6, 0, 0);
        assertEq(dollar.balanceOf(buyer), before);
    }

    function test_what_lies_in_the_market_by_mistake_pays_for_nothing() public {
        dollar.mint(address(market), 5);
        _buy(offerId);
        assertEq(dollar.balanceOf(address(vault)), 100e6);
        assertEq(dollar.balanceOf(address(market)), 5);
        assertEq(vault.streamOf(address(market), 1).amount, 90e6);
    }

    function testFuzz_buy_costs_the_quoted_price_whoever_gets_it(uint64 quantity, address recipient) public {
        quantity = uint64(bound(quantity, 1, 10));
        vm.assume(recipient != address(0));
        (, uint256 price) = market.quoteOf(offerId, quantity);
        uint256 before = dollar.balanceOf(buyer);
        vm.prank(buyer);
        market.buy(offerId, quantity, recipient, price);
        assertEq(before - dollar.balanceOf(buyer), price);
        assertEq(licenses.balanceOf(recipient), quantity);
        assertEq(dollar.balanceOf(address(vault)), price);
    }

    function test_buy_reverts_for_a_zero_recipient() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0)));
        market.buy(offerId, 1, address(0), 100e6);
    }

    function test_buy_cannot_be_entered_again_by_the_token() public {
        CallingToken token = new CallingToken();
        token.mint(buyer, 1_000);
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.token = address(token);
        offer.price = 100;
        uint256 callingOffer = _publishOffer(_terms(), offer);
        vm.startPrank(buyer);
        token.approve(address(market), type(uint256).max);
        token.setCall(address(market), abi.encodeCall(ILicenseMarket.buy, (callingOffer, 1, buyer, 100)));
        market.buy(callingOffer, 1, buyer, 100);
        assertTrue(token.failed());
        assertEq(licenses.balanceOf(buyer), 1);
    }

    function test_buy_releases_over_time_into_the_pool() public {
        uint256 licenseId = _buy(offerId);
        uint256[] memory ids = new uint256[](1);
        ids[0] = licenseId;
        vm.warp(START + 15 days);
        vault.release(address(market), ids);
        assertEq(vault.revenue(address(dollar)), 55e6);
        vm.warp(START + 31 days);
        vault.release(address(market), ids);
        vault.distribute(address(dollar));
        assertEq(vault.poolCredited(address(dollar)), 45e6);
    }
}
