// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IPool
/// @notice A vault as the ledger sees it: above all the part of its money that attribution divides.
///
/// Always, per token: poolPaid ≤ allocatable = poolCredited − fallbackPaid.
interface IPool {
    /// @notice Everything ever credited to the pool, in base units of `token`. Never falls.
    function poolCredited(address token) external view returns (uint128);

    /// @notice What of it roots may allot, in base units: all but what a fallback took away.
    function allocatable(address token) external view returns (uint128);

    /// @notice Everything ever paid out of the pool to those whom roots allot it to, in base units. Never falls.
    function poolPaid(address token) external view returns (uint128);

    /// @notice Everything that fallbacks ever took out of the pool, in base units. Never falls.
    function fallbackPaid(address token) external view returns (uint128);

    /// @notice Adds money to the pool, past the share table.
    /// @dev By anyone. Native coin comes with the call; a token is pulled from the caller, who must have approved it.
    /// Emits {IRoyaltyVault-PoolFunded}. Errors: Currency_WrongValue, Vault_NothingReceived.
    /// @return received What arrived, in base units.
    function fundPool(address token, uint256 amount) external payable returns (uint128 received);

    /// @notice Pays up to `amount` base units of `token` out of the pool to `account`: as much as `limit`, and what may be
    /// allotted, leave of all that was ever paid. Pays nothing if that is nothing.
    /// @dev By the ledger alone, whose {IAttributionLedger-Claimed} is the event.
    /// Errors: Vault_NotLedger, and whatever the token or a refusing recipient of native coin reverts with.
    /// @param limit What `poolPaid` may come to.
    /// @return paid What was paid, in base units.
    function payFromPool(address token, address account, uint128 amount, uint128 limit) external returns (uint128 paid);

    /// @notice Moves `amount` base units of `token` out of the pool into the pull credits of the vaults of the datasets
    /// that the asset was made from, by their edges' shares, or evenly if none of the edges has a share.
    /// @dev By the ledger alone. Each is rounded down and the last gets the rest, so that exactly `amount` is moved.
    /// Emits {IRoyaltyVault-Credited} for each and {IRoyaltyVault-FellBack}.
    /// Errors: Vault_NotLedger, Vault_PoolExceeded, Vault_NoDataParents.
    function fallbackPool(address token, uint128 amount) external;

    /// @notice Pays an account's credit to `recipient`; nothing if there is none.
    /// @dev By the ledger alone, on the account's order or for many at once. Emits {IRoyaltyVault-Withdrawn}.
    /// Errors: Vault_NotLedger, and whatever the token or a refusing recipient of native coin reverts with.
    /// @return amount What was paid, in base units.
    function withdrawTo(address token, address account, address recipient) external returns (uint128 amount);
}
