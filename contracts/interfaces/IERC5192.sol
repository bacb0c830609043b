// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IERC5192
/// @notice ERC-5192, whether an ERC-721 token is bound to its holder. Interface id 0xb45a3c0e.
interface IERC5192 {
    /// @notice The token became bound to its holder.
    event Locked(uint256 tokenId);

    /// @notice The token became transferable.
    event Unlocked(uint256 tokenId);

    /// @notice Whether the token is bound to its holder. Reverts for a token that does not exist.
    function locked(uint256 tokenId) external view returns (bool);
}
