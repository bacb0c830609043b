// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicenseMarket } from "../../../contracts/interfaces/ILicenseMarket.sol";
import { Rights } from "../../../contracts/libraries/Rights.sol";
import { Stage } from "./Stage.sol";

/// @title Buyers
/// @notice Licenses: bought, given, renewed, lent, passed on, revoked against a refund.
abstract contract Buyers is Stage {
    /// @dev What was sold, with the fee that is earned over time. Amounts in base units, times in seconds.
    struct Sold {
        uint8 offer;
        bool isAlive;
        address holder;
        address payer;
        address user;
        uint64 userExpires;
        uint64 expiresAt;
        uint64 start;
        uint64 end;
        uint256 amount;
        uint256 released;
        /// What was paid for it in all, and what came back.
        uint256 paid;
        uint256 refunded;
    }

    uint256 public constant OFFERS = 6;
    uint256 internal constant MAX_SOLD = 24;
    uint64 internal constant SUPPLY = 5;

    uint256[OFFERS] public offerIds;
    uint256[OFFERS] internal offerPairs;
    ILicenseMarket.Offer[OFFERS] internal offers;
    bool[OFFERS] internal areTransferable;
    bool[OFFERS] internal areDelegable;
    bool[OFFERS] internal areRevocable;

    /// @dev License ids count from 1.
    Sold[] internal _sold;
    uint256[OFFERS] public soldOf;

    constructor() {
        _sell(0, MODEL, DOLLAR, true, true);
        _sell(1, MODEL, COIN, false, true);
        _sell(2, DERIVED, CHARGING, true, true);
        _sell(3, DERIVED, BLOCKING, true, false);
        _sell(4, MODEL, DOLLAR, false, false);
        _sell(5, DATASET, DOLLAR, false, true);
    }

    // What invariants look at

    function soldCount() external view returns (uint256) {
        return _sold.length;
    }

    function soldAt(uint256 licenseId) external view returns (Sold memory) {
        return _sold[licenseId - 1];
    }

    function pairOfLicense(uint256 licenseId) public view returns (uint256) {
        return offerPairs[_sold[licenseId - 1].offer];
    }

    /// @dev What a license has not earned now.
    function unearnedOf(uint256 licenseId) external view returns (uint256) {
        Sold storage license = _sold[licenseId - 1];
        return license.amount - _earned(license);
    }

    /// @dev Whether an account may use a license now, whatever for.
    function mayUse(uint256 licenseId, address account) external view returns (bool) {
        Sold storage license = _sold[licenseId - 1];
        if (!license.isAlive || (license.expiresAt != 0 && clock >= license.expiresAt)) return false;
        return account == license.holder || (account == license.user && clock <= license.userExpires);
    }

    function supplyOf(uint256 offer) external view returns (uint256) {
        return offers[offer].supply;
    }

    // Actions

    /// @notice For oneself or for somebody else.
    function buy(uint256 seed, uint64 quantity) external step {
        (uint256 offer, address payer) = _offerAndPayer(seed);
        quantity = uint64(_bound(quantity, 1, 3));
        if (!_isForSale(offer, quantity)) return;
        uint256 price = uint256(offers[offer].price) * quantity;
        address recipient = payers[(seed >> 8) % PAYERS];
        _fund(payer, offers[offer].token, price);
        vm.prank(payer);
        uint256 first = market.buy{ value: _coinOf(offer, price) }(offerIds[offer], quantity, recipient, price);

        uint256 received = _net(offers[offer].token, price);
        _require(first == _sold.length + 1, "license ids");
        for (uint256 i = 0; i < quantity; ++i) {
            uint256 each = i + 1 == quantity ? received - received / quantity * i : received / quantity;
            _issue(offer, recipient, payer, each);
        }
    }

    function giftMany(uint256 seed) external step {
        (uint256 offer, address payer) = _offerAndPayer(seed);
        if (!_isForSale(offer, 2)) return;
        uint256 price = uint256(offers[offer].price) * 2;
        address[] memory to = new address[](2);
        (to[0], to[1]) = (payers[(seed >> 8) % PAYERS], payers[(seed >> 16) % PAYERS]);
        _fund(payer, offers[offer].token, price);
        vm.prank(payer);
        market.giftMany{ value: _coinOf(offer, price) }(offerIds[offer], to, price);

        uint256 received = _net(offers[offer].token, price);
        _issue(offer, to[0], payer, received / 2);
        _issue(offer, to[1], payer, received - received / 2);
        _reach("gave");
    }

    function renew(uint256 seed) external step {
        uint256 licenseId = _license(seed);
        if (licenseId == 0) return;
        Sold storage license = _sold[licenseId - 1];
        ILicenseMarket.Offer storage offer = offers[license.offer];
        if (!license.isAlive || offer.duration == 0) return;
        address payer = payers[(seed >> 8) % PAYERS];
        _fund(payer, offer.token, offer.price);
        vm.prank(payer);
        market.renew{ value: _coinOf(license.offer, offer.price) }(licenseId, offer.price);

        if (license.expiresAt < clock) _reach("renewed what had ended");
        license.expiresAt = uint64((license.expiresAt < clock ? clock : license.expiresAt) + offer.duration);
        if (offer.price != 0) _addFee(license, _net(offer.token, _net(offer.token, offer.price)), offer);
        _reach("renewed");
    }

    /// @notice What owners can take back they take back; what they cannot, they try to.
    function revoke(uint256 seed) external step {
        uint256 licenseId = _license(seed);
        if (licenseId == 0) return;
        Sold storage license = _sold[licenseId - 1];
        if (!license.isAlive) return;
        vm.prank(owner);
        if (!areRevocable[license.offer]) {
            try market.revoke(licenseId, "for nothing") {
                _violate("revoked the irrevocable");
            } catch { }
            return;
        }
        uint256 refunded = market.revoke(licenseId, "the terms were broken");

        license.isAlive = false;
        _reach("revoked");
        if (offers[license.offer].price == 0) return;
        _settle(license);
        uint256 unearned = license.amount - license.released;
        _require(refunded == unearned, "not what was unearned");
        if (unearned != 0) _reach("refunded");
        license.refunded = unearned;
        license.amount = license.released;
        license.end = uint64(clock);
        credits[offerPairs[license.offer]][areTransferable[license.offer] ? license.holder : license.payer] += unearned;
    }

    function release(uint256 seed) external step {
        uint256 licenseId = _license(seed);
        if (licenseId == 0 || _sold[licenseId - 1].paid == 0) return;
        Sold storage license = _sold[licenseId - 1];
        uint256[] memory ids = new uint256[](2);
        // The second time there is nothing left to release.
        (ids[0], ids[1]) = (licenseId, licenseId);
        _vaultOfPair(offerPairs[license.offer]).release(address(market), ids);
        _settle(license);
        _reach("released");
    }

    /// @notice What is bound to its holder does not move.
    function passOn(uint256 seed) external step {
        uint256 licenseId = _license(seed);
        if (licenseId == 0) return;
        Sold storage license = _sold[licenseId - 1];
        if (!license.isAlive) return;
        address to = payers[(seed >> 8) % PAYERS];
        vm.prank(license.holder);
        if (!areTransferable[license.offer]) {
            try licenses.transferFrom(license.holder, to, licenseId) {
                _violate("moved what is bound");
            } catch { }
            return;
        }
        licenses.transferFrom(license.holder, to, licenseId);
        license.holder = to;
        (license.user, license.userExpires) = (address(0), 0);
        _reach("passed on");
    }

    /// @notice The holder lends a license for a while: never beyond its end, never what cannot be lent.
    function lend(uint256 seed, uint64 duration) external step {
        uint256 licenseId = _license(seed);
        if (licenseId == 0) return;
        Sold storage license = _sold[licenseId - 1];
        if (!license.isAlive) return;
        address user = payers[(seed >> 8) % PAYERS];
        uint64 expires = uint64(clock) + uint64(_bound(duration, 0, 40 days));
        bool isGood = areDelegable[license.offer] && (license.expiresAt == 0 || expires <= license.expiresAt);
        vm.prank(license.holder);
        try licenses.setUser(licenseId, user, expires) {
            _require(isGood, "lent what cannot be lent");
            (license.user, license.userExpires) = (user, expires);
            _reach("lent");
        } catch {
            _require(!isGood, "refused a loan");
        }
    }

    // What it comes to

    function _issue(uint256 offer, address holder, address payer, uint256 received) private {
        Sold storage license = _sold.push();
        ++soldOf[offer];
        (license.offer, license.isAlive, license.holder, license.payer) = (uint8(offer), true, holder, payer);
        uint64 duration = offers[offer].duration;
        license.expiresAt = duration == 0 ? 0 : uint64(clock) + duration;
        if (offers[offer].price != 0) _addFee(license, _net(offers[offer].token, received), offers[offer]);
        _reach("bought");
    }

    /// @dev What was earned until now is settled; the rest is earned with the new money until the new end.
    function _addFee(Sold storage license, uint256 received, ILicenseMarket.Offer storage offer) private {
        uint256 pair = offerPairs[license.offer];
        _settle(license);
        uint256 upfront = offer.earnPeriod == 0 ? received : received * offer.upfrontBps / 10_000;
        license.amount = license.amount - license.released + received - upfront;
        license.released = 0;
        license.start = uint64(clock);
        license.end = uint64((license.end < clock ? clock : license.end) + offer.earnPeriod);
        license.paid += received;
        _books[pair].arrived += received;
        _books[pair].revenue += upfront;
    }

    function _settle(Sold storage license) private {
        uint256 pair = offerPairs[license.offer];
        _touch(pair);
        uint256 earned = _earned(license);
        _books[pair].revenue += earned - license.released;
        license.released = earned;
    }

    function _earned(Sold storage license) private view returns (uint256) {
        if (clock >= license.end) return license.amount;
        return license.amount * (clock - license.start) / (license.end - license.start);
    }

    // Choosing

    function _offerAndPayer(uint256 seed) private view returns (uint256 offer, address payer) {
        return (_mix(seed, "offer") % OFFERS, payers[seed % PAYERS]);
    }

    function _isForSale(uint256 offer, uint256 quantity) private view returns (bool) {
        uint256 supply = offers[offer].supply;
        return _sold.length + quantity <= MAX_SOLD && (supply == 0 || soldOf[offer] + quantity <= supply);
    }

    function _license(uint256 seed) private view returns (uint256) {
        return _sold.length == 0 ? 0 : _mix(seed, "license") % _sold.length + 1;
    }

    function _coinOf(uint256 offer, uint256 price) private view returns (uint256) {
        return offers[offer].token == NATIVE ? price : 0;
    }

    // Setting up

    /// @dev Offers differ in everything that matters to the money; the fifth is free, the last all earned at once.
    function _sell(uint256 place, uint256 vaultIndex, uint256 tokenIndex, bool transferable, bool revocable) private {
        ILicenseMarket.Terms memory terms = _terms();
        (terms.transferable, terms.revocable, terms.delegable) = (transferable, revocable, true);
        if (!transferable) terms.rights |= Rights.SUBLICENSE;
        if (place == 1) terms.delegable = false;
        ILicenseMarket.Offer memory offer = _offer(0);
        (offer.assetId, offer.token) = (assets[vaultIndex], _tokens[tokenIndex]);
        (offer.price, offer.upfrontBps) = (place == 4 ? 0 : 99_999_999, uint16(777 * place));
        offer.duration = place == 3 ? 0 : uint64(7 days + place * 5 days);
        offer.earnPeriod = place == 5 ? 0 : uint64(10 days + place * 7 days);
        offer.supply = place == 5 ? SUPPLY : 0;

        offerIds[place] = _publishOffer(terms, offer);
        offerPairs[place] = vaultIndex * TOKENS + tokenIndex;
        offers[place] = offer;
        (areTransferable[place], areDelegable[place], areRevocable[place]) = (transferable, terms.delegable, revocable);
    }
}
