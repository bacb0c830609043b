// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IERC7572
/// @notice ERC-7572, metadata of a contract as a whole.
interface IERC7572 {
    /// @notice The metadata changed, or is there for the first time.
    event ContractURIUpdated();

    /// @notice A JSON object with the contract's name, description and image.
    function contractURI() external view returns (string memory);
}
