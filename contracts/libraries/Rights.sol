// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Rights
/// @notice What a license can allow, one bit each.
library Rights {
    uint256 internal constant INFER = 1 << 0;
    uint256 internal constant FINE_TUNE = 1 << 1;
    uint256 internal constant DISTIL = 1 << 2;
    uint256 internal constant MERGE = 1 << 3;
    uint256 internal constant REDISTRIBUTE = 1 << 4;
    uint256 internal constant TRAIN_ON_OUTPUTS = 1 << 5;
    uint256 internal constant COMMERCIAL = 1 << 6;
    uint256 internal constant SUBLICENSE = 1 << 7;
    uint256 internal constant RESELL = 1 << 8;
    /// @notice Train a model on the asset itself, where that is data.
    uint256 internal constant TRAIN = 1 << 9;

    /// @notice Every right there is.
    uint256 internal constant ALL = (1 << 10) - 1;

    /// @notice How many rights there are.
    uint256 internal constant COUNT = 10;

    /// @notice What the right of bit `index` is called; fails for `COUNT` and more.
    function label(uint256 index) internal pure returns (string memory) {
        string[COUNT] memory labels = [
            "Run inference",
            "Fine-tune",
            "Distil",
            "Merge",
            "Redistribute",
            "Train on outputs",
            "Use commercially",
            "Sublicense",
            "Resell",
            "Train on the data"
        ];
        return labels[index];
    }
}
