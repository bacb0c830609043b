// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Purposes
/// @notice What a grant can let a grantee do with a dataset, one bit each.
library Purposes {
    /// @notice Train a model on the records.
    uint128 internal constant TRAIN = 1 << 0;
    /// @notice Measure a model on the records.
    uint128 internal constant EVALUATE = 1 << 1;
    /// @notice Read the records to screen them.
    uint128 internal constant CURATE = 1 << 2;
    /// @notice Read the records to recompute attribution.
    uint128 internal constant AUDIT = 1 << 3;
    /// @notice Give records to the dataset, where its charter lets members alone.
    uint128 internal constant CONTRIBUTE = 1 << 4;

    /// @notice Every purpose there is.
    uint128 internal constant ALL = (1 << 5) - 1;
}
