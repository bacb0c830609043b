// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAttributionLedger } from "../../interfaces/IAttributionLedger.sol";
import { ILedgerExtension } from "../../interfaces/ILedgerExtension.sol";
import { IPool } from "../../interfaces/IPool.sol";
import { Policies } from "../Policies.sol";

/// @title Fallbacks
/// @notice Where money goes that no quorum allots any more: to the data the asset was made from.
abstract contract Fallbacks is ILedgerExtension, Policies {
    /// @inheritdoc ILedgerExtension
    function announceFallback(address vault, address token) external {
        // Check.
        (, IAttributionLedger.Policy memory policy) = _policyInEffect(vault);
        if (policy.fallbackAfter == 0) revert IAttributionLedger.Ledger_NoFallback(vault);
        Book storage book = _books[vault][token];
        if (book.fallbackAt != 0) revert IAttributionLedger.Ledger_FallbackAnnounced(vault, token, book.fallbackAt);
        _unallocated(vault, token, book);

        // Effect.
        uint64 executableAt = Time.timestamp() + policy.fallbackAfter;
        book.fallbackAt = executableAt;

        // Log.
        emit IAttributionLedger.FallbackAnnounced({ vault: vault, token: token, executableAt: executableAt });
    }

    /// @inheritdoc ILedgerExtension
    function executeFallback(address vault, address token) external returns (uint128 amount) {
        // Check.
        Book storage book = _books[vault][token];
        uint64 executableAt = book.fallbackAt;
        if (executableAt == 0 || block.timestamp < executableAt) {
            revert IAttributionLedger.Ledger_FallbackNotDue(vault, token, executableAt);
        }
        amount = _unallocated(vault, token, book);

        // Effect.
        book.fallbackAt = 0;

        // Log.
        emit IAttributionLedger.FallbackExecuted({ vault: vault, token: token, amount: amount });

        // Interaction.
        IPool(vault).fallbackPool({ token: token, amount: amount });
    }

    /// @dev What the newest root, which is active or does not exist, leaves of what the pool can allot: not nothing.
    function _unallocated(address vault, address token, Book storage book) private view returns (uint128) {
        (, StoredRoot storage last) = _checkResolved(vault, token, book);
        uint128 allocatable = IPool(vault).allocatable(token);
        uint128 sum = last.sum;
        if (allocatable <= sum) revert IAttributionLedger.Ledger_NothingUnallocated(vault, token);
        return allocatable - sum;
    }
}
