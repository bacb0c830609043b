// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IERC3009
/// @notice The part of ERC-3009 by which a payee takes a payment that the payer has signed. The token allows each nonce
/// of a payer once, and takes the call from the payee alone.
interface IERC3009 {
    /// @notice Moves `value` from `from` to `to`, the caller, on a signature of a key.
    /// @param validAfter The time after which it is good, in seconds since 1970.
    /// @param validBefore The time before which it is good, in seconds since 1970.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice The same on a signature of any form, which ERC-1271 wallets need; not every token has it.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}
