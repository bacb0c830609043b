// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { ILicenseMarket } from "../interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../interfaces/ILicensePurchases.sol";
import { ILicenseToken } from "../interfaces/ILicenseToken.sol";
import { IRoyaltyVault } from "../interfaces/IRoyaltyVault.sol";
import { Currency } from "../libraries/Currency.sol";
import { Orders } from "../libraries/Orders.sol";
import { Offers } from "./Offers.sol";
import { SignedOrders } from "./SignedOrders.sol";

/// @title Purchases
/// @notice The part of the market that sells: licenses are taken off the offer, issued, and paid for into the vault.
abstract contract Purchases is Offers, SignedOrders, ReentrancyGuardTransient {
    /// @dev A purchase that has been checked.
    struct Sale {
        uint256 offerId;
        uint64 quantity;
        address recipient;
        /// Who pays.
        address buyer;
        uint256 price;
        /// What came here of it.
        uint256 received;
    }

    /// @dev Who paid for a license that can be revoked and is bound to its holder.
    mapping(uint256 licenseId => address) private _payers;

    /// @inheritdoc ILicenseMarket
    function buy(uint256 offerId, uint64 quantity, address recipient, uint256 maxPrice)
        external
        payable
        nonReentrant
        returns (uint256 firstLicenseId)
    {
        (StoredOffer storage stored, uint256 price) = _reserve(offerId, quantity, maxPrice);
        _checkValue(_nativePart(stored.token, price), msg.value);
        return _sell(stored, _paid(stored, offerId, quantity, recipient, msg.sender, price));
    }

    /// @inheritdoc ILicensePurchases
    function buyMany(Purchase[] calldata purchases)
        external
        payable
        nonReentrant
        returns (uint256[] memory firstLicenseIds)
    {
        firstLicenseIds = new uint256[](purchases.length);
        uint256 spent = 0;
        for (uint256 i = 0; i < purchases.length; ++i) {
            Purchase calldata purchase = purchases[i];
            (StoredOffer storage stored, uint256 price) =
                _reserve(purchase.offerId, purchase.quantity, purchase.maxPrice);
            spent += _nativePart(stored.token, price);
            if (spent > msg.value) revert Currency.Currency_WrongValue(msg.value, spent);
            firstLicenseIds[i] = _sell(
                stored, _paid(stored, purchase.offerId, purchase.quantity, purchase.recipient, msg.sender, price)
            );
        }
        _checkValue(spent, msg.value);
    }

    /// @inheritdoc ILicensePurchases
    function giftMany(uint256 offerId, address[] calldata recipients, uint256 maxPrice)
        external
        payable
        nonReentrant
        returns (uint256 firstLicenseId)
    {
        (StoredOffer storage stored, uint256 price) = _reserve(offerId, uint64(recipients.length), maxPrice);
        _checkValue(_nativePart(stored.token, price), msg.value);
        Sale memory sale = Sale({
            offerId: offerId,
            quantity: 1,
            recipient: address(0),
            buyer: msg.sender,
            price: stored.price,
            received: _take(stored.token, msg.sender, price)
        });
        uint256 left = sale.received;
        for (uint256 i = 0; i < recipients.length; ++i) {
            sale.recipient = recipients[i];
            sale.received = left / (recipients.length - i);
            left -= sale.received;
            uint256 licenseId = _sell(stored, sale);
            if (i == 0) firstLicenseId = licenseId;
        }
    }

    /// @inheritdoc ILicensePurchases
    function buyWithPermit(Purchase calldata purchase, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 firstLicenseId)
    {
        (StoredOffer storage stored, uint256 price) = _reserve(purchase.offerId, purchase.quantity, purchase.maxPrice);
        _checkValue(_nativePart(stored.token, price), 0);
        _permit(stored.token, permit);
        return _sell(stored, _paid(stored, purchase.offerId, purchase.quantity, purchase.recipient, msg.sender, price));
    }

    /// @inheritdoc ILicensePurchases
    function buyWithAuthorization(Purchase calldata purchase, Authorization calldata authorization)
        external
        nonReentrant
        returns (uint256 firstLicenseId)
    {
        (StoredOffer storage stored, uint256 price) = _reserve(purchase.offerId, purchase.quantity, purchase.maxPrice);
        bytes32 nonce = purchaseNonceOf(purchase, authorization.salt);
        uint256 received = _takeAuthorized(stored.token, price, nonce, authorization);
        return _sell(
            stored,
            Sale({
                offerId: purchase.offerId,
                quantity: purchase.quantity,
                recipient: purchase.recipient,
                buyer: authorization.from,
                price: price,
                received: received
            })
        );
    }

    /// @inheritdoc ILicensePurchases
    function buyBySignature(PurchaseOrder calldata order, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 firstLicenseId)
    {
        _useOrder(order.buyer, order.nonce, order.deadline, Orders.hash(order), signature);
        (StoredOffer storage stored, uint256 price) = _reserve(order.offerId, order.quantity, order.maxPrice);
        _checkValue(_nativePart(stored.token, price), 0);
        return _sell(stored, _paid(stored, order.offerId, order.quantity, order.recipient, order.buyer, price));
    }

    /// @inheritdoc ILicensePurchases
    function hashPurchaseOrder(PurchaseOrder calldata order) external view returns (bytes32) {
        return _hashTypedDataV4(Orders.hash(order));
    }

    /// @inheritdoc ILicensePurchases
    function purchaseNonceOf(Purchase calldata purchase, bytes32 salt) public view returns (bytes32) {
        return keccak256(
            abi.encode(
                block.chainid,
                address(this),
                purchase.offerId,
                _offerOf(purchase.offerId).termsId,
                purchase.recipient,
                purchase.quantity,
                purchase.maxPrice,
                salt
            )
        );
    }

    function _payerOf(uint256 licenseId) internal view returns (address) {
        return _payers[licenseId];
    }

    /// @dev Takes the price out of the buyer's allowance, or as native coin that has come with the call.
    function _paid(
        StoredOffer storage stored,
        uint256 offerId,
        uint64 quantity,
        address recipient,
        address buyer,
        uint256 price
    ) private returns (Sale memory) {
        return Sale({
            offerId: offerId,
            quantity: quantity,
            recipient: recipient,
            buyer: buyer,
            price: price,
            received: _take(stored.token, buyer, price)
        });
    }

    /// @dev Issues the licenses, then pays for them into the vault.
    function _sell(StoredOffer storage stored, Sale memory sale) private returns (uint256 firstLicenseId) {
        // Effect, Interaction.
        firstLicenseId = _issue(stored, sale);
        if (sale.price != 0) _payFees(stored, sale, firstLicenseId);

        // Log.
        emit Bought({
            offerId: sale.offerId,
            buyer: sale.buyer,
            recipient: sale.recipient,
            firstLicenseId: firstLicenseId,
            quantity: sale.quantity,
            paid: sale.price
        });
    }

    function _issue(StoredOffer storage stored, Sale memory sale) private returns (uint256 firstLicenseId) {
        uint64 timestamp = Time.timestamp();
        (uint8 flags, uint64 duration) = (stored.flags, stored.duration);
        ILicenseToken.License memory license = ILicenseToken.License({
            assetId: stored.assetId,
            termsId: stored.termsId,
            offerId: sale.offerId,
            issuedAt: timestamp,
            expiresAt: duration == 0 ? 0 : timestamp + duration,
            transferable: flags & TRANSFERABLE != 0,
            delegable: flags & DELEGABLE != 0
        });
        bool keepsPayer = sale.price != 0 && flags & (TRANSFERABLE | REVOCABLE) == REVOCABLE;
        for (uint64 i = 0; i < sale.quantity; ++i) {
            uint256 licenseId = ILicenseToken(licenseToken).issue(sale.recipient, license);
            if (i == 0) firstLicenseId = licenseId;
            if (keepsPayer) _payers[licenseId] = sale.buyer;
        }
    }

    /// @dev One fee stream for each license. What arrived is divided evenly, rounded down; the last gets the rest.
    function _payFees(StoredOffer storage stored, Sale memory sale, uint256 firstLicenseId) private {
        (address vault, address token) = (stored.vault, stored.token);
        uint256 each = sale.received / sale.quantity;
        for (uint256 i = 0; i < sale.quantity; ++i) {
            uint256 amount = i + 1 == sale.quantity ? sale.received - each * i : each;
            IRoyaltyVault(vault).payFee{ value: _nativePart(token, amount) }({
                licenseId: firstLicenseId + i,
                token: token,
                amount: amount,
                upfrontBps: stored.upfrontBps,
                earnPeriod: stored.earnPeriod
            });
        }
    }
}
