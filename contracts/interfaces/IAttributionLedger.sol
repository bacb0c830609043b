// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Receipts } from "../libraries/Receipts.sol";
import { Requests } from "../libraries/Requests.sol";

/// @title IAttributionLedger
/// @notice Divides the pool of every vault by Merkle-sum roots of cumulative payouts, signed by a quorum of attestors.
///
/// A root is *pending* from its post until its window has passed, then *active* for ever: activation needs no
/// transaction. A (vault, token) has at most one pending root, and a root can only follow an active one.
///
/// Always, per (vault, token): claimed ≤ sum of the newest active root ≤ what the vault credited to its pool. So a
/// dishonest quorum can misdirect one vault's not yet active increment and nothing else.
///
/// Every signature is EIP-712 in the domain (`Tributary`, `1`, chain, this contract), by an account or by a contract
/// under ERC-1271.
interface IAttributionLedger {
    /// @notice Who may sign a vault's roots and how long a root waits. Fixed when the vault is made.
    struct Policy {
        /// The attestors, strictly ascending, none zero, at most 32.
        address[] signers;
        /// How many of them must sign: 1 to the number of signers.
        uint8 threshold;
        /// Seconds from post to activation: at least 1, at most 30 days.
        uint32 window;
        /// keccak256 of the settlement policy's name, for example of `epoch-signed/1`. Not zero.
        bytes32 settlementPolicy;
    }

    /// @notice What the attestors sign. Every field is part of the signature.
    struct RootStatement {
        /// The vault whose pool is divided.
        address vault;
        /// The token that is divided; 0xEeee… is the native coin.
        address token;
        /// The newest active root's index plus one. The first is 1.
        uint64 index;
        /// How many roots were rejected at this index before. Nothing rejects a root yet, so it is 0.
        uint32 attempt;
        /// The newest active root; zero if there is none.
        bytes32 prevRoot;
        /// The Merkle-sum root over (account, cumulative payout). Not zero.
        bytes32 root;
        /// The sum of all cumulative payouts, in base units: at least the newest active sum, at most what was credited.
        uint128 sum;
        /// How many accounts the tree has: 1 to 2³².
        uint64 leafCount;
        /// The Merkle root over the receipts that were settled; zero if and only if there are none.
        bytes32 receiptsRoot;
        /// How many receipts were settled: at most 2³².
        uint64 receiptsCount;
        /// keccak256 of the published batch from which anyone can recompute the root. Not zero.
        bytes32 dataHash;
        /// The settlement policy the batch was settled by; the vault's.
        bytes32 settlementPolicy;
        /// The end of the settled period, in seconds since 1970: later than the last root's, not in the future.
        uint64 periodEnd;
        /// The last second at which the statement may be posted.
        uint64 deadline;
    }

    /// @notice One attestor's signature over a statement.
    struct Attestation {
        address signer;
        bytes signature;
    }

    /// @notice One account's payout under one active root.
    struct Claim {
        address vault;
        address token;
        /// Any active root, not only the newest.
        uint64 rootIndex;
        /// Who is paid.
        address account;
        /// The leaf: everything the root ever allots to the account, in base units.
        uint128 cumulative;
        /// The leaf's place in the tree.
        uint64 leafIndex;
        /// Packed siblings, 48 bytes each, from the leaf up.
        bytes proof;
    }

    enum RootStatus {
        NONE,
        PENDING,
        ACTIVE
    }

    /// @notice A posted root.
    struct Root {
        bytes32 root;
        uint128 sum;
        uint64 leafCount;
        bytes32 receiptsRoot;
        uint64 receiptsCount;
        /// The first second at which the root can be claimed against.
        uint64 activeAt;
        RootStatus status;
    }

    event PolicyRegistered(address indexed vault, Policy policy);

    /// @param statement Everything that was signed.
    /// @param digest The EIP-712 digest that was signed.
    /// @param signers Those who signed, ascending.
    /// @param activeAt The first second at which the root can be claimed against.
    event RootPosted(
        address indexed vault,
        address indexed token,
        uint64 indexed index,
        RootStatement statement,
        bytes32 digest,
        address[] signers,
        uint64 activeAt
    );

    /// @param amount What was paid now: `cumulative` less everything claimed before.
    event Claimed(
        address indexed vault,
        address indexed token,
        address indexed account,
        uint64 rootIndex,
        uint128 cumulative,
        uint128 amount
    );

    error Ledger_PolicyExists(address vault);
    error Ledger_SignerCount(uint256 count);
    error Ledger_SignersNotAscending(address signer);
    error Ledger_BadThreshold(uint8 threshold, uint256 signers);
    error Ledger_BadWindow(uint32 window);
    error Ledger_ZeroSettlementPolicy();

