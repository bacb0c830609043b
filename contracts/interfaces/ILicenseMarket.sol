// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicensePurchases } from "./ILicensePurchases.sol";
import { ILicenseRenewals } from "./ILicenseRenewals.sol";

/// @title ILicenseMarket
/// @notice Defines license terms, offers and sells licenses. Terms are content-addressed: anybody's same terms are the
/// same terms. One license is one seat. The price goes into the asset's vault, as one fee stream per license; the
/// market itself holds nothing between transactions, and an allowance to it moves only in a purchase or renewal of the
/// one who gave it.
interface ILicenseMarket is ILicensePurchases, ILicenseRenewals {
    /// @notice What a license allows, within which limits, in return for what.
    struct Terms {
        /// Bits of `Rights`. At least one.
        uint256 rights;
        /// Calls over the license's life; 0 means unlimited.
        uint64 maxCalls;
        /// Calls in any minute; 0 means unlimited.
        uint32 callsPerMinute;
        /// keccak256 of the territory as the legal text names it; zero means worldwide.
        bytes32 territory;
        /// keccak256 of the field of use as the legal text names it; zero means any.
        bytes32 fieldOfUse;
        /// Bits of `Obligations`.
        uint256 obligations;
        /// keccak256 of the legal text. Not zero.
        bytes32 legalTextHash;
        /// Whether the license can change hands.
        bool transferable;
        /// Whether the holder can name a user (ERC-4907). What is not transferable can be so only with the right to
        /// sublicense: a user is a new holder for a while.
        bool delegable;
        /// Whether the asset's owner may revoke, against the unearned part of the fee.
        bool revocable;
    }

    /// @notice What an asset's owner sells.
    struct Offer {
        uint128 assetId;
        bytes32 termsId;
        /// 0xEeee… is the native coin.
        address token;
        /// Of one license, in base units of `token`; 0 is a gift to whoever takes it.
        uint128 price;
        /// Seconds a license is good for from its purchase; 0 means for ever.
        uint64 duration;
        /// The part of the price earned at once, in basis points.
        uint16 upfrontBps;
        /// Seconds over which the rest is earned; 0 means at once.
        uint64 earnPeriod;
        /// How many licenses there are, less than 2⁴⁸; 0 means unlimited.
        uint64 supply;
    }

    /// @notice How an offer stands.
    struct OfferState {
        uint64 sold;
        bool closed;
    }

    event TermsDefined(bytes32 indexed termsId, Terms terms);
    event Offered(uint256 indexed offerId, uint128 indexed assetId, bytes32 indexed termsId, Offer offer);
    event OfferClosed(uint256 indexed offerId);

    /// @param firstLicenseId The licenses are this and the next `quantity - 1`.
    /// @param paid The price of all, in base units of the offer's token.
    event Bought(
        uint256 indexed offerId,
        address indexed buyer,
        address indexed recipient,
        uint256 firstLicenseId,
        uint64 quantity,
        uint256 paid
    );

    error Market_NoRights();
    error Market_UnknownRights(uint256 rights);
    error Market_UnknownObligations(uint256 obligations);
    error Market_ZeroLegalText();
    error Market_SoulboundDelegable();
    error Market_UnknownTerms(bytes32 termsId);
    error Market_NotAssetOwner(uint128 assetId, address caller);
    error Market_ZeroToken();
    error Market_NotAToken(address token);
    error Market_BadUpfront(uint16 upfrontBps);
    error Market_BadDuration(uint64 duration, uint64 earnPeriod);
    error Market_BadSupply(uint64 supply);
    error Market_UnknownOffer(uint256 offerId);
    error Market_OfferClosed(uint256 offerId);
    error Market_ZeroQuantity();
    error Market_SoldOut(uint256 offerId, uint64 quantity, uint64 left);
    error Market_PriceTooHigh(uint256 price, uint256 maxPrice);

    /// @notice Makes terms known. Defining the same terms again changes nothing and is no error.
    /// @dev By anyone. Emits {TermsDefined} the first time. Errors: Market_NoRights, Market_UnknownRights,
    /// Market_UnknownObligations, Market_ZeroLegalText, Market_SoulboundDelegable (delegable, but neither transferable
    /// nor with the right to sublicense).
    /// @return termsId keccak256(abi.encode(terms)).
    function defineTerms(Terms calldata terms) external returns (bytes32 termsId);

    /// @notice Offers licenses to an asset. An offer never changes; it can only be closed.
    /// @dev By the asset's owner. Emits {Offered}. Approves the token to the vault, for ever, unless that is so already.
    /// Errors: Market_NotAssetOwner (ERC721NonexistentToken if there is no such asset), Market_UnknownTerms,
    /// Market_ZeroToken, Market_NotAToken (no contract), Market_BadUpfront (over 10,000), Market_BadDuration (either
    /// over 100 years), Market_BadSupply (2⁴⁸ or more).
    /// @return offerId The first is 1.
    function offer(Offer calldata offer_) external returns (uint256 offerId);

    /// @notice Ends an offer. Licenses already sold stay good until they expire, and can no longer be renewed.
    /// @dev By the asset's owner. Emits {OfferClosed}.
    /// Errors: Market_UnknownOffer, Market_NotAssetOwner, Market_OfferClosed.
    function closeOffer(uint256 offerId) external;

    /// @notice Buys licenses.
    /// @dev By anyone who has approved the price to the market, or sends exactly the price as native coin. The licenses
    /// are minted without a receiver callback. Emits {Bought}, for every license {ILicenseToken-LicenseIssued} and, if
    /// there is a price, {IRoyaltyVault-FeePaid}.
    /// Errors: Market_UnknownOffer, Market_OfferClosed, Market_ZeroQuantity, Market_SoldOut, Market_PriceTooHigh,
    /// Currency_WrongValue.
    /// @param quantity How many licenses.
    /// @param recipient Who gets them.
    /// @param maxPrice The most the caller pays for all of them, in base units.
    /// @return firstLicenseId The licenses are this and the next `quantity - 1`.
    function buy(uint256 offerId, uint64 quantity, address recipient, uint256 maxPrice)
        external
        payable
        returns (uint256 firstLicenseId);

    /// @notice What licenses cost now, all in. Nobody pays anything else, in this token or another.
    /// @dev Errors: as {buy}, less those about money.
    /// @return token 0xEeee… is the native coin.
    /// @return price Of all, in base units.
    function quoteOf(uint256 offerId, uint64 quantity) external view returns (address token, uint256 price);

    /// @notice The registry that knows the assets and their vaults.
    function registry() external view returns (address);

    /// @notice The license token, made by this market and minted by it alone.
    function licenseToken() external view returns (address);

    /// @notice The id of terms: keccak256(abi.encode(terms)).
    function termsIdOf(Terms calldata terms) external pure returns (bytes32);

    /// @notice Terms by id. Errors: Market_UnknownTerms.
    function termsOf(bytes32 termsId) external view returns (Terms memory);

    /// @notice An offer. Errors: Market_UnknownOffer.
    function offerOf(uint256 offerId) external view returns (Offer memory);

    /// @notice The rights that an offer's licenses give, bits of `Rights`. Errors: Market_UnknownOffer.
    function rightsOf(uint256 offerId) external view returns (uint256);

    /// @notice How an offer stands. Errors: Market_UnknownOffer.
    function offerStateOf(uint256 offerId) external view returns (OfferState memory);
}
