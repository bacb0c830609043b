// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicenseMarket } from "./ILicenseMarket.sol";
import { ILicenseToken } from "./ILicenseToken.sol";

/// @title ILicenseRenderer
/// @notice Writes a license for people: its ERC-721 metadata and its image, whole, with nothing kept elsewhere.
/// It has no state and no owner, and renders what it is given, whether or not there is such a license; whoever wants to
/// see a license there is asks the license token for its `tokenURI`.
interface ILicenseRenderer {
    /// @notice All there is to say about a license. None of it ever changes but its end, which a renewal moves.
    struct Subject {
        uint256 tokenId;
        ILicenseToken.License license;
        ILicenseMarket.Offer offer;
        ILicenseMarket.Terms terms;
    }

    /// @notice The metadata of a license, as `data:application/json;base64,…`.
    /// @dev A JSON object with `name`, `description`, `image` (see {svg}, as `data:image/svg+xml;base64,…`) and
    /// `attributes`, all of which are pairs of strings: Status (active, expired), Asset, each of `Rights` (allowed, not
    /// allowed), Calls and Calls a minute (a number, unlimited), Territory (a hash, worldwide), Field of use (a hash,
    /// any), each of `Obligations` (required, not required), Issued and Expires (ISO 8601 in UTC, never),
    /// Transferable, Delegable and Revocable (yes, no), Legal text (its keccak256), Price (of one license, as
    /// `Amounts` writes it, or Free), Price in base units, Price token (its address) and Offer.
    /// The offer's token is asked for its decimals and symbol, with bounded gas; what it answers can neither make this
    /// fail nor get into the text unless it is harmless there.
    function tokenURI(Subject calldata subject) external view returns (string memory);

    /// @notice The metadata of all licenses together, as `data:application/json;base64,…`: a JSON object with `name`,
    /// `symbol`, `description` and `image`.
    function contractURI() external pure returns (string memory);

    /// @notice The image of a license: an SVG of 800 by 800 that adapts to light and dark.
    function svg(Subject calldata subject) external view returns (string memory);
}
