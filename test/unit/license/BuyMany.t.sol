// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../../contracts/interfaces/ILicensePurchases.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { FeeOnTransferToken } from "../../utils/Doubles.sol";
import { MarketFixture } from "../../utils/MarketFixture.sol";

contract BuyManyTest is MarketFixture {
    address[] internal staff;

    function setUp() public override {
        super.setUp();
        _approve(payer);
        for (uint256 i = 0; i < 4; ++i) {
            staff.push(makeAddr(string.concat("staff ", vm.toString(i))));
        }
    }

    function _mixed() internal view returns (ILicensePurchases.Purchase[] memory purchases) {
        purchases = new ILicensePurchases.Purchase[](4);
        purchases[0] = _purchase(offerId, 2);
        purchases[1] = _purchase(nativeOffer, 3);
        purchases[2] = _purchase(freeOffer, 1);
        purchases[3] = _purchase(nativeOffer, 1);
        purchases[3].recipient = stranger;
    }

    function test_buyMany_makes_every_purchase_in_its_own_currency() public {
        vm.prank(payer);
        uint256[] memory firstIds = market.buyMany{ value: 4 ether }(_mixed());
        assertEq(firstIds[0], 1);
        assertEq(firstIds[1], 3);
        assertEq(firstIds[2], 6);
        assertEq(firstIds[3], 7);
        assertEq(licenses.balanceOf(payer), 6);
        assertEq(licenses.ownerOf(7), stranger);
        assertEq(dollar.balanceOf(address(vault)), 2 * PRICE);
        assertEq(address(vault).balance, 4 ether);
        _assertMarketIsEmpty();
    }

    function test_buyMany_of_nothing_does_nothing() public {
        vm.prank(payer);
        assertEq(market.buyMany(new ILicensePurchases.Purchase[](0)).length, 0);
    }

    function testFuzz_buyMany_reverts_unless_the_native_total_is_exact(uint256 value) public {
        value = bound(value, 0, 100 ether);
        vm.assume(value != 4 ether);
        uint256 known = value < 3 ether ? 3 ether : 4 ether;
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, value, known));
        market.buyMany{ value: value }(_mixed());
    }

    function test_buyMany_reverts_as_a_whole_when_one_purchase_does() public {
        ILicensePurchases.Purchase[] memory purchases = _mixed();
        purchases[3].maxPrice = 1 ether - 1;
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, 1 ether, 1 ether - 1));
        market.buyMany{ value: 4 ether }(purchases);
        assertEq(licenses.balanceOf(payer), 0);
    }

    function test_buyMany_counts_its_own_purchases_against_the_supply() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.supply = 3;
        uint256 scarce = _publishOffer(_terms(), offer);
        ILicensePurchases.Purchase[] memory purchases = new ILicensePurchases.Purchase[](2);
        purchases[0] = _purchase(scarce, 2);
        purchases[1] = _purchase(scarce, 2);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_SoldOut.selector, scarce, 2, 1));
        market.buyMany(purchases);
    }

    function test_giftMany_gives_one_license_to_each() public {
        for (uint256 i = 0; i < staff.length; ++i) {
            vm.expectEmit();
            emit ILicenseMarket.Bought(offerId, payer, staff[i], i + 1, 1, PRICE);
        }
        vm.prank(payer);
        assertEq(market.giftMany(offerId, staff, 4 * PRICE), 1);
        for (uint256 i = 0; i < staff.length; ++i) {
            assertEq(licenses.ownerOf(i + 1), staff[i]);
            assertEq(vault.streamOf(address(market), i + 1).token, address(dollar));
        }
        assertEq(market.offerStateOf(offerId).sold, 4);
        assertEq(dollar.balanceOf(address(vault)), 4 * PRICE);
        _assertMarketIsEmpty();
    }

    function test_giftMany_divides_what_arrives_of_a_token_that_charges() public {
        FeeOnTransferToken token = new FeeOnTransferToken();
        token.mint(payer, 1_000_000);
        uint256 feeOffer = _publishOffer(_terms(), _offerIn(address(token), 12_345));
        vm.startPrank(payer);
        token.approve(address(market), type(uint256).max);
        market.giftMany(feeOffer, staff, 4 * 12_345);
        assertEq(token.balanceOf(address(market)), 0);
        assertEq(vault.accounted(address(token)), token.balanceOf(address(vault)));
    }

    function test_giftMany_with_native_coin() public {
        vm.prank(payer);
        market.giftMany{ value: 4 ether }(nativeOffer, staff, 4 ether);
        assertEq(address(vault).balance, 4 ether);
        assertEq(licenses.ownerOf(4), staff[3]);
    }

    function testFuzz_giftMany_reverts_unless_the_value_is_exact(uint256 value) public {
        value = bound(value, 0, 100 ether);
        vm.assume(value != 4 ether);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, value, 4 ether));
        market.giftMany{ value: value }(nativeOffer, staff, 4 ether);
    }

    function test_giftMany_reverts_over_the_maximum_price_of_all() public {
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, 4 * PRICE, 4 * PRICE - 1));
        market.giftMany(offerId, staff, 4 * PRICE - 1);
    }

    function test_giftMany_reverts_for_nobody() public {
        vm.prank(payer);
        vm.expectRevert(ILicenseMarket.Market_ZeroQuantity.selector);
        market.giftMany(offerId, new address[](0), 0);
    }

    function test_giftMany_reverts_when_fewer_are_left() public {
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.supply = 3;
        uint256 scarce = _publishOffer(_terms(), offer);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_SoldOut.selector, scarce, 4, 3));
        market.giftMany(scarce, staff, 4 * PRICE);
    }

    function test_giftMany_reverts_for_a_closed_and_for_an_unknown_offer() public {
        vm.prank(owner);
        market.closeOffer(offerId);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, offerId));
        market.giftMany(offerId, staff, 4 * PRICE);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownOffer.selector, 99));
        market.giftMany(99, staff, 4 * PRICE);
    }

    function test_giftMany_reverts_without_an_allowance() public {
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, 4 * PRICE)
        );
        market.giftMany(offerId, staff, 4 * PRICE);
    }

    function testFuzz_quoteOf_is_what_is_paid_and_nothing_else_is(uint64 quantity, uint8 which) public {
        quantity = uint64(bound(quantity, 1, 20));
        uint256[4] memory offers = [offerId, walletOffer, nativeOffer, freeOffer];
        uint256 id = offers[which % 4];
        (address token, uint256 price) = market.quoteOf(id, quantity);
        assertEq(price, uint256(market.offerOf(id).price) * quantity);
        uint256[3] memory before = [dollar.balanceOf(payer), walletDollar.balanceOf(payer), payer.balance];
        vm.prank(payer);
        market.buy{ value: token == NATIVE ? price : 0 }(id, quantity, payer, price);
        assertEq(before[0] - dollar.balanceOf(payer), token == address(dollar) ? price : 0);
        assertEq(before[1] - walletDollar.balanceOf(payer), token == address(walletDollar) ? price : 0);
        assertEq(before[2] - payer.balance, token == NATIVE ? price : 0);
        _assertMarketIsEmpty();
    }

    function test_quoteOf_reverts_as_buying_would() public {
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownOffer.selector, 99));
        market.quoteOf(99, 1);
        vm.expectRevert(ILicenseMarket.Market_ZeroQuantity.selector);
        market.quoteOf(offerId, 0);
        ILicenseMarket.Offer memory offer = _offer(0);
        offer.supply = 3;
        uint256 scarce = _publishOffer(_terms(), offer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_SoldOut.selector, scarce, 4, 3));
        market.quoteOf(scarce, 4);
        vm.prank(owner);
        market.closeOffer(offerId);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, offerId));
        market.quoteOf(offerId, 1);
    }
}
