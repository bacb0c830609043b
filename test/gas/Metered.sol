// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

/// @title Metered
/// @notice Measures the last call, as a whole transaction under `forge test --isolate`. `cargo xtask gas` keeps the figures
/// and holds later ones against them.
abstract contract Metered is Test {
    /// @dev The file of figures that a test's are in.
    function _group() internal pure virtual returns (string memory);

    /// @dev Records the gas of the last call, which may not be over its budget.
    function _check(string memory what, uint256 budget) internal returns (uint256 used) {
        used = vm.snapshotGasLastCall(_group(), what);
        assertLe(used, budget, what);
    }

    /// @dev Records the gas of a call that has no budget of its own.
    function _record(string memory what) internal returns (uint256) {
        return vm.snapshotGasLastCall(_group(), what);
    }
}
