// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicensePurchases } from "./ILicensePurchases.sol";

/// @title ILicenseRenewals
/// @notice What can happen to a license after it was bought: it is renewed, or revoked where its terms say so.
///
/// A renewal is under the license's own offer, for its price and its duration, as long as the offer is open; that it is
/// sold out does not matter, for a renewal is no new seat. It begins when the license ends, or at once if it has ended.
/// It adds time, not calls: the terms' calls are for the license's whole life. Anybody may renew any license; the
/// license stays its holder's.
interface ILicenseRenewals {
    /// @notice One renewal: the parameters of {renew}.
    struct Renewal {
        uint256 licenseId;
        /// The most that it may cost, in base units of the offer's token.
        uint256 maxPrice;
    }

    /// @notice What a payer signs so that anybody may renew a license out of the payer's allowance.
    struct RenewalOrder {
        /// Whose allowance pays.
        address payer;
        uint256 licenseId;
        uint256 maxPrice;
        /// Any number the account has not used here before.
        uint256 nonce;
        /// The last second at which the order is good.
        uint64 deadline;
    }

    /// @param expiresAt The new end, in seconds since 1970.
    /// @param paid The price, in base units of the offer's token.
    event Renewed(
        uint256 indexed licenseId, uint256 indexed offerId, address indexed payer, uint64 expiresAt, uint256 paid
    );

    /// @param refundedTo Who was credited in the asset's vault; zero if the license was free.
    /// @param amount What was credited, in base units of `token`.
    event Revoked(
        uint256 indexed licenseId,
        uint128 indexed assetId,
        address indexed refundedTo,
        address token,
        uint128 amount,
        string reason
    );

    error Market_NotRenewable(uint256 licenseId);
    error Market_NotRevocable(uint256 licenseId);

    /// @notice Renews a license.
    /// @dev By anyone who has approved the price to the market, or sends exactly the price as native coin. Emits
    /// {Renewed}, ERC-7858 TokenExpiryUpdated, ERC-4906 MetadataUpdate and, if there is a price, the vault's events of
    /// {IRoyaltyVault-renewFee}.
    /// Errors: ERC721NonexistentToken, Market_OfferClosed, Market_NotRenewable (it never expires), Market_PriceTooHigh,
    /// Currency_WrongValue.
    /// @return expiresAt The new end, in seconds since 1970.
    function renew(uint256 licenseId, uint256 maxPrice) external payable returns (uint64 expiresAt);

    /// @notice Renews several licenses, all or none.
    /// @dev As {renew}, for each; the call's value must be exactly what those in native coin cost together.
    function renewMany(Renewal[] calldata renewals) external payable;

    /// @notice Renews with an ERC-2612 permit of the caller. As {ILicensePurchases-buyWithPermit}.
    function renewWithPermit(Renewal calldata renewal, ILicensePurchases.Permit calldata permit)
        external
        returns (uint64 expiresAt);

    /// @notice Renews with an ERC-3009 authorisation of the payer. As {ILicensePurchases-buyWithAuthorization}.
    function renewWithAuthorization(Renewal calldata renewal, ILicensePurchases.Authorization calldata authorization)
        external
        returns (uint64 expiresAt);

    /// @notice Renews what a payer has ordered by signature. As {ILicensePurchases-buyBySignature}.
    function renewBySignature(RenewalOrder calldata order, bytes calldata signature) external returns (uint64 expiresAt);

    /// @notice Ends a license for good. The part of its fees that is not earned becomes a credit in the asset's vault:
    /// the holder's, or, if the license is bound to its holder, the one's who paid for its purchase.
    /// @dev By the asset's owner, if the terms are revocable. Burns the license. Emits {Revoked}, ERC-721 Transfer,
    /// ERC-4906 MetadataUpdate and, if there was a price, {IRoyaltyVault-FeeRefunded}.
    /// Errors: ERC721NonexistentToken, Market_NotAssetOwner, Market_NotRevocable.
    /// @param reason For people; it is in the event only.
    /// @return refunded In base units of the offer's token.
    function revoke(uint256 licenseId, string calldata reason) external returns (uint128 refunded);

    /// @notice What renewing a license costs now. Errors: as {renew}.
    /// @return token 0xEeee… is the native coin.
    /// @return price In base units.
    function renewalQuoteOf(uint256 licenseId) external view returns (address token, uint256 price);

    /// @notice The EIP-712 digest of an order.
    function hashRenewalOrder(RenewalOrder calldata order) external view returns (bytes32);

    /// @notice The nonce of the ERC-3009 authorisation for a renewal: keccak256(abi.encode(chain id, market, "renew",
    /// licenseId, offerId, maxPrice, salt)), where "renew" is a bytes32. Errors: ERC721NonexistentToken.
    function renewalNonceOf(Renewal calldata renewal, bytes32 salt) external view returns (bytes32);

    /// @notice Who would be refunded if the license were revoked now: zero if it is free, not revocable or not there.
    function refundeeOf(uint256 licenseId) external view returns (address);
}
