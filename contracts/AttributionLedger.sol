// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { IPool } from "./interfaces/IPool.sol";
import { Policies } from "./ledger/Policies.sol";
import { MerkleTree } from "./libraries/MerkleTree.sol";
import { Quorum } from "./libraries/Quorum.sol";
import { Receipts } from "./libraries/Receipts.sol";
import { Requests } from "./libraries/Requests.sol";
import { Roots } from "./libraries/Roots.sol";
import { SumTree } from "./libraries/SumTree.sol";

/// @title AttributionLedger
/// @notice See {IAttributionLedger}.
contract AttributionLedger is Policies, EIP712 {
    using Quorum for Policy;

    /// @dev What claims and receipt proofs need of a root, in three slots; the rest is in {RootPosted}. Counts are at
    /// most 2³², so 40 bits hold them.
    struct StoredRoot {
        bytes32 root;
        bytes32 receiptsRoot;
        uint128 sum;
        uint48 activeAt;
        uint40 leafCount;
        uint40 receiptsCount;
    }

    /// @dev A (vault, token): in the first slot what every claim and every new root needs.
    struct Book {
        uint64 count;
        uint64 periodEnd;
        mapping(uint64 index => StoredRoot) roots;
        mapping(address account => uint128) claimedBy;
    }

    mapping(address vault => mapping(address token => Book)) private _books;
    mapping(address account => address) private _recipients;

    constructor() EIP712("Tributary", "1") { }

    /// @inheritdoc IAttributionLedger
    function post(RootStatement memory statement, Attestation[] calldata attestations) external payable {
        (, Policy memory policy) = _policyInEffect(statement.vault);
        Book storage book = _books[statement.vault][statement.token];

        // Check: the statement follows the newest root, which is active.
        _checkOrder(statement, book);
        // Check: it says what it must.
        _checkContent(statement, policy, book.periodEnd);
        // Check: the vault has been credited that much.
        uint128 credited = IPool(statement.vault).allocatable(statement.token);
        if (statement.sum > credited) revert Ledger_SumExceedsCredited(statement.sum, credited);
        // Check: a quorum signed it.
        bytes32 digest = _hashTypedDataV4(Roots.hash(statement));
        address[] memory signers = policy.checkSigned(digest, attestations);

        // Effect.
        uint48 activeAt = Time.timestamp() + policy.window;
        book.count = statement.index;
        book.periodEnd = statement.periodEnd;
        book.roots[statement.index] = StoredRoot({
            root: statement.root,
            receiptsRoot: statement.receiptsRoot,
            sum: statement.sum,
            activeAt: activeAt,
            leafCount: SafeCast.toUint40(statement.leafCount),
            receiptsCount: SafeCast.toUint40(statement.receiptsCount)
        });

        // Log.
        emit RootPosted({
            vault: statement.vault,
            token: statement.token,
            index: statement.index,
            statement: statement,
            digest: digest,
            signers: signers,
            activeAt: activeAt
        });
    }

    /// @inheritdoc IAttributionLedger
    function claim(Claim calldata claim_) external returns (uint128 amount) {
        amount = _claim(claim_);
        if (amount == 0) {
            uint128 already = _books[claim_.vault][claim_.token].claimedBy[claim_.account];
            revert Ledger_NothingToClaim(claim_.account, claim_.cumulative, already);
        }
    }

    /// @inheritdoc IAttributionLedger
    function claimMany(Claim[] calldata claims) external returns (uint128[] memory amounts) {
        amounts = new uint128[](claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            amounts[i] = _claim(claims[i]);
        }
    }

    /// @inheritdoc IAttributionLedger
    function setRecipient(address recipient) external {
        // Effect.
        _recipients[msg.sender] = recipient;

        // Log.
        emit RecipientSet({ account: msg.sender, recipient: recipient });
    }

    /// @inheritdoc IAttributionLedger
    function recipientOf(address account) public view returns (address recipient) {
        recipient = _recipients[account];
        if (recipient == address(0)) recipient = account;
    }

    /// @inheritdoc IAttributionLedger
    function rootOf(address vault, address token, uint64 index) public view returns (Root memory) {
        StoredRoot storage stored = _books[vault][token].roots[index];
        RootStatus status = stored.activeAt == 0
            ? RootStatus.NONE
            : block.timestamp < stored.activeAt ? RootStatus.PENDING : RootStatus.ACTIVE;
        return Root({
            root: stored.root,
            sum: stored.sum,
            leafCount: stored.leafCount,
            receiptsRoot: stored.receiptsRoot,
            receiptsCount: stored.receiptsCount,
            activeAt: stored.activeAt,
            status: status
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
    function verifyReceipt(
        address vault,
        address token,
        uint64 rootIndex,
        Receipts.Receipt calldata receipt,
        uint64 index,
        bytes calldata proof
    ) external view returns (bool) {
        StoredRoot storage stored = _books[vault][token].roots[rootIndex];
        return MerkleTree.verify(stored.receiptsRoot, Receipts.hash(receipt), index, stored.receiptsCount, proof);
    }

    /// @inheritdoc IAttributionLedger
    function hashStatement(RootStatement calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(Roots.hash(statement));
    }

    /// @inheritdoc IAttributionLedger
    function hashReceipt(Receipts.Receipt calldata receipt) external view returns (bytes32) {
        return _hashTypedDataV4(Receipts.hash(receipt));
    }

    /// @inheritdoc IAttributionLedger
    function hashRequest(Requests.InferenceRequest calldata request) external view returns (bytes32) {
        return _hashTypedDataV4(Requests.hash(request));
    }

    /// @inheritdoc IAttributionLedger
    function hashSession(Requests.SessionAuthorization calldata authorization) external view returns (bytes32) {
        return _hashTypedDataV4(Requests.hash(authorization));
    }

    /// @dev Pays one claim; 0, and nothing done, if the account has claimed as much already.
    function _claim(Claim calldata claim_) private returns (uint128 amount) {
        (address account, uint128 cumulative) = (claim_.account, claim_.cumulative);
        Book storage book = _books[claim_.vault][claim_.token];

        // Check: the root is active and has the leaf, and its leaves sum to what the attestors signed.
        uint128 limit = _checkLeaf(claim_, book);

        // Check: something is left.
        amount = book.claimedBy[account];
        if (cumulative <= amount) return 0;
        amount = cumulative - amount;

        // Effect.
        book.claimedBy[account] = cumulative;

        // Interaction: all claims together stay within the newest active sum.
        if (claim_.rootIndex != book.count) limit = book.roots[_newestActive(book)].sum;
        uint128 paid = _pay(claim_, amount, limit);

        // Effect: what could not be paid is not claimed.
        if (paid < amount) book.claimedBy[account] -= amount - paid;
        amount = paid;
    }

    function _pay(Claim calldata claim_, uint128 amount, uint128 limit) private returns (uint128 paid) {
        address recipient = recipientOf(claim_.account);
        paid =
            IPool(claim_.vault).payFromPool({ token: claim_.token, account: recipient, amount: amount, limit: limit });
        if (paid == 0) revert Ledger_ClaimsExceedSum(claim_.account, limit);

        // Log.
        emit Claimed({
            vault: claim_.vault,
            token: claim_.token,
            account: claim_.account,
            recipient: recipient,
            rootIndex: claim_.rootIndex,
            cumulative: claim_.cumulative,
            amount: paid
        });
    }

    /// @dev The sum of the root, which is active and has the claim's leaf.
    function _checkLeaf(Claim calldata claim_, Book storage book) private view returns (uint128 sum) {
        StoredRoot storage stored = book.roots[claim_.rootIndex];
        if (!_isActive(stored)) revert Ledger_RootNotActive(claim_.vault, claim_.token, claim_.rootIndex);
        bytes32 root;
        (root, sum) =
            SumTree.verify(claim_.account, claim_.cumulative, claim_.leafIndex, stored.leafCount, claim_.proof);
        if (root != stored.root || sum != stored.sum) revert Ledger_BadProof(claim_.account, claim_.cumulative);
    }

    function _isActive(StoredRoot storage stored) private view returns (bool) {
        uint256 activeAt = stored.activeAt;
        return activeAt != 0 && block.timestamp >= activeAt;
    }

    /// @dev The newest root, or the one before it while the newest is pending; 0 if there is none.
    function _newestActive(Book storage book) private view returns (uint64) {
        uint64 count = book.count;
        return count == 0 || _isActive(book.roots[count]) ? count : count - 1;
    }

    function _checkOrder(RootStatement memory statement, Book storage book) private view {
        uint64 count = book.count;
        StoredRoot storage last = book.roots[count];
        if (count != 0 && !_isActive(last)) {
            revert Ledger_RootPending(statement.vault, statement.token, count, last.activeAt);
        }
        if (statement.index != count + 1) revert Ledger_WrongIndex(statement.index, count + 1);
        if (statement.attempt != 0) revert Ledger_WrongAttempt(statement.attempt, 0);
        if (statement.prevRoot != last.root) revert Ledger_WrongPrevRoot(statement.prevRoot, last.root);
        if (statement.sum < last.sum) revert Ledger_SumFalls(statement.sum, last.sum);
    }

    function _checkContent(RootStatement memory statement, Policy memory policy, uint64 previousEnd) private view {
        if (statement.root == 0) revert Ledger_ZeroRoot();
        if (statement.leafCount == 0 || statement.leafCount > SumTree.MAX_LEAVES) {
            revert Ledger_BadLeafCount(statement.leafCount);
        }
        if (
            (statement.receiptsRoot == 0) != (statement.receiptsCount == 0)
                || statement.receiptsCount > MerkleTree.MAX_LEAVES
        ) revert Ledger_BadReceipts(statement.receiptsRoot, statement.receiptsCount);
        if (statement.dataHash == 0) revert Ledger_ZeroDataHash();
        if (statement.settlementPolicy != policy.settlementPolicy) {
            revert Ledger_WrongSettlementPolicy(statement.settlementPolicy, policy.settlementPolicy);
        }
        uint64 timestamp = Time.timestamp();
        if (statement.periodEnd <= previousEnd || statement.periodEnd > timestamp) {
            revert Ledger_BadPeriodEnd(statement.periodEnd, previousEnd, timestamp);
        }
        if (timestamp > statement.deadline) revert Ledger_StatementExpired(statement.deadline, timestamp);
    }
}
