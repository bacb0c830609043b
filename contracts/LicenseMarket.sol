// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { ILicenseMarket } from "./interfaces/ILicenseMarket.sol";
import { ILicenseRenderer } from "./interfaces/ILicenseRenderer.sol";
import { ILicenseToken } from "./interfaces/ILicenseToken.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";
import { LicenseToken } from "./LicenseToken.sol";
import { Currency } from "./libraries/Currency.sol";
import { Obligations } from "./libraries/Obligations.sol";
import { Rights } from "./libraries/Rights.sol";

/// @title LicenseMarket
/// @notice See {ILicenseMarket}.
contract LicenseMarket is ILicenseMarket, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 internal constant BASIS_POINTS = 10_000;
    uint64 internal constant MAX_DURATION = 36_525 days;

    /// @dev An {Offer} and its state, packed.
    struct StoredOffer {
        uint128 assetId;
        uint128 price;
        bytes32 termsId;
        address token;
        uint16 upfrontBps;
        bool closed;
        uint64 duration;
        uint64 earnPeriod;
        uint64 supply;
        uint64 sold;
    }

    /// @inheritdoc ILicenseMarket
    address public immutable registry;
    /// @inheritdoc ILicenseMarket
    address public immutable licenseToken;

    uint256 private _lastOfferId;
    mapping(bytes32 termsId => Terms) private _terms;
    mapping(uint256 offerId => StoredOffer) private _offers;

    constructor(IAssetRegistry registry_, ILicenseRenderer renderer_) {
        registry = address(registry_);
        licenseToken = address(new LicenseToken(registry_, renderer_));
    }

    /// @inheritdoc ILicenseMarket
    function defineTerms(Terms calldata terms) external returns (bytes32 termsId) {
        // Check.
        if (terms.rights == 0) revert Market_NoRights();
        if (terms.rights & ~Rights.ALL != 0) revert Market_UnknownRights(terms.rights);
        if (terms.obligations & ~Obligations.ALL != 0) revert Market_UnknownObligations(terms.obligations);
        if (terms.legalTextHash == 0) revert Market_ZeroLegalText();
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
        _checkOwner(offer_.assetId);
        _termsOf(offer_.termsId);
        if (offer_.token == address(0)) revert Market_ZeroToken();
        if (offer_.upfrontBps > BASIS_POINTS) revert Market_BadUpfront(offer_.upfrontBps);
        if (offer_.duration > MAX_DURATION || offer_.earnPeriod > MAX_DURATION) {
            revert Market_BadDuration(offer_.duration, offer_.earnPeriod);
        }

        // Effect.
        offerId = ++_lastOfferId;
        _offers[offerId] = StoredOffer({
            assetId: offer_.assetId,
            price: offer_.price,
            termsId: offer_.termsId,
            token: offer_.token,
            upfrontBps: offer_.upfrontBps,
            closed: false,
            duration: offer_.duration,
            earnPeriod: offer_.earnPeriod,
            supply: offer_.supply,
            sold: 0
        });

        // Log.
        emit Offered({ offerId: offerId, assetId: offer_.assetId, termsId: offer_.termsId, offer: offer_ });
    }

    /// @inheritdoc ILicenseMarket
    function closeOffer(uint256 offerId) external {
        // Check.
        StoredOffer storage stored = _offerOf(offerId);
        _checkOwner(stored.assetId);
        if (stored.closed) revert Market_OfferClosed(offerId);

        // Effect.
        stored.closed = true;

        // Log.
        emit OfferClosed(offerId);
    }

    /// @inheritdoc ILicenseMarket
    function buy(uint256 offerId, uint64 quantity, address recipient, uint256 maxPrice)
        external
        payable
        nonReentrant
        returns (uint256 firstLicenseId)
    {
        StoredOffer storage stored = _offerOf(offerId);

        // Check.
        if (stored.closed) revert Market_OfferClosed(offerId);
        if (quantity == 0) revert Market_ZeroQuantity();
        if (stored.supply != 0 && quantity > stored.supply - stored.sold) {
            revert Market_SoldOut(offerId, quantity, stored.supply - stored.sold);
        }
        uint256 price = uint256(stored.price) * quantity;
        if (price > maxPrice) revert Market_PriceTooHigh(price, maxPrice);

        // Effect.
        stored.sold += quantity;

        // Interaction: issue the licenses, then pay for them.
        firstLicenseId = _issue(offerId, stored, quantity, recipient);
        uint256 received = Currency.take(stored.token, price);
        if (price != 0) _payFees(stored, firstLicenseId, quantity, received);

        // Log.
        emit Bought({
            offerId: offerId,
            buyer: msg.sender,
            recipient: recipient,
            firstLicenseId: firstLicenseId,
            quantity: quantity,
            paid: price
        });
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
    function offerStateOf(uint256 offerId) external view returns (OfferState memory) {
        StoredOffer storage stored = _offerOf(offerId);
        return OfferState({ sold: stored.sold, closed: stored.closed });
    }

    function _issue(uint256 offerId, StoredOffer storage stored, uint64 quantity, address recipient)
        private
        returns (uint256 firstLicenseId)
    {
        Terms storage terms = _terms[stored.termsId];
        uint64 timestamp = Time.timestamp();
        ILicenseToken.License memory license = ILicenseToken.License({
            assetId: stored.assetId,
            termsId: stored.termsId,
            offerId: offerId,
            issuedAt: timestamp,
            expiresAt: stored.duration == 0 ? 0 : timestamp + stored.duration,
            transferable: terms.transferable,
            delegable: terms.delegable
        });
        for (uint64 i = 0; i < quantity; ++i) {
            uint256 licenseId = ILicenseToken(licenseToken).issue(recipient, license);
            if (i == 0) firstLicenseId = licenseId;
        }
    }

    /// @dev One fee stream for each license. What arrived is divided evenly, rounded down; the last gets the rest.
    function _payFees(StoredOffer storage stored, uint256 firstLicenseId, uint64 quantity, uint256 received) private {
        IRoyaltyVault vault = IRoyaltyVault(IAssetRegistry(registry).vaultOf(stored.assetId));
        if (stored.token != Currency.NATIVE) _allow(IERC20(stored.token), address(vault), received);
        uint256 each = received / quantity;
        for (uint256 i = 1; i < quantity; ++i) {
            _payFee(stored, vault, firstLicenseId + i - 1, each);
        }
        _payFee(stored, vault, firstLicenseId + quantity - 1, received - each * (quantity - 1));
    }

    function _payFee(StoredOffer storage stored, IRoyaltyVault vault, uint256 licenseId, uint256 amount) private {
        vault.payFee{ value: stored.token == Currency.NATIVE ? amount : 0 }({
            licenseId: licenseId,
            token: stored.token,
            amount: amount,
            upfrontBps: stored.upfrontBps,
            earnPeriod: stored.earnPeriod
        });
    }

    /// @dev Vaults pull what the market pays them and nothing else, and the market holds nothing between calls, so one
    /// approval for ever serves all payments.
    function _allow(IERC20 token, address vault, uint256 amount) private {
        if (token.allowance(address(this), vault) < amount) token.forceApprove(vault, type(uint256).max);
    }

    function _termsOf(bytes32 termsId) private view returns (Terms storage terms) {
        terms = _terms[termsId];
        if (terms.rights == 0) revert Market_UnknownTerms(termsId);
    }

    function _offerOf(uint256 offerId) private view returns (StoredOffer storage stored) {
        stored = _offers[offerId];
        if (stored.token == address(0)) revert Market_UnknownOffer(offerId);
    }

    function _checkOwner(uint128 assetId) private view {
        if (IERC721(registry).ownerOf(assetId) != msg.sender) revert Market_NotAssetOwner(assetId, msg.sender);
    }
}
