// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IERC4907
/// @notice ERC-4907, a user of an ERC-721 token beside its owner. Interface id 0xad092b5c.
interface IERC4907 {
    /// @notice The user of a token or the end of the use changed. A zero user means none.
    event UpdateUser(uint256 indexed tokenId, address indexed user, uint64 expires);

    /// @notice Names the user of a token until a time. A zero user ends the use.
    /// @param expires The last second of the use, since 1970.
    function setUser(uint256 tokenId, address user, uint64 expires) external;

    /// @notice The user now; zero if there is none or the use has ended.
    function userOf(uint256 tokenId) external view returns (address);

    /// @notice The last second of the use, since 1970.
    function userExpires(uint256 tokenId) external view returns (uint256);
}
