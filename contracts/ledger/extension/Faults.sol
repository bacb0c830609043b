// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../interfaces/IAttributionLedger.sol";
import { ILedgerExtension } from "../../interfaces/ILedgerExtension.sol";
import { SumTree } from "../../libraries/SumTree.sol";
import { Rejections } from "../Rejections.sol";

/// @title Faults
/// @notice What is wrong with a root whatever anybody thinks of it, shown by its own leaves.
abstract contract Faults is ILedgerExtension, Rejections {
    /// @inheritdoc ILedgerExtension
    function proveDisorder(
        address vault,
        address token,
        IAttributionLedger.Leaf calldata first,
        IAttributionLedger.Leaf calldata second
    ) external {
        // Check: both leaves are in the root, in the wrong order.
        (Book storage book, StoredRoot storage stored) = _newestPending(vault, token);
        _checkPosted(stored, first);
        _checkPosted(stored, second);
        if (first.index >= second.index || first.account < second.account) {
            revert IAttributionLedger.Ledger_NoFault(IAttributionLedger.RejectionReason.DISORDER);
        }

        _rejectForFault(vault, token, book, IAttributionLedger.RejectionReason.DISORDER);
    }

    /// @inheritdoc ILedgerExtension
    function proveDecrease(
        address vault,
        address token,
        IAttributionLedger.Leaf calldata previous,
        IAttributionLedger.Leaf calldata current
    ) external {
        // Check: the account has less than it had.
        (Book storage book, StoredRoot storage stored) = _newestPending(vault, token);
        _checkPayable(book.roots[book.count - 1], previous);
        _checkPosted(stored, current);
        if (previous.account != current.account || previous.cumulative <= current.cumulative) {
            revert IAttributionLedger.Ledger_NoFault(IAttributionLedger.RejectionReason.DECREASE);
        }

        _rejectForFault(vault, token, book, IAttributionLedger.RejectionReason.DECREASE);
    }

    /// @inheritdoc ILedgerExtension
    function proveOmission(
        address vault,
        address token,
        IAttributionLedger.Leaf calldata previous,
        IAttributionLedger.Leaf[] calldata bracket
    ) external {
        // Check: the account had something, and the leaves leave no place for it.
        (Book storage book, StoredRoot storage stored) = _newestPending(vault, token);
        _checkPayable(book.roots[book.count - 1], previous);
        for (uint256 i = 0; i < bracket.length; ++i) {
            _checkPosted(stored, bracket[i]);
        }
        if (!_leavesOut(previous.account, bracket, stored.leafCount)) {
            revert IAttributionLedger.Ledger_NoFault(IAttributionLedger.RejectionReason.OMISSION);
        }

        _rejectForFault(vault, token, book, IAttributionLedger.RejectionReason.OMISSION);
    }

    /// @dev Between two neighbours, before the first leaf, or after the last.
    function _leavesOut(address account, IAttributionLedger.Leaf[] calldata bracket, uint64 leafCount)
        private
        pure
        returns (bool)
    {
        if (bracket.length == 2) {
            (IAttributionLedger.Leaf calldata lower, IAttributionLedger.Leaf calldata upper) = (bracket[0], bracket[1]);
            return upper.index == lower.index + 1 && lower.account < account && account < upper.account;
        }
        if (bracket.length != 1) return false;
        IAttributionLedger.Leaf calldata edge = bracket[0];
        return (edge.index == 0 && account < edge.account) || (edge.index == leafCount - 1 && edge.account < account);
    }

    /// @dev The poster loses its bond to whoever proved the fault and to the pool; a challenger loses nothing.
    function _rejectForFault(address vault, address token, Book storage book, IAttributionLedger.RejectionReason reason)
        private
    {
        // Effect.
        if (book.challenger != address(0)) _creditBond(book.challenger, _challengeBond(vault, book));
        _forfeitBond({ winner: msg.sender, vault: vault, amount: _posterBond(vault, book) });

        _reject(vault, token, book, reason);
    }

    function _newestPending(address vault, address token)
        private
        view
        returns (Book storage book, StoredRoot storage stored)
    {
        book = _books[vault][token];
        stored = book.roots[book.count];
        if (book.count == 0 || _isActive(stored)) revert IAttributionLedger.Ledger_NotPending(vault, token);
    }

    /// @dev The leaf is in the last active root. An empty one is nobody's, and need not be in the next.
    function _checkPayable(StoredRoot storage stored, IAttributionLedger.Leaf calldata leaf) private view {
        _checkLeaf(stored, leaf.account, leaf.cumulative, leaf.index, leaf.proof);
    }

    /// @dev The leaf is in the posted root, be it empty: behind an empty leaf nothing can be hidden.
    function _checkPosted(StoredRoot storage stored, IAttributionLedger.Leaf calldata leaf) private view {
        (address account, uint128 cumulative) = (leaf.account, leaf.cumulative);
        (bytes32 root, uint128 sum) = SumTree.fold(account, cumulative, leaf.index, stored.leafCount, leaf.proof);
        if (root != stored.root || sum != stored.sum) revert IAttributionLedger.Ledger_BadProof(account, cumulative);
    }
}
