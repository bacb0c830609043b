// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { IPool } from "../interfaces/IPool.sol";
import { Rejections } from "./Rejections.sol";

/// @title Views
/// @notice What can be asked of the ledger.
abstract contract Views is IAttributionLedger, Rejections {
    using BitMaps for BitMaps.BitMap;

    /// @inheritdoc IAttributionLedger
    function hasPolicy(address vault) external view returns (bool) {
        return _hasPolicy(vault);
    }

    /// @inheritdoc IAttributionLedger
    function policyOf(address vault) external view returns (Policy memory policy) {
        (, policy) = _policyInEffect(vault);
    }

    /// @inheritdoc IAttributionLedger
    function policyIndexOf(address vault) external view returns (uint24) {
        return _indexInEffect(vault);
    }

    /// @inheritdoc IAttributionLedger
    function policyAt(address vault, uint24 index) external view returns (Policy memory) {
        Line storage line = _lines[vault];
        uint256 count = line.index;
        if (line.changeAt != 0) ++count;
        if (index == 0 || index > count) revert Ledger_UnknownPolicy(vault, index);
        return _policyAt(vault, index);
    }

    /// @inheritdoc IAttributionLedger
    function announcedPolicyOf(address vault) external view returns (uint24 index, uint64 effectiveAt) {
        Line storage line = _lines[vault];
        if (_isWaiting(line)) return (line.index + 1, line.changeAt);
    }

    /// @inheritdoc IAttributionLedger
    function rootOf(address vault, address token, uint64 index) public view returns (Root memory) {
        StoredRoot storage stored = _books[vault][token].roots[index];
        return Root({
            root: stored.root,
            sum: stored.sum,
            leafCount: stored.leafCount,
            receiptsRoot: stored.receiptsRoot,
            receiptsCount: stored.receiptsCount,
            activeAt: stored.activeAt,
            status: _statusOf(stored),
            attempt: stored.attempt
        });
    }

    /// @inheritdoc IAttributionLedger
    function newestActive(address vault, address token) external view returns (uint64 index, Root memory root) {
        index = _newestActive(_books[vault][token]);
        root = rootOf(vault, token, index);
    }

    /// @inheritdoc IAttributionLedger
    function rootCount(address vault, address token) external view returns (uint64) {
        return _books[vault][token].count;
    }

    /// @inheritdoc IAttributionLedger
    function periodEnd(address vault, address token) external view returns (uint64) {
        return _books[vault][token].periodEnd;
    }

    /// @inheritdoc IAttributionLedger
    function claimed(address vault, address token, address account) external view returns (uint128) {
        return _books[vault][token].claimedBy[account];
    }

    /// @inheritdoc IAttributionLedger
    function totalClaimed(address vault, address token) external view returns (uint128) {
        return IPool(vault).poolPaid(token);
    }

    /// @inheritdoc IAttributionLedger
    function fallbackAt(address vault, address token) external view returns (uint64) {
        return _books[vault][token].fallbackAt;
    }

    /// @inheritdoc IAttributionLedger
    function nextOf(address vault, address token) external view returns (Next memory next) {
        Book storage book = _books[vault][token];
        uint64 count = book.count;
        StoredRoot storage last = book.roots[count];
        next.periodEnd = book.periodEnd;
        next.open = count == 0 || _isActive(last);
        if (_isLapsed(book)) {
            // Posting rejects the newest root first.
            next.attempt = uint32(last.attempt) + 1;
            next.periodEnd = book.previousEnd;
            next.open = true;
            last = book.roots[--count];
        } else {
            next.attempt = book.roots[count + 1].attempt;
        }
        next.index = count + 1;
        next.prevRoot = last.root;
        next.prevSum = last.sum;
        next.allocatable = IPool(vault).allocatable(token);
    }

    /// @inheritdoc IAttributionLedger
    function stakeOf(address vault, address token) external view returns (address poster, uint256 bond) {
        Book storage book = _books[vault][token];
        poster = book.poster;
        if (poster != address(0)) bond = _posterBond(vault, book);
    }

    /// @inheritdoc IAttributionLedger
    function challengeOf(address vault, address token) external view returns (Challenge memory) {
        Book storage book = _books[vault][token];
        if (book.challenger == address(0)) {
            return Challenge({ challenger: address(0), bond: 0, until: 0, activeAt: 0 });
        }
        return Challenge({
            challenger: book.challenger,
            bond: _challengeBond(vault, book),
            until: book.challengedUntil,
            activeAt: book.activeAt
        });
    }

    /// @inheritdoc IAttributionLedger
    function challengeBondOf(address vault, address token) external view returns (uint256) {
        Book storage book = _books[vault][token];
        if (book.count == 0 || _isActive(book.roots[book.count])) revert Ledger_NotPending(vault, token);
        return _challengeBond(vault, book);
    }

    /// @inheritdoc IAttributionLedger
    function bondOf(address account) external view returns (uint256) {
        return _bonds[account];
    }

    /// @inheritdoc IAttributionLedger
    function isNonceUsed(address account, uint256 nonce) external view returns (bool) {
        return _nonces[account].get(nonce);
    }

    function _statusOf(StoredRoot storage stored) private view returns (RootStatus) {
        uint256 activeAt = stored.activeAt;
        if (activeAt == 0) return RootStatus.NONE;
        if (activeAt == NEVER) return RootStatus.CHALLENGED;
        return block.timestamp < activeAt ? RootStatus.PENDING : RootStatus.ACTIVE;
    }
}
