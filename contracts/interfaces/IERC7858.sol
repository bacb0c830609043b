// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IERC7858
/// @notice ERC-7858, ERC-721 tokens that expire. Interface id 0x3ebdfa31.
interface IERC7858 {
    enum EXPIRY_TYPE {
        BLOCKS_BASED,
        TIME_BASED
    }

    /// @notice A token's time was set or changed. Zero and zero mean that it never expires.
    event TokenExpiryUpdated(uint256 indexed tokenId, uint256 indexed startTime, uint256 indexed endTime);

    /// @notice Whether start and end are blocks or seconds.
    function expiryType() external view returns (EXPIRY_TYPE);

    /// @notice When the token begins to be good. Reverts for a token that does not exist.
    function startTime(uint256 tokenId) external view returns (uint256);

    /// @notice When the token ends to be good. Reverts for a token that does not exist.
    function endTime(uint256 tokenId) external view returns (uint256);

    /// @notice Whether the token has expired. Reverts for a token that does not exist.
    function isTokenExpired(uint256 tokenId) external view returns (bool);
}
