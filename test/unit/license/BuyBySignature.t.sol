// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { LicenseMarket } from "../../../contracts/LicenseMarket.sol";
import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../../contracts/interfaces/ILicensePurchases.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { MarketFixture } from "../../utils/MarketFixture.sol";
import { Domain } from "../../utils/Domain.sol";

contract BuyBySignatureTest is MarketFixture {
    function setUp() public override {
        super.setUp();
        _approve(payer);
        _approve(address(wallet));
    }

    function _expectBadSignature(ILicensePurchases.PurchaseOrder memory order, bytes memory signature) internal {
        vm.prank(relayer);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_BadSignature.selector, order.buyer));
        market.buyBySignature(order, signature);
    }

    function test_buyBySignature_buys_out_of_the_buyers_allowance() public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 2);
        order.recipient = stranger;
        bytes memory signature = _signed(order);
        vm.expectEmit();
        emit ILicenseMarket.Bought(offerId, payer, stranger, 1, 2, 2 * PRICE);
        vm.prank(relayer);
        assertEq(market.buyBySignature(order, signature), 1);
        assertEq(licenses.balanceOf(stranger), 2);
        assertEq(dollar.balanceOf(payer), 1e12 - 2 * PRICE);
        assertTrue(market.isNonceUsed(payer, order.nonce));
        _assertMarketIsEmpty();
    }

    function test_buyBySignature_of_a_multisig_wallet() public {
        ILicensePurchases.PurchaseOrder memory order = _order(walletOffer, 1);
        order.buyer = address(wallet);
        order.recipient = address(wallet);
        bytes32 digest = market.hashPurchaseOrder(order);
        _expectBadSignature(order, _sign(KEY, digest));
        _expectBadSignature(order, bytes.concat(_sign(SECOND_KEY, digest), _sign(KEY, digest)));
        vm.prank(relayer);
        market.buyBySignature(order, _signTwice(digest));
        assertEq(licenses.ownerOf(1), address(wallet));
        assertEq(walletDollar.balanceOf(address(wallet)), 1e12 - PRICE);
    }

    function test_hashPurchaseOrder_is_eip712_over_every_field() public view {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 3);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "PurchaseOrder(address buyer,uint256 offerId,uint64 quantity,address recipient,uint256 maxPrice,uint256 nonce,uint64 deadline)"
                ),
                order.buyer,
                order.offerId,
                order.quantity,
                order.recipient,
                order.maxPrice,
                order.nonce,
                order.deadline
            )
        );
        assertEq(market.hashPurchaseOrder(order), Domain.digest(address(market), structHash));
        (, string memory name, string memory version, uint256 chainId, address verifier,,) = market.eip712Domain();
        assertEq(name, "Tributary");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(verifier, address(market));
    }

    /// @dev The digest covers all parameters: changing any one makes the signature worthless.
    function testFuzz_a_relayer_can_change_nothing(uint8 field, uint256 value) public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        bytes32 digest = market.hashPurchaseOrder(order);
        field = uint8(bound(field, 0, 5));
        if (field == 0) order.buyer = address(uint160(bound(value, 0x10000, type(uint160).max)));
        if (field == 1) order.offerId = value;
        if (field == 2) order.quantity = uint64(value);
        if (field == 3) order.recipient = address(uint160(value));
        if (field == 4) order.maxPrice = value;
        if (field == 5) order.nonce = value;
        vm.assume(market.hashPurchaseOrder(order) != digest);
        vm.assume(order.buyer.code.length == 0);
        _expectBadSignature(order, signature);
    }

    function testFuzz_a_relayer_cannot_prolong_an_order(uint64 deadline) public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        order.deadline = uint64(bound(deadline, order.deadline + 1, type(uint64).max));
        _expectBadSignature(order, signature);
    }

    function test_an_order_is_good_on_one_chain_only() public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        vm.chainId(block.chainid + 1);
        _expectBadSignature(order, signature);
    }

    function test_a_multisigs_order_is_good_at_one_market_only() public {
        ILicensePurchases.PurchaseOrder memory order = _order(walletOffer, 1);
        order.buyer = address(wallet);
        LicenseMarket other = new LicenseMarket(registry, renderer);
        bytes memory signature = _signTwice(other.hashPurchaseOrder(order));
        _expectBadSignature(order, signature);
        signature = _signTwice(market.hashPurchaseOrder(order));
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_BadSignature.selector, address(wallet)));
        other.buyBySignature(order, signature);
    }

    function test_an_order_is_good_once() public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        market.buyBySignature(order, signature);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_NonceUsed.selector, payer, order.nonce));
        market.buyBySignature(order, signature);
    }

    function testFuzz_nonces_need_no_order(uint256 first, uint256 second) public {
        vm.assume(first != second);
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        order.nonce = first;
        market.buyBySignature(order, _signed(order));
        assertTrue(market.isNonceUsed(payer, first));
        assertFalse(market.isNonceUsed(payer, second));
        assertFalse(market.isNonceUsed(stranger, first));
        order.nonce = second;
        market.buyBySignature(order, _signed(order));
    }

    function test_an_order_that_fails_keeps_its_nonce() public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        vm.prank(payer);
        dollar.approve(address(market), 0);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, PRICE)
        );
        market.buyBySignature(order, signature);
        assertFalse(market.isNonceUsed(payer, order.nonce));
    }

    function testFuzz_buyBySignature_reverts_after_the_deadline(uint64 time) public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        time = uint64(bound(time, order.deadline + 1, order.deadline + 36_525 days));
        vm.warp(time);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_OrderExpired.selector, order.deadline, time));
        market.buyBySignature(order, signature);
        vm.warp(order.deadline);
        market.buyBySignature(order, signature);
    }

    function testFuzz_buyBySignature_reverts_for_signatures_of_any_form(bytes memory signature) public {
        _expectBadSignature(_order(offerId, 1), signature);
    }

    function test_buyBySignature_reverts_for_a_zero_buyer() public {
        ILicensePurchases.PurchaseOrder memory order = _order(freeOffer, 1);
        order.buyer = address(0);
        _expectBadSignature(order, new bytes(65));
    }

    function test_buyBySignature_reverts_when_the_wallet_no_longer_stands_by_it() public {
        ILicensePurchases.PurchaseOrder memory order = _order(walletOffer, 1);
        order.buyer = address(wallet);
        bytes memory signature = _signTwice(market.hashPurchaseOrder(order));
        vm.etch(address(wallet), hex"5f5f5260205ff3");
        _expectBadSignature(order, signature);
    }

    function test_cancelNonce_makes_an_order_worthless() public {
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        bytes memory signature = _signed(order);
        vm.expectEmit();
        emit ILicensePurchases.NonceCancelled(payer, order.nonce);
        vm.prank(payer);
        market.cancelNonce(order.nonce);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_NonceUsed.selector, payer, order.nonce));
        market.buyBySignature(order, signature);
    }

    function test_cancelNonce_reverts_for_a_used_nonce() public {
        vm.startPrank(payer);
        market.cancelNonce(1);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_NonceUsed.selector, payer, 1));
        market.cancelNonce(1);
    }

    function testFuzz_cancelNonce_is_for_the_callers_own_orders(address caller) public {
        vm.assume(caller != payer);
        ILicensePurchases.PurchaseOrder memory order = _order(offerId, 1);
        vm.prank(caller);
        market.cancelNonce(order.nonce);
        market.buyBySignature(order, _signed(order));
    }

    function test_buyBySignature_reverts_for_native_coin() public {
        ILicensePurchases.PurchaseOrder memory order = _order(nativeOffer, 1);
        bytes memory signature = _signed(order);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 0, 1 ether));
        market.buyBySignature(order, signature);
    }

    function test_buyBySignature_of_what_is_free() public {
        ILicensePurchases.PurchaseOrder memory order = _order(freeOffer, 1);
        market.buyBySignature(order, _signed(order));
        assertEq(licenses.ownerOf(1), payer);
    }

    function test_buyBySignature_reverts_as_buying_does() public {
        ILicensePurchases.PurchaseOrder memory order = _order(99, 1);
        bytes memory signature = _signed(order);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownOffer.selector, 99));
        market.buyBySignature(order, signature);
        order = _order(offerId, 0);
        signature = _signed(order);
        vm.expectRevert(ILicenseMarket.Market_ZeroQuantity.selector);
        market.buyBySignature(order, signature);
        order = _order(offerId, 1);
        order.maxPrice = PRICE - 1;
        signature = _signed(order);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, PRICE, PRICE - 1));
        market.buyBySignature(order, signature);
        vm.prank(owner);
        market.closeOffer(offerId);
        signature = _signed(_order(offerId, 1));
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, offerId));
        market.buyBySignature(_order(offerId, 1), signature);
    }
}
