// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Base64 } from "@openzeppelin/contracts/utils/Base64.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

import { ILicenseRenderer } from "./interfaces/ILicenseRenderer.sol";
import { Amounts } from "./libraries/Amounts.sol";
import { Currency } from "./libraries/Currency.sol";
import { Dates } from "./libraries/Dates.sol";
import { LicenseCard } from "./libraries/LicenseCard.sol";
import { Obligations } from "./libraries/Obligations.sol";
import { Rights } from "./libraries/Rights.sol";

/// @title LicenseRenderer
/// @notice See {ILicenseRenderer}.
contract LicenseRenderer is ILicenseRenderer {
    /// @inheritdoc ILicenseRenderer
    function tokenURI(Subject calldata subject) external view returns (string memory) {
        string memory json = string.concat(
            '{"name":"Tributary License #',
            Strings.toString(subject.tokenId),
            '","description":"',
            _description(subject),
            '","image":"data:image/svg+xml;base64,',
            Base64.encode(bytes(_svg(subject))),
            '","attributes":[',
            _rights(subject),
            _limits(subject),
            _obligations(subject),
            _conditions(subject),
            _price(subject),
            "]}"
        );
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    /// @inheritdoc ILicenseRenderer
    function contractURI() external pure returns (string memory) {
        string memory json = string.concat(
            '{"name":"Tributary Licenses","symbol":"LICENSE","description":"Licenses to community-owned data, models and '
            'adapters. One token is one seat. What it allows, its limits, its price and its end are in its own metadata.",'
            '"image":"data:image/svg+xml;base64,',
            Base64.encode(bytes(LicenseCard.mark())),
            '"}'
        );
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    /// @inheritdoc ILicenseRenderer
    function svg(Subject calldata subject) external view returns (string memory) {
        return _svg(subject);
    }

    function _svg(Subject calldata subject) private view returns (string memory) {
        uint64 expiresAt = subject.license.expiresAt;
        return LicenseCard.draw(
            LicenseCard.Card({
                number: Strings.toString(subject.tokenId),
                asset: Amounts.shortened(_asset(subject)),
                expired: _isExpired(subject),
                rights: subject.terms.rights,
                price: _priceText(subject),
                currency: _currencyText(subject),
                expiryDay: expiresAt == 0 ? "Never" : Dates.readable(expiresAt),
                expiryTime: expiresAt == 0 ? "perpetual" : string.concat("at ", Dates.clock(expiresAt), " UTC"),
                calls: _limitText(subject.terms.maxCalls, "Unlimited"),
                callsPerMinute: _limitText(subject.terms.callsPerMinute, "Unlimited"),
                obligations: _obligationsText(subject.terms.obligations),
                holder: _holderText(subject),
                scope: _scopeText(subject.terms.territory, subject.terms.fieldOfUse),
                legalText: _hash(subject.terms.legalTextHash)
            })
        );
    }

    function _description(Subject calldata subject) private view returns (string memory) {
        uint64 expiresAt = subject.license.expiresAt;
        return string.concat(
            "One seat to asset ",
            _asset(subject),
            ". Allowed: ",
            _list(subject.terms.rights, true),
            ". Not allowed: ",
            _list(subject.terms.rights, false),
            ". Expires: ",
            expiresAt == 0 ? "never" : Dates.iso(expiresAt),
            ". Price: ",
            _priceText(subject),
            ". The legal text with keccak256 ",
            _hash(subject.terms.legalTextHash),
            " governs."
        );
    }

    function _rights(Subject calldata subject) private view returns (string memory list) {
        list = string.concat(
            '{"trait_type":"Status","value":"',
            _isExpired(subject) ? "expired" : "active",
            '"}',
            _attribute("Asset", _asset(subject))
        );
        for (uint256 i = 0; i < Rights.COUNT; ++i) {
            bool allowed = subject.terms.rights >> i & 1 == 1;
            list = string.concat(list, _attribute(Rights.label(i), allowed ? "allowed" : "not allowed"));
        }
    }

    function _limits(Subject calldata subject) private pure returns (string memory) {
        (bytes32 territory, bytes32 fieldOfUse) = (subject.terms.territory, subject.terms.fieldOfUse);
        (uint256 calls, uint256 rate) = (subject.terms.maxCalls, subject.terms.callsPerMinute);
        return string.concat(
            _attribute("Calls", calls == 0 ? "unlimited" : Strings.toString(calls)),
            _attribute("Calls a minute", rate == 0 ? "unlimited" : Strings.toString(rate)),
            _attribute("Territory", territory == 0 ? "worldwide" : _hash(territory)),
            _attribute("Field of use", fieldOfUse == 0 ? "any" : _hash(fieldOfUse))
        );
    }

    function _obligations(Subject calldata subject) private pure returns (string memory list) {
        for (uint256 i = 0; i < Obligations.COUNT; ++i) {
            bool required = subject.terms.obligations >> i & 1 == 1;
            list = string.concat(list, _attribute(Obligations.label(i), required ? "required" : "not required"));
        }
    }

    function _conditions(Subject calldata subject) private pure returns (string memory) {
        uint64 expiresAt = subject.license.expiresAt;
        return string.concat(
            _attribute("Issued", Dates.iso(subject.license.issuedAt)),
            _attribute("Expires", expiresAt == 0 ? "never" : Dates.iso(expiresAt)),
            _attribute("Transferable", subject.license.transferable ? "yes" : "no"),
            _attribute("Delegable", subject.license.delegable ? "yes" : "no"),
            _attribute("Revocable", subject.terms.revocable ? "yes" : "no"),
            _attribute("Legal text", _hash(subject.terms.legalTextHash))
        );
    }

    function _price(Subject calldata subject) private view returns (string memory) {
        return string.concat(
            _attribute("Price", _priceText(subject)),
            _attribute("Price in base units", Strings.toString(subject.offer.price)),
            _attribute("Price token", Strings.toChecksumHexString(subject.offer.token)),
            _attribute("Offer", Strings.toString(subject.license.offerId))
        );
    }

    /// @dev An attribute that is not the first.
    function _attribute(string memory label, string memory value) private pure returns (string memory) {
        return string.concat(',{"trait_type":"', label, '","value":"', value, '"}');
    }

    /// @dev The rights that are granted, or those that are not.
    function _list(uint256 rights, bool granted) private pure returns (string memory list) {
        for (uint256 i = 0; i < Rights.COUNT; ++i) {
            if ((rights >> i & 1 == 1) == granted) list = _join(list, Rights.label(i));
        }
        if (bytes(list).length == 0) return "nothing";
    }

    function _obligationsText(uint256 obligations) private pure returns (string memory list) {
        for (uint256 i = 0; i < Obligations.COUNT; ++i) {
            if (obligations >> i & 1 == 1) list = _join(list, Obligations.label(i));
        }
        if (bytes(list).length == 0) return "Nothing but the price";
    }

    function _holderText(Subject calldata subject) private pure returns (string memory) {
        return string.concat(
            subject.license.transferable ? "Transferable" : "Bound to the holder",
            subject.license.delegable ? ", delegable" : ", not delegable",
            subject.terms.revocable ? ", revocable by the issuer" : ", irrevocable"
        );
    }

    function _scopeText(bytes32 territory, bytes32 fieldOfUse) private pure returns (string memory) {
        return string.concat(
            territory == 0 ? "Worldwide" : string.concat("Territory ", Amounts.shortened(_hash(territory))),
            fieldOfUse == 0 ? ", any field of use" : string.concat(", field ", Amounts.shortened(_hash(fieldOfUse)))
        );
    }

    function _priceText(Subject calldata subject) private view returns (string memory) {
        uint256 price = subject.offer.price;
        return price == 0 ? "Free" : Amounts.describe(subject.offer.token, price);
    }

    /// @dev The token that the price is in, unless there is none.
    function _currencyText(Subject calldata subject) private pure returns (string memory) {
        (address token, uint256 price) = (subject.offer.token, subject.offer.price);
        return token == Currency.NATIVE || price == 0 ? "" : string.concat("token ", Strings.toChecksumHexString(token));
    }

    function _limitText(uint256 limit, string memory none) private pure returns (string memory) {
        return limit == 0 ? none : Amounts.decimal(limit, 0);
    }

    function _join(string memory list, string memory item) private pure returns (string memory) {
        return bytes(list).length == 0 ? item : string.concat(list, unicode" · ", item);
    }

    function _asset(Subject calldata subject) private pure returns (string memory) {
        return Strings.toHexString(subject.license.assetId, 16);
    }

    function _hash(bytes32 hash) private pure returns (string memory) {
        return Strings.toHexString(uint256(hash), 32);
    }

    function _isExpired(Subject calldata subject) private view returns (bool) {
        uint64 expiresAt = subject.license.expiresAt;
        return expiresAt != 0 && block.timestamp >= expiresAt;
    }
}