    error Ledger_UnknownVault(address vault);
    error Ledger_RootPending(address vault, address token, uint64 index, uint64 activeAt);
    error Ledger_WrongIndex(uint64 index, uint64 expected);
    error Ledger_WrongAttempt(uint32 attempt, uint32 expected);
    error Ledger_WrongPrevRoot(bytes32 prevRoot, bytes32 expected);
    error Ledger_ZeroRoot();
    error Ledger_BadLeafCount(uint64 leafCount);
    error Ledger_BadReceipts(bytes32 receiptsRoot, uint64 receiptsCount);
    error Ledger_ZeroDataHash();
    error Ledger_WrongSettlementPolicy(bytes32 settlementPolicy, bytes32 expected);
    error Ledger_BadPeriodEnd(uint64 periodEnd, uint64 previous, uint64 timestamp);
    error Ledger_StatementExpired(uint64 deadline, uint64 timestamp);
    error Ledger_SumFalls(uint128 sum, uint128 previous);
    error Ledger_SumExceedsCredited(uint128 sum, uint128 credited);
    error Ledger_TooFewSignatures(uint256 given, uint256 needed);
    error Ledger_AttestationsNotAscending(address signer);
    error Ledger_NotASigner(address signer);
    error Ledger_BadSignature(address signer);

    error Ledger_RootNotActive(address vault, address token, uint64 index);
    error Ledger_BadProof(address account, uint128 cumulative);
    error Ledger_NothingToClaim(address account, uint128 cumulative, uint128 claimed);
    error Ledger_ClaimsExceedSum(uint128 claimed, uint128 sum);

    /// @notice Fixes the policy of the calling vault, once and for ever.
    /// @dev By a vault when it is made. Emits {PolicyRegistered}.
    /// Errors: Ledger_PolicyExists, Ledger_SignerCount (none, or more than 32), Ledger_SignersNotAscending (also for a
    /// zero or repeated signer), Ledger_BadThreshold, Ledger_BadWindow, Ledger_ZeroSettlementPolicy.
    function registerPolicy(Policy calldata policy) external;

    /// @notice Posts a root that a quorum of the vault's attestors signed.
    /// @dev By anyone. Attestations are strictly ascending by signer; every one given must be valid. Emits {RootPosted}.
    /// Errors: Ledger_UnknownVault, Ledger_RootPending, Ledger_WrongIndex, Ledger_WrongAttempt, Ledger_WrongPrevRoot,
    /// Ledger_ZeroRoot, Ledger_BadLeafCount, Ledger_BadReceipts, Ledger_ZeroDataHash, Ledger_WrongSettlementPolicy,
    /// Ledger_BadPeriodEnd, Ledger_StatementExpired, Ledger_SumFalls, Ledger_SumExceedsCredited,
    /// Ledger_TooFewSignatures, Ledger_AttestationsNotAscending, Ledger_NotASigner, Ledger_BadSignature.
    function post(RootStatement calldata statement, Attestation[] calldata attestations) external;

    /// @notice Pays an account what an active root allots to it beyond what it has claimed.
    /// @dev By anyone; the money always goes to the account. Emits {Claimed}.
    /// Errors: Ledger_RootNotActive, Ledger_BadProof, Ledger_NothingToClaim (also for an older root that allots less
    /// than was claimed), Ledger_ClaimsExceedSum, the errors of `SumTree` and of {IPool-payFromPool}.
    /// @return amount What was paid, in base units.
    function claim(Claim calldata claim_) external returns (uint128 amount);

    /// @notice Many claims at once, of any vaults, tokens and accounts. A claim that somebody else made first is left
    /// out, so that nobody can make a batch fail by claiming one of its parts; every other error reverts the batch.
    /// @return amounts What was paid for each, in base units; 0 for those left out.
    function claimMany(Claim[] calldata claims) external returns (uint128[] memory amounts);

    /// @notice The policy of a vault. Errors: Ledger_UnknownVault.
    function policyOf(address vault) external view returns (Policy memory);

    /// @notice A posted root; all zero, with status NONE, if there is none at that index.
    function rootOf(address vault, address token, uint64 index) external view returns (Root memory);

    /// @notice The newest root that can be claimed against; index 0 and all zero if there is none.
    function newestActive(address vault, address token) external view returns (uint64 index, Root memory root);

    /// @notice How many roots were posted, which is the index of the newest one, active or pending.
    function rootCount(address vault, address token) external view returns (uint64);

    /// @notice The end of the period that the newest root settles; 0 if there is none.
    function periodEnd(address vault, address token) external view returns (uint64);

    /// @notice What an account has claimed so far, in base units. Never falls.
    function claimed(address vault, address token, address account) external view returns (uint128);

    /// @notice What all accounts have claimed so far, in base units. Never falls.
    function totalClaimed(address vault, address token) external view returns (uint128);

    /// @notice Whether a receipt is the one at `index` of those that a posted root settled.
    /// @dev False for a root that was not posted, a wrong index and a malformed proof; never reverts.
    /// @param proof Packed siblings, 32 bytes each, from the leaf up.
    function verifyReceipt(
        address vault,
        address token,
        uint64 rootIndex,
        Receipts.Receipt calldata receipt,
        uint64 index,
        bytes calldata proof
    ) external view returns (bool);

    /// @notice The EIP-712 digest that attestors sign.
    function hashStatement(RootStatement calldata statement) external view returns (bytes32);

    /// @notice The EIP-712 digest that the server signs.
    function hashReceipt(Receipts.Receipt calldata receipt) external view returns (bytes32);

    /// @notice The EIP-712 digest that the session key signs.
    function hashRequest(Requests.InferenceRequest calldata request) external view returns (bytes32);

    /// @notice The EIP-712 digest that the license's owner or user signs.
    function hashSession(Requests.SessionAuthorization calldata authorization) external view returns (bytes32);
}
