// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { IPool } from "../interfaces/IPool.sol";
import { Quorum } from "../libraries/Quorum.sol";
import { Roots } from "../libraries/Roots.sol";
import { Rejections } from "./Rejections.sol";

/// @title Posting
/// @notice How a root that a quorum signed comes in, and what is staked on it.
abstract contract Posting is IAttributionLedger, Rejections {
    using Quorum for Policy;

    /// @inheritdoc IAttributionLedger
    function post(RootStatement memory statement, Attestation[] calldata attestations) external payable {
        // Effect.
        _creditBond(msg.sender, msg.value);

        _post(statement, attestations);
    }

    /// @inheritdoc IAttributionLedger
    function postMany(RootStatement[] calldata statements, Attestation[][] calldata attestations) external payable {
        // Check.
        if (statements.length != attestations.length) {
            revert Ledger_LengthMismatch(statements.length, attestations.length);
        }

        // Effect.
        _creditBond(msg.sender, msg.value);

        for (uint256 i = 0; i < statements.length; ++i) {
            _post(statements[i], attestations[i]);
        }
    }

    /// @inheritdoc IAttributionLedger
    function hashStatement(RootStatement calldata statement) external view returns (bytes32) {
        return _hashTypedDataV4(Roots.hash(statement));
    }

    function _post(RootStatement memory statement, Attestation[] calldata attestations) private {
        // Effect: a challenge on which nobody ruled is over.
        Book storage book = _books[statement.vault][statement.token];
        // A call from outside, because the extension holds this code and a contract's size is limited.
        if (_isLapsed(book)) this.timeout(statement.vault, statement.token);

        // Check: the statement follows the newest root, which is active, and says what it must.
        (uint24 policyIndex, Policy memory policy) = _policyInEffect(statement.vault);
        _checkOrder(statement, book);
        Roots.check(statement, policy.settlementPolicy, book.periodEnd);
        // Check: the vault's pool can allot that much.
        uint128 allocatable = IPool(statement.vault).allocatable(statement.token);
        if (statement.sum > allocatable) revert Ledger_SumExceedsCredited(statement.sum, allocatable);
        // Check: a quorum signed it.
        bytes32 digest = _hashTypedDataV4(Roots.hash(statement));
        address[] memory signers = policy.checkSigned(digest, attestations);

        // Effect.
        _stake(book, statement, policyIndex, policy.posterBond);
        uint40 activeAt = uint40(Time.timestamp() + policy.window);
        _store(book, statement, activeAt);

        // Log.
        emit RootPosted({
            vault: statement.vault,
            token: statement.token,
            index: statement.index,
            statement: statement,
            digest: digest,
            signers: signers,
            poster: msg.sender,
            policyIndex: policyIndex,
            activeAt: activeAt
        });
    }

    /// @dev Releases the stake on the last root and takes one for the new root; nothing moves if they are the same.
    function _stake(Book storage book, RootStatement memory statement, uint24 policyIndex, uint256 bond) private {
        address poster = book.poster;
        uint24 lastIndex = book.policyIndex;
        if (poster != msg.sender || lastIndex != policyIndex) {
            if (poster != address(0)) {
                _creditBond(poster, lastIndex == policyIndex ? bond : _posterBond(statement.vault, book));
            }
            _stakeBond(msg.sender, bond);
            book.poster = msg.sender;
            book.policyIndex = policyIndex;
        }
        if (book.challengedUntil != 0) book.challengedUntil = 0;
        if (statement.attempt == 0 && book.doublings != 0) book.doublings = 0;
    }

    function _store(Book storage book, RootStatement memory statement, uint40 activeAt) private {
        book.count = statement.index;
        book.previousEnd = book.periodEnd;
        book.periodEnd = statement.periodEnd;
        book.fallbackAt = 0;
        // The casts lose nothing: the bounds are checked, and the attempt is the one stored here.
        // forge-lint: disable-start(unsafe-typecast)
        book.roots[statement.index] = StoredRoot({
            root: statement.root,
            receiptsRoot: statement.receiptsRoot,
            sum: statement.sum,
            activeAt: activeAt,
            leafCount: uint40(statement.leafCount),
            receiptsCount: uint32(statement.receiptsCount),
            attempt: uint16(statement.attempt)
        });
        // forge-lint: disable-end(unsafe-typecast)
    }

    function _checkOrder(RootStatement memory statement, Book storage book) private view {
        (uint64 count, StoredRoot storage last) = _checkResolved(statement.vault, statement.token, book);
        if (statement.index != count + 1) revert Ledger_WrongIndex(statement.index, count + 1);
        uint16 attempt = book.roots[count + 1].attempt;
        if (statement.attempt != attempt) revert Ledger_WrongAttempt(statement.attempt, attempt);
        // One more rejection could not be counted.
        if (attempt == type(uint16).max) revert Ledger_TooManyAttempts(statement.vault, statement.token, count + 1);
        if (statement.prevRoot != last.root) revert Ledger_WrongPrevRoot(statement.prevRoot, last.root);
        if (statement.sum < last.sum) revert Ledger_SumFalls(statement.sum, last.sum);
    }
}
