// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import { ILicensePurchases } from "../interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../interfaces/ILicenseRenewals.sol";
import { ILicenseToken } from "../interfaces/ILicenseToken.sol";
import { IRoyaltyVault } from "../interfaces/IRoyaltyVault.sol";
import { Currency } from "../libraries/Currency.sol";
import { Orders } from "../libraries/Orders.sol";
import { Purchases } from "./Purchases.sol";

/// @title Renewals
/// @notice The part of the market that renews licenses and revokes them. See {ILicenseRenewals}.
abstract contract Renewals is Purchases {
    /// @dev A renewal that has been checked.
    struct Extension {
        uint256 licenseId;
        uint256 offerId;
        /// Who pays.
        address payer;
        uint256 price;
        /// What came here of it.
        uint256 received;
    }

    /// @inheritdoc ILicenseRenewals
    function renew(uint256 licenseId, uint256 maxPrice) external payable nonReentrant returns (uint64 expiresAt) {
        (StoredOffer storage stored, Extension memory extension) = _extensionOf(licenseId, maxPrice, msg.sender);
        _checkValue(_nativePart(stored.token, extension.price), msg.value);
        return _payAndExtend(stored, extension);
    }

    /// @inheritdoc ILicenseRenewals
    function renewMany(Renewal[] calldata renewals) external payable nonReentrant {
        uint256 spent = 0;
        for (uint256 i = 0; i < renewals.length; ++i) {
            (StoredOffer storage stored, Extension memory extension) =
                _extensionOf(renewals[i].licenseId, renewals[i].maxPrice, msg.sender);
            spent += _nativePart(stored.token, extension.price);
            if (spent > msg.value) revert Currency.Currency_WrongValue(msg.value, spent);
            _payAndExtend(stored, extension);
        }
        _checkValue(spent, msg.value);
    }

    /// @inheritdoc ILicenseRenewals
    function renewWithPermit(Renewal calldata renewal, ILicensePurchases.Permit calldata permit)
        external
        nonReentrant
        returns (uint64 expiresAt)
    {
        (StoredOffer storage stored, Extension memory extension) =
            _extensionOf(renewal.licenseId, renewal.maxPrice, msg.sender);
        _checkValue(_nativePart(stored.token, extension.price), 0);
        _permit(stored.token, permit);
        return _payAndExtend(stored, extension);
    }

    /// @inheritdoc ILicenseRenewals
    function renewWithAuthorization(Renewal calldata renewal, ILicensePurchases.Authorization calldata authorization)
        external
        nonReentrant
        returns (uint64 expiresAt)
    {
        (StoredOffer storage stored, Extension memory extension) =
            _extensionOf(renewal.licenseId, renewal.maxPrice, authorization.from);
        bytes32 nonce = renewalNonceOf(renewal, authorization.salt);
        extension.received = _takeAuthorized(stored.token, extension.price, nonce, authorization);
        return _extend(stored, extension);
    }

    /// @inheritdoc ILicenseRenewals
    function renewBySignature(RenewalOrder calldata order, bytes calldata signature)
        external
        nonReentrant
        returns (uint64 expiresAt)
    {
        _useOrder(order.payer, order.nonce, order.deadline, Orders.hash(order), signature);
        (StoredOffer storage stored, Extension memory extension) =
            _extensionOf(order.licenseId, order.maxPrice, order.payer);
        _checkValue(_nativePart(stored.token, extension.price), 0);
        return _payAndExtend(stored, extension);
    }

    /// @inheritdoc ILicenseRenewals
    function revoke(uint256 licenseId, string calldata reason) external nonReentrant returns (uint128 refunded) {
        // Check.
        StoredOffer storage stored = _offerOf(ILicenseToken(licenseToken).offerIdOf(licenseId));
        _checkAssetOwner(stored.assetId);
        if (stored.flags & REVOCABLE == 0) revert Market_NotRevocable(licenseId);
        address refundee = _refundeeOf(stored, licenseId);

        // Interaction.
        ILicenseToken(licenseToken).burn(licenseId);
        if (refundee != address(0)) {
            refunded = IRoyaltyVault(stored.vault).refund({ licenseId: licenseId, account: refundee });
        }

        // Log.
        emit Revoked({
            licenseId: licenseId,
            assetId: stored.assetId,
            refundedTo: refundee,
            token: stored.token,
            amount: refunded,
            reason: reason
        });
    }

    /// @inheritdoc ILicenseRenewals
    function renewalQuoteOf(uint256 licenseId) external view returns (address token, uint256 price) {
        (StoredOffer storage stored, Extension memory extension) =
            _extensionOf(licenseId, type(uint256).max, address(0));
        return (stored.token, extension.price);
    }

    /// @inheritdoc ILicenseRenewals
    function hashRenewalOrder(RenewalOrder calldata order) external view returns (bytes32) {
        return _hashTypedDataV4(Orders.hash(order));
    }

    /// @inheritdoc ILicenseRenewals
    function renewalNonceOf(Renewal calldata renewal, bytes32 salt) public view returns (bytes32) {
        uint256 offerId = ILicenseToken(licenseToken).offerIdOf(renewal.licenseId);
        bytes32 what = "renew";
        return
            keccak256(
                abi.encode(block.chainid, address(this), what, renewal.licenseId, offerId, renewal.maxPrice, salt)
            );
    }

    /// @inheritdoc ILicenseRenewals
    function refundeeOf(uint256 licenseId) external view returns (address) {
        try ILicenseToken(licenseToken).offerIdOf(licenseId) returns (uint256 offerId) {
            StoredOffer storage stored = _offerOf(offerId);
            return stored.flags & REVOCABLE == 0 ? address(0) : _refundeeOf(stored, licenseId);
        } catch {
            return address(0);
        }
    }

    /// @dev Checks a renewal that is still to be paid for.
    function _extensionOf(uint256 licenseId, uint256 maxPrice, address payer)
        private
        view
        returns (StoredOffer storage stored, Extension memory extension)
    {
        uint256 offerId = ILicenseToken(licenseToken).offerIdOf(licenseId);
        stored = _openOfferOf(offerId);
        if (stored.duration == 0) revert Market_NotRenewable(licenseId);
        uint256 price = stored.price;
        _checkPrice(price, maxPrice);
        extension = Extension({ licenseId: licenseId, offerId: offerId, payer: payer, price: price, received: 0 });
    }

    /// @dev Takes the price out of the payer's allowance, or as native coin that has come with the call.
    function _payAndExtend(StoredOffer storage stored, Extension memory extension) private returns (uint64 expiresAt) {
        extension.received = _take(stored.token, extension.payer, extension.price);
        return _extend(stored, extension);
    }

    /// @dev Renews the license, then pays for it into the vault.
    function _extend(StoredOffer storage stored, Extension memory extension) private returns (uint64 expiresAt) {
        // Interaction.
        expiresAt = ILicenseToken(licenseToken).renew(extension.licenseId, stored.duration);
        if (extension.price != 0) {
            (address vault, address token, uint256 amount) = (stored.vault, stored.token, extension.received);
            IRoyaltyVault(vault).renewFee{ value: _nativePart(token, amount) }({
                licenseId: extension.licenseId,
                token: token,
                amount: amount,
                upfrontBps: stored.upfrontBps,
                earnPeriod: stored.earnPeriod
            });
        }

        // Log.
        emit Renewed({
            licenseId: extension.licenseId,
            offerId: extension.offerId,
            payer: extension.payer,
            expiresAt: expiresAt,
            paid: extension.price
        });
    }

    /// @dev Whose the unearned part is, for a license that can be revoked; zero if there was no price.
    function _refundeeOf(StoredOffer storage stored, uint256 licenseId) private view returns (address) {
        if (stored.price == 0) return address(0);
        return stored.flags & TRANSFERABLE == 0 ? _payerOf(licenseId) : IERC721(licenseToken).ownerOf(licenseId);
    }
}
