// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { IPool } from "./interfaces/IPool.sol";
import { MerkleTree } from "./libraries/MerkleTree.sol";
import { Receipts } from "./libraries/Receipts.sol";
import { Requests } from "./libraries/Requests.sol";
import { Roots } from "./libraries/Roots.sol";
import { SumTree } from "./libraries/SumTree.sol";

/// @title AttributionLedger
/// @notice See {IAttributionLedger}.
contract AttributionLedger is IAttributionLedger, EIP712 {
    uint256 internal constant MAX_SIGNERS = 32;
    uint32 internal constant MAX_WINDOW = 30 days;

    /// @dev A {Policy} with its signers in place: the first `count`.
    struct StoredPolicy {
        bytes32 settlementPolicy;
        uint8 threshold;
        uint8 count;
        uint32 window;
        address[MAX_SIGNERS] signers;
    }

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
        uint128 claimed;
        uint64 count;
        uint64 periodEnd;
        mapping(uint64 index => StoredRoot) roots;
        mapping(address account => uint128) claimedBy;
    }

    mapping(address vault => StoredPolicy) private _policies;
    mapping(address vault => mapping(address token => Book)) private _books;

    constructor() EIP712("Tributary", "1") { }

    /// @inheritdoc IAttributionLedger
    function registerPolicy(Policy calldata policy) external {
        // Check: the policy is the caller's first.
        if (_policies[msg.sender].threshold != 0) revert Ledger_PolicyExists(msg.sender);

        // Check: it can be fulfilled.
        uint256 count = policy.signers.length;
        if (count == 0 || count > MAX_SIGNERS) revert Ledger_SignerCount(count);
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            if (policy.signers[i] <= previous) revert Ledger_SignersNotAscending(policy.signers[i]);
            previous = policy.signers[i];
        }
        if (policy.threshold == 0 || policy.threshold > count) revert Ledger_BadThreshold(policy.threshold, count);
        if (policy.window == 0 || policy.window > MAX_WINDOW) revert Ledger_BadWindow(policy.window);
        if (policy.settlementPolicy == 0) revert Ledger_ZeroSettlementPolicy();

        // Effect.
        StoredPolicy storage stored = _policies[msg.sender];
        stored.settlementPolicy = policy.settlementPolicy;
        stored.threshold = policy.threshold;
        stored.count = SafeCast.toUint8(count);
        stored.window = policy.window;
        for (uint256 i = 0; i < count; ++i) {
            stored.signers[i] = policy.signers[i];
        }

        // Log.
        emit PolicyRegistered({ vault: msg.sender, policy: policy });
    }

    /// @inheritdoc IAttributionLedger
    function post(RootStatement memory statement, Attestation[] calldata attestations) external {
        StoredPolicy storage policy = _policyOf(statement.vault);
        Book storage book = _books[statement.vault][statement.token];

        // Check: the statement follows the newest root, which is active.
        _checkOrder(statement, book);
        // Check: it says what it must.
        _checkContent(statement, policy, book.periodEnd);
        // Check: the vault has been credited that much.
        uint128 credited = IPool(statement.vault).poolCredited(statement.token);
        if (statement.sum > credited) revert Ledger_SumExceedsCredited(statement.sum, credited);
        // Check: a quorum signed it.
        bytes32 digest = _hashTypedDataV4(Roots.hash(statement));
        address[] memory signers = _checkQuorum(policy, digest, attestations);

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
    function policyOf(address vault) external view returns (Policy memory) {
        StoredPolicy storage stored = _policyOf(vault);
        address[] memory signers = new address[](stored.count);
        for (uint256 i = 0; i < signers.length; ++i) {
            signers[i] = stored.signers[i];
        }
        return Policy({
            signers: signers,
            threshold: stored.threshold,
            window: stored.window,
            settlementPolicy: stored.settlementPolicy
        });
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
        return _books[vault][token].claimed;
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
        // Check: the root is active and has the leaf, and its leaves sum to what the attestors signed.
        Book storage book = _books[claim_.vault][claim_.token];
        StoredRoot storage stored = book.roots[claim_.rootIndex];
        if (!_isActive(stored)) revert Ledger_RootNotActive(claim_.vault, claim_.token, claim_.rootIndex);
        (bytes32 root, uint128 sum) =
            SumTree.verify(claim_.account, claim_.cumulative, claim_.leafIndex, stored.leafCount, claim_.proof);
        if (root != stored.root || sum != stored.sum) revert Ledger_BadProof(claim_.account, claim_.cumulative);

        // Check: something is left.
        uint128 already = book.claimedBy[claim_.account];
        if (claim_.cumulative <= already) return 0;
        amount = claim_.cumulative - already;

        // Check: all claims together stay within the newest active sum.
        uint128 total = book.claimed + amount;
        uint128 limit = book.roots[_newestActive(book)].sum;
        if (total > limit) revert Ledger_ClaimsExceedSum(total, limit);

        // Effect.
        book.claimedBy[claim_.account] = claim_.cumulative;
        book.claimed = total;

        // Log.
        emit Claimed({
            vault: claim_.vault,
            token: claim_.token,
            account: claim_.account,
            rootIndex: claim_.rootIndex,
            cumulative: claim_.cumulative,
            amount: amount
        });

        // Interaction.
        IPool(claim_.vault).payFromPool({ token: claim_.token, account: claim_.account, amount: amount });
    }

    function _policyOf(address vault) private view returns (StoredPolicy storage policy) {
        policy = _policies[vault];
        if (policy.threshold == 0) revert Ledger_UnknownVault(vault);
    }

    function _isActive(StoredRoot storage stored) private view returns (bool) {
        return stored.activeAt != 0 && block.timestamp >= stored.activeAt;
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

    function _checkContent(RootStatement memory statement, StoredPolicy storage policy, uint64 previousEnd)
        private
        view
    {
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

    /// @dev Both lists ascend, so one walk over the policy's signers finds every attestor.
    function _checkQuorum(StoredPolicy storage policy, bytes32 digest, Attestation[] calldata attestations)
        private
        view
        returns (address[] memory signers)
    {
        uint256 given = attestations.length;
        if (given < policy.threshold) revert Ledger_TooFewSignatures(given, policy.threshold);

        signers = new address[](given);
        uint256 count = policy.count;
        uint256 next = 0;
        address previous = address(0);
        for (uint256 i = 0; i < given; ++i) {
            address signer = attestations[i].signer;
            if (signer <= previous) revert Ledger_AttestationsNotAscending(signer);
            address known = address(0);
            while (next < count && known < signer) {
                known = policy.signers[next];
                ++next;
            }
            if (known != signer) revert Ledger_NotASigner(signer);
            if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, attestations[i].signature)) {
                revert Ledger_BadSignature(signer);
            }
            signers[i] = signer;
            previous = signer;
        }
    }
}
