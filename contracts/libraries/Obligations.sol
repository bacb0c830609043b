// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Obligations
/// @notice What a license can ask for in return, one bit each.
library Obligations {
    /// @notice Name the asset and its contributors.
    uint256 internal constant ATTRIBUTE = 1 << 0;
    /// @notice License what is derived under the same terms.
    uint256 internal constant SHARE_ALIKE = 1 << 1;
    /// @notice Tell users that an output was made by a model.
    uint256 internal constant DISCLOSE = 1 << 2;

    /// @notice Every obligation there is.
    uint256 internal constant ALL = (1 << 3) - 1;

    /// @notice How many obligations there are.
    uint256 internal constant COUNT = 3;

    /// @notice What the obligation of bit `index` is called; fails for `COUNT` and more.
    function label(uint256 index) internal pure returns (string memory) {
        string[COUNT] memory labels = ["Name contributors", "Share alike", "Disclose model output"];
        return labels[index];
    }
}
