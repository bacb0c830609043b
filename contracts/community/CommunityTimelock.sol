// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    TimelockControllerUpgradeable
} from "@openzeppelin/contracts-upgradeable/governance/TimelockControllerUpgradeable.sol";

/// @title CommunityTimelock
/// @notice Owns a community's assets and does what its governor has queued, after a delay. What every community's
/// timelock is a clone of. The governor alone proposes and cancels; anyone may execute; it administers itself.
contract CommunityTimelock is TimelockControllerUpgradeable {
    /// @dev The implementation itself can never be initialised.
    constructor() {
        _disableInitializers();
    }
}
