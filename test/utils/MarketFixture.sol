// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicenseMarket } from "../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../contracts/interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../../contracts/interfaces/ILicenseRenewals.sol";
import { Fixture } from "./Fixture.sol";
import { KeyDollar, TwoKeyWallet, WalletDollar } from "./PaymentTokens.sol";

/// @title MarketFixture
/// @notice Offers in four currencies, a payer with a key and a payer that is a contract wallet of two keys. The payer has
/// dollars of every kind and has approved nothing.
abstract contract MarketFixture is Fixture {
    uint256 internal constant KEY = 0xBEEF;
    uint256 internal constant SECOND_KEY = 0xF00D;
    uint128 internal constant PRICE = 100e6;

    address internal payer = vm.addr(KEY);
    address internal relayer = makeAddr("relayer");
    TwoKeyWallet internal wallet;
    WalletDollar internal walletDollar;
    KeyDollar internal keyDollar;

    /// @dev In the fixture's dollar, which has permits.
    uint256 internal offerId;
    uint256 internal walletOffer;
    uint256 internal keyOffer;
    uint256 internal nativeOffer;
    uint256 internal freeOffer;

    function setUp() public virtual override {
        super.setUp();
        wallet = new TwoKeyWallet(payer, vm.addr(SECOND_KEY));
        walletDollar = new WalletDollar();
        keyDollar = new KeyDollar();
        dollar.mint(payer, 1e12);
        walletDollar.mint(payer, 1e12);
        walletDollar.mint(address(wallet), 1e12);
        keyDollar.mint(payer, 1e12);
        vm.deal(payer, 1e24);

        offerId = _publishOffer(_terms(), _offer(0));
        walletOffer = _publishOffer(_terms(), _offerIn(address(walletDollar), PRICE));
        keyOffer = _publishOffer(_terms(), _offerIn(address(keyDollar), PRICE));
        nativeOffer = _publishOffer(_terms(), _offerIn(NATIVE, 1 ether));
        freeOffer = _publishOffer(_terms(), _offerIn(address(walletDollar), 0));
    }

    function _offerIn(address token, uint128 price) internal view returns (ILicenseMarket.Offer memory offer) {
        offer = _offer(0);
        offer.token = token;
        offer.price = price;
    }

    function _revocable(bool transferable) internal pure returns (ILicenseMarket.Terms memory terms) {
        terms = _terms();
        terms.transferable = transferable;
        terms.delegable = transferable;
        terms.revocable = true;
    }

    function _purchase(uint256 offerId_, uint64 quantity) internal view returns (ILicensePurchases.Purchase memory) {
        return ILicensePurchases.Purchase({
            offerId: offerId_, quantity: quantity, recipient: payer, maxPrice: type(uint256).max
        });
    }

    function _renewal(uint256 licenseId) internal pure returns (ILicenseRenewals.Renewal memory) {
        return ILicenseRenewals.Renewal({ licenseId: licenseId, maxPrice: type(uint256).max });
    }

    function _permit(uint256 key, uint256 value) internal view returns (ILicensePurchases.Permit memory permit) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                vm.addr(key),
                market,
                value,
                dollar.nonces(vm.addr(key)),
                START + 1 hours
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", dollar.DOMAIN_SEPARATOR(), structHash));
        permit.value = value;
        permit.deadline = START + 1 hours;
        (permit.v, permit.r, permit.s) = vm.sign(key, digest);
    }

    function _usePermit(uint256 key, ILicensePurchases.Permit memory permit) internal {
        dollar.permit(vm.addr(key), address(market), permit.value, permit.deadline, permit.v, permit.r, permit.s);
    }

    /// @dev The payer's authorisation of `value` for a nonce of the market's.
    function _authorize(KeyDollar token, uint256 value, bytes32 nonce)
        internal
        view
        returns (ILicensePurchases.Authorization memory authorization)
    {
        authorization = _unsigned(payer);
        authorization.signature = _sign(KEY, _authorizationDigest(token, authorization, value, nonce));
    }

    /// @dev The same of the wallet.
    function _authorizeByWallet(uint256 value, bytes32 nonce)
        internal
        view
        returns (ILicensePurchases.Authorization memory authorization)
    {
        authorization = _unsigned(address(wallet));
        authorization.signature = _signTwice(_authorizationDigest(walletDollar, authorization, value, nonce));
    }

    function _signTwice(bytes32 digest) internal pure returns (bytes memory) {
        return bytes.concat(_sign(KEY, digest), _sign(SECOND_KEY, digest));
    }

    function _unsigned(address from) internal pure returns (ILicensePurchases.Authorization memory authorization) {
        authorization.from = from;
        authorization.validAfter = START - 1;
        authorization.validBefore = START + 1 hours;
        authorization.salt = "salt";
    }

    function _authorizationDigest(
        KeyDollar token,
        ILicensePurchases.Authorization memory authorization,
        uint256 value,
        bytes32 nonce
    ) internal view returns (bytes32) {
        return token.hashAuthorization(
            authorization.from, address(market), value, authorization.validAfter, authorization.validBefore, nonce
        );
    }

    function _order(uint256 offerId_, uint64 quantity)
        internal
        view
        returns (ILicensePurchases.PurchaseOrder memory order)
    {
        order.buyer = payer;
        order.offerId = offerId_;
        order.quantity = quantity;
        order.recipient = payer;
        order.maxPrice = type(uint256).max;
        order.nonce = 7;
        order.deadline = START + 1 hours;
    }

    function _renewalOrder(uint256 licenseId) internal view returns (ILicenseRenewals.RenewalOrder memory order) {
        order.payer = payer;
        order.licenseId = licenseId;
        order.maxPrice = type(uint256).max;
        order.nonce = 7;
        order.deadline = START + 1 hours;
    }

    function _signed(ILicensePurchases.PurchaseOrder memory order) internal view returns (bytes memory) {
        return _sign(KEY, market.hashPurchaseOrder(order));
    }

    function _signed(ILicenseRenewals.RenewalOrder memory order) internal view returns (bytes memory) {
        return _sign(KEY, market.hashRenewalOrder(order));
    }

    function _approve(address account) internal {
        vm.startPrank(account);
        dollar.approve(address(market), type(uint256).max);
        walletDollar.approve(address(market), type(uint256).max);
        vm.stopPrank();
    }

    function _one(uint256 licenseId) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = licenseId;
    }

    /// @dev What the market was trusted with is all in the vault.
    function _assertMarketIsEmpty() internal view {
        assertEq(dollar.balanceOf(address(market)), 0);
        assertEq(walletDollar.balanceOf(address(market)), 0);
        assertEq(keyDollar.balanceOf(address(market)), 0);
        assertEq(address(market).balance, 0);
    }
}
