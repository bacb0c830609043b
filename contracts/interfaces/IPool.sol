// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IPool
/// @notice The part of a vault that attribution divides, as the ledger sees it: all that the ledger knows of a vault.
interface IPool {
    /// @notice Everything ever credited to the pool, in base units of `token`. Never falls.
    function poolCredited(address token) external view returns (uint128);

    /// @notice Pays `amount` base units of `token` out of the pool to `account`.
    /// @dev By the ledger alone, whose {IAttributionLedger-Claimed} is the event.
    /// Errors: Vault_NotLedger, Vault_PoolExceeded (the pool was credited less than that), and whatever the token or a
    /// refusing recipient of native coin reverts with.
    function payFromPool(address token, address account, uint128 amount) external;
}
