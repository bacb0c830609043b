// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev A whole in basis points.
uint256 constant BASIS_POINTS = 10_000;
