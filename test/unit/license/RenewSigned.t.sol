// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20Errors, IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../../contracts/interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../../../contracts/interfaces/ILicenseRenewals.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { MarketFixture } from "../../utils/MarketFixture.sol";
import { Domain } from "../../utils/Domain.sol";

contract RenewSignedTest is MarketFixture {
    uint64 internal constant PERIOD = 30 days;
    bytes32 internal constant SALT = "salt";

    /// @dev Of the payer: in dollars with permits, with authorisations, and in native coin.
    uint256 internal id;
    uint256 internal walletId;
    uint256 internal nativeId;

    function setUp() public override {
        super.setUp();
        _approve(payer);
        vm.startPrank(payer);
        id = market.buy(offerId, 1, payer, PRICE);
        walletId = market.buy(walletOffer, 1, payer, PRICE);
        nativeId = market.buy{ value: 1 ether }(nativeOffer, 1, payer, 1 ether);
        dollar.approve(address(market), 0);
        walletDollar.approve(address(market), 0);
        vm.stopPrank();
    }

    // Permits

    function test_renewWithPermit_needs_no_approval() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.expectEmit();
        emit ILicenseRenewals.Renewed(id, offerId, payer, START + 2 * PERIOD, PRICE);
        vm.prank(payer);
        assertEq(market.renewWithPermit(_renewal(id), permit), START + 2 * PERIOD);
        assertEq(dollar.balanceOf(address(vault)), 2 * PRICE);
        _assertMarketIsEmpty();
    }

    function test_renewWithPermit_works_when_somebody_else_has_sent_the_permit_before() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.prank(stranger);
        _usePermit(KEY, permit);
        vm.prank(payer);
        market.renewWithPermit(_renewal(id), permit);
        assertEq(licenses.endTime(id), START + 2 * PERIOD);
    }

    function test_renewWithPermit_reverts_for_anothers_permit() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.prank(relayer);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, PRICE)
        );
        market.renewWithPermit(_renewal(id), permit);
    }

    function test_renewWithPermit_reverts_as_renewing_does() public {
        ILicensePurchases.Permit memory permit = _permit(KEY, PRICE);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        market.renewWithPermit(_renewal(99), permit);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 0, 1 ether));
        market.renewWithPermit(_renewal(nativeId), permit);
        ILicenseRenewals.Renewal memory renewal = _renewal(id);
        renewal.maxPrice = PRICE - 1;
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, PRICE, PRICE - 1));
        market.renewWithPermit(renewal, permit);
        vm.prank(owner);
        market.closeOffer(offerId);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, offerId));
        market.renewWithPermit(_renewal(id), permit);
    }

    // Authorisations

    function _expectRefusal(
        ILicenseRenewals.Renewal memory renewal,
        ILicensePurchases.Authorization memory authorization,
        string memory reason
    ) internal {
        vm.prank(relayer);
        vm.expectRevert(bytes(reason));
        market.renewWithAuthorization(renewal, authorization);
    }

    function test_renewWithAuthorization_is_relayed() public {
        ILicenseRenewals.Renewal memory renewal = _renewal(walletId);
        ILicensePurchases.Authorization memory authorization =
            _authorize(walletDollar, PRICE, market.renewalNonceOf(renewal, SALT));
        vm.expectEmit();
        emit ILicenseRenewals.Renewed(walletId, walletOffer, payer, START + 2 * PERIOD, PRICE);
        vm.prank(relayer);
        assertEq(market.renewWithAuthorization(renewal, authorization), START + 2 * PERIOD);
        assertEq(walletDollar.balanceOf(address(vault)), 2 * PRICE);
        _assertMarketIsEmpty();
        _expectRefusal(renewal, authorization, "authorization is used or canceled");
    }

    function test_renewWithAuthorization_of_a_contract_wallet() public {
        ILicenseRenewals.Renewal memory renewal = _renewal(walletId);
        bytes32 nonce = market.renewalNonceOf(renewal, SALT);
        market.renewWithAuthorization(renewal, _authorizeByWallet(PRICE, nonce));
        assertEq(walletDollar.balanceOf(address(wallet)), 1e12 - PRICE);
        assertEq(licenses.ownerOf(walletId), payer);
    }

    function test_a_relayer_cannot_renew_another_license_with_it() public {
        ILicenseRenewals.Renewal memory renewal = _renewal(walletId);
        ILicensePurchases.Authorization memory authorization =
            _authorize(walletDollar, PRICE, market.renewalNonceOf(renewal, SALT));
        walletDollar.mint(relayer, PRICE);
        _approve(relayer);
        vm.prank(relayer);
        renewal.licenseId = market.buy(walletOffer, 1, relayer, PRICE);
        _expectRefusal(renewal, authorization, "invalid signature");
    }

    function testFuzz_a_relayer_cannot_change_the_price_or_the_salt(uint256 maxPrice, bytes32 salt) public {
        ILicenseRenewals.Renewal memory renewal = _renewal(walletId);
        ILicensePurchases.Authorization memory authorization =
            _authorize(walletDollar, PRICE, market.renewalNonceOf(renewal, SALT));
        renewal.maxPrice = bound(maxPrice, PRICE, type(uint256).max - 1);
        _expectRefusal(renewal, authorization, "invalid signature");
        vm.assume(salt != SALT);
        authorization.salt = salt;
        _expectRefusal(_renewal(walletId), authorization, "invalid signature");
    }

    function test_an_authorisation_to_buy_does_not_renew_nor_the_other_way_round() public {
        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 1);
        ILicenseRenewals.Renewal memory renewal = _renewal(walletId);
        ILicensePurchases.Authorization memory toBuy =
            _authorize(walletDollar, PRICE, market.purchaseNonceOf(purchase, SALT));
        ILicensePurchases.Authorization memory toRenew =
            _authorize(walletDollar, PRICE, market.renewalNonceOf(renewal, SALT));
        _expectRefusal(renewal, toBuy, "invalid signature");
        vm.expectRevert("invalid signature");
        market.buyWithAuthorization(purchase, toRenew);
    }

    function test_renewalNonceOf_binds_chain_market_license_offer_and_price() public {
        bytes32 nonce = market.renewalNonceOf(_renewal(walletId), SALT);
        assertEq(
            nonce,
            keccak256(
                abi.encode(
                    block.chainid, address(market), bytes32("renew"), walletId, walletOffer, type(uint256).max, SALT
                )
            )
        );
        vm.chainId(block.chainid + 1);
        assertNotEq(market.renewalNonceOf(_renewal(walletId), SALT), nonce);
    }

    function test_renewWithAuthorization_reverts_as_renewing_does() public {
        ILicensePurchases.Authorization memory authorization = _unsigned(payer);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        market.renewWithAuthorization(_renewal(99), authorization);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 0, 1 ether));
        market.renewWithAuthorization(_renewal(nativeId), authorization);
        uint256 freeId = market.buy(freeOffer, 1, payer, 0);
        vm.expectRevert(ILicensePurchases.Market_NothingToAuthorize.selector);
        market.renewWithAuthorization(_renewal(freeId), authorization);
        ILicenseRenewals.Renewal memory renewal = _renewal(walletId);
        renewal.maxPrice = PRICE - 1;
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, PRICE, PRICE - 1));
        market.renewWithAuthorization(renewal, authorization);
        vm.prank(owner);
        market.closeOffer(walletOffer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, walletOffer));
        market.renewWithAuthorization(_renewal(walletId), authorization);
    }

    // Orders

    function test_renewBySignature_renews_out_of_the_payers_allowance() public {
        _approve(payer);
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(id);
        bytes memory signature = _signed(order);
        vm.expectEmit();
        emit ILicenseRenewals.Renewed(id, offerId, payer, START + 2 * PERIOD, PRICE);
        vm.prank(relayer);
        assertEq(market.renewBySignature(order, signature), START + 2 * PERIOD);
        assertEq(dollar.balanceOf(address(vault)), 2 * PRICE);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_NonceUsed.selector, payer, order.nonce));
        market.renewBySignature(order, signature);
        _assertMarketIsEmpty();
    }

    function test_renewBySignature_of_a_multisig_wallet() public {
        _approve(address(wallet));
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(walletId);
        order.payer = address(wallet);
        market.renewBySignature(order, _signTwice(market.hashRenewalOrder(order)));
        assertEq(walletDollar.balanceOf(address(wallet)), 1e12 - PRICE);
    }

    function test_hashRenewalOrder_is_eip712_over_every_field() public view {
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(id);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "RenewalOrder(address payer,uint256 licenseId,uint256 maxPrice,uint256 nonce,uint64 deadline)"
                ),
                order.payer,
                order.licenseId,
                order.maxPrice,
                order.nonce,
                order.deadline
            )
        );
        assertEq(market.hashRenewalOrder(order), Domain.digest(address(market), structHash));
    }

    function testFuzz_a_relayer_can_change_nothing_of_an_order(uint8 field, uint256 value) public {
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(id);
        bytes memory signature = _signed(order);
        bytes32 digest = market.hashRenewalOrder(order);
        field = uint8(bound(field, 0, 4));
        if (field == 0) order.payer = address(uint160(bound(value, 0x10000, type(uint160).max)));
        if (field == 1) order.licenseId = value;
        if (field == 2) order.maxPrice = value;
        if (field == 3) order.nonce = value;
        if (field == 4) order.deadline = uint64(bound(value, order.deadline + 1, type(uint64).max));
        vm.assume(market.hashRenewalOrder(order) != digest && order.payer.code.length == 0);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_BadSignature.selector, order.payer));
        market.renewBySignature(order, signature);
    }

    function test_orders_to_buy_and_to_renew_share_their_nonces() public {
        _approve(payer);
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(id);
        market.renewBySignature(order, _signed(order));
        ILicensePurchases.PurchaseOrder memory other = _order(offerId, 1);
        bytes memory signature = _signed(other);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_NonceUsed.selector, payer, order.nonce));
        market.buyBySignature(other, signature);
    }

    function testFuzz_renewBySignature_reverts_after_the_deadline(uint64 time) public {
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(id);
        bytes memory signature = _signed(order);
        time = uint64(bound(time, order.deadline + 1, order.deadline + 36_525 days));
        vm.warp(time);
        vm.expectRevert(abi.encodeWithSelector(ILicensePurchases.Market_OrderExpired.selector, order.deadline, time));
        market.renewBySignature(order, signature);
    }

    function test_renewBySignature_reverts_as_renewing_does() public {
        ILicenseRenewals.RenewalOrder memory order = _renewalOrder(99);
        bytes memory signature = _signed(order);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        market.renewBySignature(order, signature);
        order = _renewalOrder(nativeId);
        signature = _signed(order);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 0, 1 ether));
        market.renewBySignature(order, signature);
        order = _renewalOrder(id);
        order.maxPrice = PRICE - 1;
        signature = _signed(order);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, PRICE, PRICE - 1));
        market.renewBySignature(order, signature);
    }
}
