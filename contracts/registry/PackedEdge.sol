// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";

/// @notice An {IAssetRegistry-Edge} in one word. From the lowest bit: parent 128, version 32, license 72, kind 8, share 16.
type PackedEdge is uint256;

using PackedEdges for PackedEdge global;

/// @title PackedEdges
/// @notice Reads and writes a {PackedEdge}.
library PackedEdges {
    uint256 private constant VERSION_AT = 128;
    uint256 private constant LICENSE_AT = 160;
    uint256 private constant KIND_AT = 232;
    uint256 private constant SHARE_AT = 240;

    /// @param licenseId Under 2⁷²; the edge's own is not read.
    function pack(IAssetRegistry.Edge memory edge, uint256 licenseId) internal pure returns (PackedEdge) {
        return PackedEdge.wrap(
            uint256(edge.parent) | uint256(edge.parentVersion) << VERSION_AT | licenseId << LICENSE_AT
                | uint256(edge.kind) << KIND_AT | uint256(edge.shareBps) << SHARE_AT
        );
    }

    // Each part is cut out of the word on purpose.
    // forge-lint: disable-start(unsafe-typecast)

    function unpack(PackedEdge edge) internal pure returns (IAssetRegistry.Edge memory) {
        uint256 word = PackedEdge.unwrap(edge);
        return IAssetRegistry.Edge({
            parent: edge.parent(),
            parentVersion: uint32(word >> VERSION_AT),
            kind: edge.kind(),
            shareBps: edge.shareBps(),
            licenseId: uint72(word >> LICENSE_AT)
        });
    }

    function parent(PackedEdge edge) internal pure returns (uint128) {
        return uint128(PackedEdge.unwrap(edge));
    }

    function kind(PackedEdge edge) internal pure returns (IAssetRegistry.EdgeKind) {
        return IAssetRegistry.EdgeKind(uint8(PackedEdge.unwrap(edge) >> KIND_AT));
    }

    function shareBps(PackedEdge edge) internal pure returns (uint16) {
        return uint16(PackedEdge.unwrap(edge) >> SHARE_AT);
    }

    // forge-lint: disable-end(unsafe-typecast)

    /// @notice The same edge with another share.
    function withShare(PackedEdge edge, uint16 bps) internal pure returns (PackedEdge) {
        uint256 rest = PackedEdge.unwrap(edge) & type(uint240).max;
        return PackedEdge.wrap(rest | uint256(bps) << SHARE_AT);
    }
}
