// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../../../contracts/interfaces/ILicensePurchases.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { MarketFixture } from "../../utils/MarketFixture.sol";
import { PhantomToken } from "../../utils/PaymentTokens.sol";

contract BuyWithAuthorizationTest is MarketFixture {
    bytes32 internal constant SALT = "salt";

    /// @dev A purchase and the payer's authorisation of it.
    function _authorized(uint256 id, uint64 quantity)
        internal
        view
        returns (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization)
    {
        purchase = _purchase(id, quantity);
        authorization = _authorize(
            id == keyOffer ? keyDollar : walletDollar, uint256(PRICE) * quantity, market.purchaseNonceOf(purchase, SALT)
        );
    }

    function _expectRefusal(
        ILicensePurchases.Purchase memory purchase,
        ILicensePurchases.Authorization memory authorization,
        string memory reason
    ) internal {
        vm.prank(relayer);
        vm.expectRevert(bytes(reason));
        market.buyWithAuthorization(purchase, authorization);
    }

    function test_buyWithAuthorization_is_relayed_and_the_payer_is_the_buyer() public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 2);
        vm.expectEmit();
        emit ILicenseMarket.Bought(walletOffer, payer, payer, 1, 2, 2 * PRICE);
        vm.prank(relayer);
        assertEq(market.buyWithAuthorization(purchase, authorization), 1);
        assertEq(licenses.balanceOf(payer), 2);
        assertEq(walletDollar.balanceOf(address(vault)), 2 * PRICE);
        assertEq(walletDollar.balanceOf(payer), 1e12 - 2 * PRICE);
        _assertMarketIsEmpty();
    }

    function test_buyWithAuthorization_works_with_tokens_that_know_only_keys() public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(keyOffer, 1);
        market.buyWithAuthorization(purchase, authorization);
        assertEq(licenses.ownerOf(1), payer);
        assertEq(keyDollar.balanceOf(address(vault)), PRICE);
    }

    function test_buyWithAuthorization_works_for_a_contract_wallet_with_a_long_signature() public {
        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 1);
        purchase.recipient = address(wallet);
        bytes32 nonce = market.purchaseNonceOf(purchase, SALT);
        vm.prank(relayer);
        market.buyWithAuthorization(purchase, _authorizeByWallet(PRICE, nonce));
        assertEq(licenses.ownerOf(1), address(wallet));
        assertEq(walletDollar.balanceOf(address(wallet)), 1e12 - PRICE);
    }

    function test_buyWithAuthorization_cannot_be_repeated() public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        market.buyWithAuthorization(purchase, authorization);
        _expectRefusal(purchase, authorization, "authorization is used or canceled");
        authorization.salt = "pepper";
        _expectRefusal(purchase, authorization, "invalid signature");
    }

    function testFuzz_a_relayer_cannot_change_the_recipient(address recipient) public {
        vm.assume(recipient != payer);
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        purchase.recipient = recipient;
        _expectRefusal(purchase, authorization, "invalid signature");
    }

    function test_a_relayer_cannot_change_the_offer() public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        purchase.offerId = _publishOffer(_terms(), _offerIn(address(walletDollar), PRICE));
        _expectRefusal(purchase, authorization, "invalid signature");
    }

    function testFuzz_a_relayer_cannot_change_the_quantity(uint64 quantity) public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 3);
        quantity = uint64(bound(quantity, 1, 1_000));
        vm.assume(quantity != 3);
        purchase.quantity = quantity;
        _expectRefusal(purchase, authorization, "invalid signature");
    }

    function testFuzz_a_relayer_cannot_change_the_price(uint256 maxPrice) public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        purchase.maxPrice = bound(maxPrice, PRICE, type(uint256).max - 1);
        _expectRefusal(purchase, authorization, "invalid signature");
    }

    function testFuzz_a_relayer_cannot_change_the_payer_or_the_times(uint256 validAfter, uint256 validBefore) public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        uint256 start = authorization.validAfter;
        authorization.validAfter = bound(validAfter, 0, start - 1);
        _expectRefusal(purchase, authorization, "invalid signature");
        authorization.validAfter = start;
        authorization.validBefore = bound(validBefore, authorization.validBefore + 1, type(uint256).max);
        _expectRefusal(purchase, authorization, "invalid signature");
        authorization.validBefore = START + 1 hours;
        authorization.from = stranger;
        _expectRefusal(purchase, authorization, "invalid signature");
    }

    function test_an_authorisation_is_good_on_one_chain_and_one_market_only() public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        bytes32 nonce = market.purchaseNonceOf(purchase, SALT);
        assertEq(
            nonce,
            keccak256(
                abi.encode(
                    block.chainid,
                    address(market),
                    walletOffer,
                    market.termsIdOf(_terms()),
                    payer,
                    uint64(1),
                    type(uint256).max,
                    SALT
                )
            )
        );
        vm.chainId(block.chainid + 1);
        assertNotEq(market.purchaseNonceOf(purchase, SALT), nonce);
        _expectRefusal(purchase, authorization, "invalid signature");
    }

    function test_an_authorisation_cannot_be_cashed_without_the_purchase() public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        bytes32 nonce = market.purchaseNonceOf(purchase, SALT);
        vm.prank(relayer);
        vm.expectRevert("caller must be the payee");
        walletDollar.receiveWithAuthorization(
            payer,
            address(market),
            PRICE,
            authorization.validAfter,
            authorization.validBefore,
            nonce,
            authorization.signature
        );
    }

    function test_buyWithAuthorization_reverts_before_and_after_its_time() public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        vm.warp(authorization.validAfter);
        _expectRefusal(purchase, authorization, "authorization is not yet valid");
        vm.warp(authorization.validBefore);
        _expectRefusal(purchase, authorization, "authorization is expired");
    }

    function testFuzz_buyWithAuthorization_reverts_for_signatures_of_any_other_form(bytes memory signature) public {
        (ILicensePurchases.Purchase memory purchase, ILicensePurchases.Authorization memory authorization) =
            _authorized(walletOffer, 1);
        vm.assume(keccak256(signature) != keccak256(authorization.signature));
        authorization.signature = signature;
        vm.expectRevert();
        market.buyWithAuthorization(purchase, authorization);
    }

    function test_nobody_is_named_a_buyer_without_their_signature() public {
        ILicensePurchases.Purchase memory purchase = _purchase(freeOffer, 1);
        vm.expectRevert(ILicensePurchases.Market_NothingToAuthorize.selector);
        market.buyWithAuthorization(purchase, _unsigned(payer));
    }

    function test_a_token_that_answers_anything_pays_nothing() public {
        PhantomToken token = new PhantomToken();
        token.mint(payer, PRICE);
        uint256 id = _publishOffer(_terms(), _offerIn(address(token), PRICE));
        ILicensePurchases.Authorization memory authorization = _unsigned(payer);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, address(token)));
        market.buyWithAuthorization(_purchase(id, 1), authorization);
        authorization.signature = new bytes(65);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, address(token)));
        market.buyWithAuthorization(_purchase(id, 1), authorization);
    }

    function test_what_lies_in_the_market_by_mistake_pays_for_no_authorised_purchase() public {
        PhantomToken token = new PhantomToken();
        token.mint(address(market), PRICE);
        uint256 id = _publishOffer(_terms(), _offerIn(address(token), PRICE));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, address(token)));
        market.buyWithAuthorization(_purchase(id, 1), _unsigned(payer));
    }

    function test_buyWithAuthorization_reverts_for_native_coin() public {
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 0, 1 ether));
        market.buyWithAuthorization(_purchase(nativeOffer, 1), _unsigned(payer));
    }

    function test_buyWithAuthorization_reverts_as_buying_does() public {
        ILicensePurchases.Authorization memory authorization = _unsigned(payer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownOffer.selector, 99));
        market.buyWithAuthorization(_purchase(99, 1), authorization);
        vm.expectRevert(ILicenseMarket.Market_ZeroQuantity.selector);
        market.buyWithAuthorization(_purchase(walletOffer, 0), authorization);
        ILicensePurchases.Purchase memory purchase = _purchase(walletOffer, 1);
        purchase.maxPrice = PRICE - 1;
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_PriceTooHigh.selector, PRICE, PRICE - 1));
        market.buyWithAuthorization(purchase, authorization);
        vm.prank(owner);
        market.closeOffer(walletOffer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_OfferClosed.selector, walletOffer));
        market.buyWithAuthorization(_purchase(walletOffer, 1), authorization);
    }

    function test_purchaseNonceOf_reverts_for_an_unknown_offer() public {
        vm.expectRevert(abi.encodeWithSelector(ILicenseMarket.Market_UnknownOffer.selector, 99));
        market.purchaseNonceOf(_purchase(99, 1), SALT);
    }
}
