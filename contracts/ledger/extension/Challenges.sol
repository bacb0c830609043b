// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAttributionLedger } from "../../interfaces/IAttributionLedger.sol";
import { ILedgerExtension } from "../../interfaces/ILedgerExtension.sol";
import { Rejections } from "../Rejections.sol";

/// @title Challenges
/// @notice What is wrong with a root in somebody's judgement: the arbiter of the policy it was posted under rules.
abstract contract Challenges is ILedgerExtension, Rejections {
    /// @inheritdoc ILedgerExtension
    function challenge(address vault, address token, bytes32 reasonHash) external payable {
        // Check.
        Book storage book = _books[vault][token];
        (StoredRoot storage stored, IAttributionLedger.Policy memory policy) = _challengeable(vault, token, book);
        if (book.challengedUntil != 0) revert IAttributionLedger.Ledger_AlreadyChallenged(vault, token, book.count);
        uint256 bond = uint256(policy.challengeBond) << book.doublings;
        if (msg.value != bond) revert IAttributionLedger.Ledger_WrongBond(msg.value, bond);

        // Effect.
        uint40 until = SafeCast.toUint40(block.timestamp + policy.arbiterPeriod);
        book.challengedUntil = until;
        book.challenger = msg.sender;
        book.activeAt = stored.activeAt;
        stored.activeAt = NEVER;

        // Log.
        emit IAttributionLedger.Challenged({
            vault: vault,
            token: token,
            index: book.count,
            challenger: msg.sender,
            reasonHash: reasonHash,
            bond: bond,
            until: until
        });
    }

    /// @inheritdoc ILedgerExtension
    function rule(address vault, address token, IAttributionLedger.Ruling ruling) external {
        // Check.
        Book storage book = _challenged(vault, token);
        if (msg.sender != _policyAt(vault, book.policyIndex).arbiter) {
            revert IAttributionLedger.Ledger_NotArbiter(msg.sender);
        }
        if (_isLapsed(book)) revert IAttributionLedger.Ledger_RulingLate(book.challengedUntil, Time.timestamp());

        if (ruling == IAttributionLedger.Ruling.UPHELD) _uphold(vault, token, book);
        else _dismiss(vault, token, book);
    }

    /// @inheritdoc ILedgerExtension
    function timeout(address vault, address token) external {
        // Check.
        Book storage book = _challenged(vault, token);
        if (!_isLapsed(book)) revert IAttributionLedger.Ledger_RulingOpen(book.challengedUntil, Time.timestamp());

        _timeOut(vault, token, book);
    }

    function _uphold(address vault, address token, Book storage book) private {
        // Effect.
        address challenger = book.challenger;
        _creditBond(challenger, _challengeBond(vault, book));
        _forfeitBond({ winner: challenger, vault: vault, amount: _posterBond(vault, book) });
        book.doublings = 0;

        _reject(vault, token, book, IAttributionLedger.RejectionReason.ARBITER);
    }

    function _dismiss(address vault, address token, Book storage book) private {
        // Effect.
        _forfeitBond({ winner: book.poster, vault: vault, amount: _challengeBond(vault, book) });
        uint40 activeAt = book.activeAt;
        if (activeAt < block.timestamp) activeAt = SafeCast.toUint40(block.timestamp);
        book.roots[book.count].activeAt = activeAt;
        book.challenger = address(0);
        book.doublings = 0;

        // Log.
        emit IAttributionLedger.ChallengeDismissed({
            vault: vault, token: token, index: book.count, activeAt: activeAt
        });
    }

    /// @dev The newest root, which is not active, and the policy it is under, which has an arbiter.
    function _challengeable(address vault, address token, Book storage book)
        private
        view
        returns (StoredRoot storage stored, IAttributionLedger.Policy memory policy)
    {
        stored = book.roots[book.count];
        if (book.count == 0 || _isActive(stored)) revert IAttributionLedger.Ledger_NotPending(vault, token);
        policy = _policyAt(vault, book.policyIndex);
        if (policy.arbiter == address(0)) revert IAttributionLedger.Ledger_NoArbiter(vault);
    }

    function _challenged(address vault, address token) private view returns (Book storage book) {
        book = _books[vault][token];
        if (book.challenger == address(0)) revert IAttributionLedger.Ledger_NotChallenged(vault, token);
    }
}
