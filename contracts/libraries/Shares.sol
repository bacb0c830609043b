// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { BASIS_POINTS } from "./BasisPoints.sol";

/// @title Shares
/// @notice What a share of an amount that keeps growing comes to.
library Shares {
    using SafeCast for uint256;

    /// @notice What `bps` of everything between two cumulative amounts comes to, in base units. Both ends are rounded
    /// down, so what is divided in many steps comes to what it comes to in one.
    function between(uint256 from, uint256 to, uint256 bps) internal pure returns (uint128) {
        return (to * bps / BASIS_POINTS - from * bps / BASIS_POINTS).toUint128();
    }
}
