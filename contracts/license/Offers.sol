// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { ILicenseMarket } from "../interfaces/ILicenseMarket.sol";
import { BASIS_POINTS } from "../libraries/BasisPoints.sol";
import { Currency } from "../libraries/Currency.sol";
import { FeeStreams } from "../libraries/FeeStreams.sol";
import { Obligations } from "../libraries/Obligations.sol";
import { Rights } from "../libraries/Rights.sol";
import { Payments } from "./Payments.sol";

/// @title Offers
/// @notice The part of the market that says what is for sale: terms and offers. See {ILicenseMarket}.
abstract contract Offers is Payments {
    /// @dev Bits of {StoredOffer-flags}.
    uint8 internal constant CLOSED = 1 << 0;
    uint8 internal constant TRANSFERABLE = 1 << 1;
    uint8 internal constant DELEGABLE = 1 << 2;
    uint8 internal constant REVOCABLE = 1 << 3;

    /// @dev An {Offer} and its state, with what a purchase needs of the asset and the terms, none of which changes.
    struct StoredOffer {
        uint128 assetId;
        uint128 price;
        bytes32 termsId;
        address token;
        uint32 duration;
        uint32 earnPeriod;
        uint16 upfrontBps;
        uint8 flags;
        address vault;
        uint48 supply;
        uint48 sold;
    }

    /// @inheritdoc ILicenseMarket
    address public immutable registry;
    /// @inheritdoc ILicenseMarket
    address public immutable licenseToken;

    uint256 private _lastOfferId;
    mapping(bytes32 termsId => Terms) private _terms;
    mapping(uint256 offerId => StoredOffer) private _offers;

    constructor(IAssetRegistry registry_, address licenseToken_) {
        registry = address(registry_);
        licenseToken = licenseToken_;
    }

    /// @inheritdoc ILicenseMarket
    function defineTerms(Terms calldata terms) external returns (bytes32 termsId) {
        // Check.
        if (terms.rights == 0) revert Market_NoRights();
        if (terms.rights & ~Rights.ALL != 0) revert Market_UnknownRights(terms.rights);
        if (terms.obligations & ~Obligations.ALL != 0) revert Market_UnknownObligations(terms.obligations);
        if (terms.legalTextHash == 0) revert Market_ZeroLegalText();
        if (terms.delegable && !terms.transferable && terms.rights & Rights.SUBLICENSE == 0) {
            revert Market_SoulboundDelegable();
        }
        termsId = termsIdOf(terms);
        if (_terms[termsId].rights != 0) return termsId;

        // Effect.
        _terms[termsId] = terms;

        // Log.
        emit TermsDefined({ termsId: termsId, terms: terms });
    }

    /// @inheritdoc ILicenseMarket
    function offer(Offer calldata offer_) external returns (uint256 offerId) {
        // Check.
        _checkAssetOwner(offer_.assetId);
        Terms storage terms = _termsOf(offer_.termsId);
        if (offer_.token == address(0)) revert Market_ZeroToken();
        if (offer_.token != Currency.NATIVE && offer_.token.code.length == 0) revert Market_NotAToken(offer_.token);
        if (offer_.upfrontBps > BASIS_POINTS) revert Market_BadUpfront(offer_.upfrontBps);
        if (offer_.duration > FeeStreams.MAX_DURATION || offer_.earnPeriod > FeeStreams.MAX_DURATION) {
            revert Market_BadDuration(offer_.duration, offer_.earnPeriod);
        }
        if (offer_.supply > type(uint48).max) revert Market_BadSupply(offer_.supply);

        // Effect.
        offerId = ++_lastOfferId;
        address vault = IAssetRegistry(registry).vaultOf(offer_.assetId);
        _offers[offerId] = StoredOffer({
            assetId: offer_.assetId,
            price: offer_.price,
            termsId: offer_.termsId,
            token: offer_.token,
            duration: SafeCast.toUint32(offer_.duration),
            earnPeriod: SafeCast.toUint32(offer_.earnPeriod),
            upfrontBps: offer_.upfrontBps,
            flags: (terms.transferable ? TRANSFERABLE : 0) | (terms.delegable ? DELEGABLE : 0)
                | (terms.revocable ? REVOCABLE : 0),
            vault: vault,
            supply: SafeCast.toUint48(offer_.supply),
            sold: 0
        });

        // Log.
        emit Offered({ offerId: offerId, assetId: offer_.assetId, termsId: offer_.termsId, offer: offer_ });

        // Interaction.
        _allow(offer_.token, vault);
    }

    /// @inheritdoc ILicenseMarket
    function closeOffer(uint256 offerId) external {
        // Check.
        StoredOffer storage stored = _openOfferOf(offerId);
        _checkAssetOwner(stored.assetId);

        // Effect.
        stored.flags |= CLOSED;

        // Log.
        emit OfferClosed(offerId);
    }

    /// @inheritdoc ILicenseMarket
    function quoteOf(uint256 offerId, uint64 quantity) external view returns (address token, uint256 price) {
        StoredOffer storage stored;
        (stored, price) = _quote(offerId, quantity);
        token = stored.token;
    }

    /// @inheritdoc ILicenseMarket
    function termsIdOf(Terms calldata terms) public pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    /// @inheritdoc ILicenseMarket
    function termsOf(bytes32 termsId) external view returns (Terms memory) {
        return _termsOf(termsId);
    }

    /// @inheritdoc ILicenseMarket
    function offerOf(uint256 offerId) external view returns (Offer memory) {
        StoredOffer storage stored = _offerOf(offerId);
        return Offer({
            assetId: stored.assetId,
            termsId: stored.termsId,
            token: stored.token,
            price: stored.price,
            duration: stored.duration,
            upfrontBps: stored.upfrontBps,
            earnPeriod: stored.earnPeriod,
            supply: stored.supply
        });
    }

    /// @inheritdoc ILicenseMarket
    function rightsOf(uint256 offerId) external view returns (uint256) {
        return _terms[_offerOf(offerId).termsId].rights;
    }

    /// @inheritdoc ILicenseMarket
    function offerStateOf(uint256 offerId) external view returns (OfferState memory) {
        StoredOffer storage stored = _offerOf(offerId);
        return OfferState({ sold: stored.sold, closed: stored.flags & CLOSED != 0 });
    }

    /// @dev Takes licenses off an offer for a purchase, which must issue and pay for them in the same call.
    function _reserve(uint256 offerId, uint64 quantity, uint256 maxPrice)
        internal
        returns (StoredOffer storage stored, uint256 price)
    {
        // Check.
        (stored, price) = _quote(offerId, quantity);
        _checkPrice(price, maxPrice);

        // Effect.
        stored.sold = SafeCast.toUint48(uint256(stored.sold) + quantity);
    }

    function _openOfferOf(uint256 offerId) internal view returns (StoredOffer storage stored) {
        stored = _offerOf(offerId);
        if (stored.flags & CLOSED != 0) revert Market_OfferClosed(offerId);
    }

    function _offerOf(uint256 offerId) internal view returns (StoredOffer storage stored) {
        stored = _offers[offerId];
        if (stored.token == address(0)) revert Market_UnknownOffer(offerId);
    }

    function _checkAssetOwner(uint128 assetId) internal view {
        if (IERC721(registry).ownerOf(assetId) != msg.sender) revert Market_NotAssetOwner(assetId, msg.sender);
    }

    function _checkPrice(uint256 price, uint256 maxPrice) internal pure {
        if (price > maxPrice) revert Market_PriceTooHigh(price, maxPrice);
    }

    function _quote(uint256 offerId, uint64 quantity) private view returns (StoredOffer storage stored, uint256 price) {
        stored = _openOfferOf(offerId);
        if (quantity == 0) revert Market_ZeroQuantity();
        (uint48 supply, uint48 sold) = (stored.supply, stored.sold);
        if (supply != 0 && quantity > supply - sold) revert Market_SoldOut(offerId, quantity, supply - sold);
        price = uint256(stored.price) * quantity;
    }

    function _termsOf(bytes32 termsId) private view returns (Terms storage terms) {
        terms = _terms[termsId];
        if (terms.rights == 0) revert Market_UnknownTerms(termsId);
    }
}
