// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { Bonds } from "./Bonds.sol";

/// @title Rejections
/// @notice How a root that is not active is undone: its index, its period and its bonds are as if it had not been posted.
abstract contract Rejections is Bonds {
    /// @dev The least part of a challenge's bond that a silent arbiter costs the challenger: a tenth.
    uint256 internal constant TIMEOUT_DIVISOR = 10;
    uint8 internal constant MAX_DOUBLINGS = 32;

    /// @dev Rejects the newest root, which is not active. Whoever calls has dealt with the bonds.
    function _reject(address vault, address token, Book storage book, IAttributionLedger.RejectionReason reason)
        internal
    {
        uint64 index = book.count;
        StoredRoot storage stored = book.roots[index];
        uint16 attempt = stored.attempt;

        // Effect.
        book.count = index - 1;
        book.periodEnd = book.previousEnd;
        book.poster = address(0);
        book.challengedUntil = 0;
        book.challenger = address(0);
        delete book.roots[index];
        book.roots[index].attempt = attempt + 1;

        // Log.
        emit IAttributionLedger.RootRejected({
            vault: vault, token: token, index: index, attempt: attempt, reason: reason, by: msg.sender
        });
    }

    /// @dev Rejects a challenged root whose arbiter was silent: nobody is found wrong, and the challenger pays for the
    /// time.
    function _timeOut(address vault, address token, Book storage book) internal {
        // Effect.
        uint256 bond = _challengeBond(vault, book);
        uint256 fee = (bond + TIMEOUT_DIVISOR - 1) / TIMEOUT_DIVISOR;
        _creditBond(vault, fee);
        _creditBond(book.challenger, bond - fee);
        _creditBond(book.poster, _posterBond(vault, book));
        if (book.doublings < MAX_DOUBLINGS) ++book.doublings;

        _reject(vault, token, book, IAttributionLedger.RejectionReason.TIMEOUT);
    }

    /// @dev Whether the newest root is challenged and the time to rule is over.
    function _isLapsed(Book storage book) internal view returns (bool) {
        uint256 until = book.challengedUntil;
        return until != 0 && block.timestamp > until && book.roots[book.count].activeAt == NEVER;
    }

    /// @dev What the poster of the newest root staked.
    function _posterBond(address vault, Book storage book) internal view returns (uint256) {
        return _policyAt(vault, book.policyIndex).posterBond;
    }

    /// @dev What challenging the newest root costs, or cost.
    function _challengeBond(address vault, Book storage book) internal view returns (uint256) {
        return uint256(_policyAt(vault, book.policyIndex).challengeBond) << book.doublings;
    }
}
