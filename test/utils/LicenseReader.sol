// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Base64 } from "@openzeppelin/contracts/utils/Base64.sol";

import { ILicenseRenderer } from "../../contracts/interfaces/ILicenseRenderer.sol";
import { Fixture } from "./Fixture.sol";

/// @notice Reads what the renderer wrote.
abstract contract LicenseReader is Fixture {
    uint256 internal constant ATTRIBUTES = 29;

    /// @dev The fixture's license, as the market would issue it.
    function _subject() internal view returns (ILicenseRenderer.Subject memory subject) {
        subject.tokenId = 1;
        subject.terms = _terms();
        subject.offer = _offer(market.termsIdOf(_terms()));
        subject.license.assetId = modelId;
        subject.license.termsId = subject.offer.termsId;
        subject.license.offerId = 1;
        subject.license.issuedAt = START;
        subject.license.expiresAt = START + 30 days;
        subject.license.transferable = true;
        subject.license.delegable = true;
    }

    function _contains(string memory text, string memory part) internal pure returns (bool) {
        return vm.indexOf(text, part) != type(uint256).max;
    }

    function _decode(string memory uri, string memory prefix) internal pure returns (string memory) {
        assertEq(vm.indexOf(uri, prefix), 0, prefix);
        return string(Base64.decode(vm.replace(uri, prefix, "")));
    }

    function _json(string memory uri) internal pure returns (string memory) {
        return _decode(uri, "data:application/json;base64,");
    }

    function _json(ILicenseRenderer.Subject memory subject) internal view returns (string memory) {
        return _json(renderer.tokenURI(subject));
    }

    function _image(string memory json) internal pure returns (string memory) {
        return _decode(vm.parseJsonString(json, ".image"), "data:image/svg+xml;base64,");
    }

    function _attribute(uint256 index, string memory field) internal pure returns (string memory) {
        return string.concat(".attributes[", vm.toString(index), "].", field);
    }

    function _assertTrait(string memory json, string memory name, string memory value) internal pure {
        assertEq(_trait(json, name), value, name);
    }

    function _trait(string memory json, string memory name) internal pure returns (string memory) {
        for (uint256 i = 0; i < ATTRIBUTES; ++i) {
            bytes memory found = bytes(vm.parseJsonString(json, _attribute(i, "trait_type")));
            if (keccak256(found) == keccak256(bytes(name))) return vm.parseJsonString(json, _attribute(i, "value"));
        }
        revert(string.concat("no trait ", name));
    }
}
