// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Receipts } from "../libraries/Receipts.sol";
import { Requests } from "../libraries/Requests.sol";
import { ILedgerExtension } from "./ILedgerExtension.sol";

/// @title IAttributionLedger
/// @notice Divides the pool of every vault by Merkle-sum roots of cumulative payouts, signed by a quorum of attestors.
///
/// A root is *pending* from its post until its window has passed, then *active* for ever: activation needs no
/// transaction. Until then it can be *rejected*: by anyone's proof of an objective fault, or by a challenge that the
/// policy's arbiter upholds or does not rule on in time. A rejected root leaves no trace but the count of attempts at its
/// index. A (vault, token) has at most one root that is not active, and a root can only follow an active one.
///
/// Always, per (vault, token): claimed ≤ sum of the newest active root ≤ what the vault's pool can allot. So a dishonest
/// quorum can misdirect one vault's not yet active increment and nothing else.
///
/// Bonds are native coin. What is released, won or returned is kept here until {withdrawBond}; nothing is pushed. A vault
/// can be any contract: what it answers moves its own pool and the bonds staked on its own roots, and nothing else.
///
/// The code of what {ILedgerExtension} lists stands in a second contract, for one contract's code may not be larger than
/// 24,576 bytes (EIP-170). The ledger creates it and runs it on its own state; nobody can replace it, and for callers
/// there is only the ledger.
///
/// Every signature is EIP-712 in the domain (`Tributary`, `1`, chain, this contract), by an account or by a contract
/// under ERC-1271.
interface IAttributionLedger is ILedgerExtension {
    /// @notice Who may sign a vault's roots, how long a root waits, who judges it and what that costs. Bonds are in wei
    /// of the native coin.
    struct Policy {
        /// The attestors, strictly ascending, none zero, at most 32.
        address[] signers;
        /// How many of them must sign: 1 to the number of signers.
        uint8 threshold;
        /// Seconds from post to activation: at least 1, at most 30 days.
        uint32 window;
        /// Who rules on challenges; none of the signers. Zero if nobody does: then only faults that can be proven count.
        address arbiter;
        /// Seconds in which the arbiter must rule: 1 hour to 30 days; 0 if and only if there is no arbiter.
        uint32 arbiterPeriod;
        /// What a poster stakes on a root; may be 0.
        uint88 posterBond;
        /// What a challenger stakes, until timeouts double it; 0 if and only if there is no arbiter.
        uint88 challengeBond;
        /// Seconds from the announcement of a fallback to the fallback: 7 to 3,650 days, or 0 for never.
        uint32 fallbackAfter;
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
        /// How many roots were rejected at this index before.
        uint32 attempt;
        /// The newest active root; zero if there is none.
        bytes32 prevRoot;
        /// The Merkle-sum root over (account, cumulative payout). Not zero.
        bytes32 root;
        /// The sum of all cumulative payouts, in base units: at least the newest active sum, at most what the pool can
        /// allot.
        uint128 sum;
        /// How many accounts the tree has: 1 to 2³².
        uint64 leafCount;
        /// The Merkle root over the receipts that were settled; zero if and only if there are none.
        bytes32 receiptsRoot;
        /// How many receipts were settled: less than 2³².
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

    /// @notice What an account allows whoever holds its signature to claim. EIP-712: `ClaimOrder(address account,address
    /// recipient,Payout[] payouts,uint256 nonce,uint64 deadline)Payout(address vault,address token,uint128 cumulative)`,
    /// where the payouts are those of the claims, in their order.
    struct ClaimOrder {
        /// Whose claims they are and who signs.
        address account;
        /// Who is paid.
        address recipient;
        /// Any number that the account has not used: orders may be executed in any order.
        uint256 nonce;
        /// The last second at which the order may be executed.
        uint64 deadline;
    }

    /// @notice An account's credit in a vault.
    struct Withdrawal {
        address vault;
        address token;
        address account;
    }

    /// @notice One place to withdraw from.
    struct Source {
        address vault;
        address token;
    }

    /// @notice What an account allows whoever holds its signature to withdraw. EIP-712: `WithdrawOrder(address account,
    /// address recipient,Source[] sources,uint256 nonce,uint64 deadline)Source(address vault,address token)`.
    struct WithdrawOrder {
        address account;
        address recipient;
        Source[] sources;
        uint256 nonce;
        uint64 deadline;
    }

    /// @notice A leaf of a root with its proof, to show a fault.
    struct Leaf {
        address account;
        uint128 cumulative;
        uint64 index;
        bytes proof;
    }

    enum RootStatus {
        NONE,
        PENDING,
        CHALLENGED,
        ACTIVE
    }

    /// @notice Why a root was rejected. The first three were proven, for the others see {challenge}.
    enum RejectionReason {
        DISORDER,
        DECREASE,
        OMISSION,
        ARBITER,
        TIMEOUT
    }

    enum Ruling {
        DISMISSED,
        UPHELD
    }

    /// @notice A posted root.
    struct Root {
        bytes32 root;
        uint128 sum;
        uint64 leafCount;
        bytes32 receiptsRoot;
        uint64 receiptsCount;
        /// The first second at which the root can be claimed against; 2⁴⁰ − 1 while it is challenged.
        uint64 activeAt;
        RootStatus status;
        /// How many roots were rejected at this index before; also told where there is no root.
        uint32 attempt;
    }

    /// @notice What the next statement must say.
    struct Next {
        uint64 index;
        uint32 attempt;
        bytes32 prevRoot;
        /// The least sum.
        uint128 prevSum;
        /// The period must end later.
        uint64 periodEnd;
        /// The greatest sum.
        uint128 allocatable;
        /// Whether it may be posted now: if not, the newest root is unresolved, and the rest is what will hold once it is
        /// active.
        bool open;
    }

    /// @notice An open challenge.
    struct Challenge {
        address challenger;
        /// In wei.
        uint256 bond;
        /// The last second at which the arbiter may rule.
        uint64 until;
        /// When the root would have been active.
        uint64 activeAt;
    }

    /// @param index 1: the vault's first policy.
    event PolicyRegistered(address indexed vault, uint24 index, Policy policy);

    /// @notice Another policy will be in effect from `effectiveAt` on. It replaces one announced before that is not in
    /// effect yet.
    event PolicyAnnounced(address indexed vault, uint24 index, Policy policy, uint64 effectiveAt);

    /// @notice The announced policy will not take effect.
    event PolicyCancelled(address indexed vault, uint24 index);

    /// @param recipient Who is paid in the account's place from now on; zero for the account itself.
    event RecipientSet(address indexed account, address recipient);

    /// @param statement Everything that was signed.
    /// @param digest The EIP-712 digest that was signed.
    /// @param signers Those who signed, ascending.
    /// @param poster Who staked the policy's poster bond on the root.
    /// @param policyIndex The policy that the root is under, whatever is announced later.
    /// @param activeAt The first second at which the root can be claimed against, unless it is rejected or challenged.
    event RootPosted(
        address indexed vault,
        address indexed token,
        uint64 indexed index,
        RootStatement statement,
        bytes32 digest,
        address[] signers,
        address poster,
        uint24 policyIndex,
        uint64 activeAt
    );

    /// @notice The index is free again, for the next attempt.
    /// @param by Who proved the fault, ruled, or noticed the timeout: this contract if a post did.
    event RootRejected(
        address indexed vault,
        address indexed token,
        uint64 indexed index,
        uint32 attempt,
        RejectionReason reason,
        address by
    );

    /// @param reasonHash keccak256 of what the challenger published to the arbiter.
    /// @param bond What the challenger stakes, in wei.
    /// @param until The last second at which the arbiter may rule.
    event Challenged(
        address indexed vault,
        address indexed token,
        uint64 indexed index,
        address challenger,
        bytes32 reasonHash,
        uint256 bond,
        uint64 until
    );

    /// @param activeAt The first second at which the root can be claimed against after all.
    event ChallengeDismissed(address indexed vault, address indexed token, uint64 indexed index, uint64 activeAt);

    /// @notice Bonds that were paid in, released, won or returned: the account can stake or withdraw them.
    event BondCredited(address indexed account, uint256 amount);

    /// @notice Bonds staked on a root out of what the account had.
    event BondStaked(address indexed account, uint256 amount);

    event BondWithdrawn(address indexed account, uint256 amount);

    event FallbackAnnounced(address indexed vault, address indexed token, uint64 executableAt);

    event FallbackExecuted(address indexed vault, address indexed token, uint128 amount);

    /// @notice An order was executed or cancelled.
    event NonceUsed(address indexed account, uint256 nonce);

    /// @param recipient Who was paid: the account, or whom it named.
    /// @param amount What was paid now: `cumulative` less everything claimed before, or what the newest active sum left.
    event Claimed(
        address indexed vault,
        address indexed token,
        address indexed account,
        address recipient,
        uint64 rootIndex,
        uint128 cumulative,
        uint128 amount
    );

    error Ledger_PolicyExists(address vault);
    error Ledger_SignerCount(uint256 count);
    error Ledger_SignersNotAscending(address signer);
    error Ledger_BadThreshold(uint8 threshold, uint256 signers);
    error Ledger_BadWindow(uint32 window);
    error Ledger_BadArbitration(address arbiter, uint32 arbiterPeriod, uint88 challengeBond);
    error Ledger_ArbiterIsSigner(address arbiter);
    error Ledger_BadFallbackAfter(uint32 fallbackAfter);
    error Ledger_ZeroSettlementPolicy();
    error Ledger_NoPolicyAnnounced(address vault);
    error Ledger_UnknownPolicy(address vault, uint24 index);

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

    error Ledger_LengthMismatch(uint256 statements, uint256 attestations);
    error Ledger_TooManyAttempts(address vault, address token, uint64 index);
    error Ledger_BondTooSmall(address poster, uint256 available, uint256 needed);
    error Ledger_NoBond(address account);

    error Ledger_NotPending(address vault, address token);
    error Ledger_NoFault(RejectionReason reason);
    error Ledger_NoArbiter(address vault);
    error Ledger_AlreadyChallenged(address vault, address token, uint64 index);
    error Ledger_WrongBond(uint256 value, uint256 expected);
    error Ledger_NotChallenged(address vault, address token);
    error Ledger_NotArbiter(address caller);
    error Ledger_RulingLate(uint64 until, uint64 timestamp);
    error Ledger_RulingOpen(uint64 until, uint64 timestamp);

    error Ledger_NoFallback(address vault);
    error Ledger_NothingUnallocated(address vault, address token);
    error Ledger_FallbackAnnounced(address vault, address token, uint64 executableAt);
    error Ledger_FallbackNotDue(address vault, address token, uint64 executableAt);

    error Ledger_OrderExpired(uint64 deadline, uint64 timestamp);
    error Ledger_NonceUsed(address account, uint256 nonce);
    error Ledger_WrongAccount(address account, address expected);
    error Ledger_ZeroRecipient();
    error Ledger_RootNotActive(address vault, address token, uint64 index);
    error Ledger_BadProof(address account, uint128 cumulative);
    error Ledger_NothingToClaim(address account, uint128 cumulative, uint128 claimed);
    error Ledger_ClaimsExceedSum(address account, uint128 sum);

    /// @notice Posts a root that a quorum of the vault's attestors signed, under the policy in effect.
    /// @dev By anyone who stakes the policy's poster bond, which comes out of what the sender has here, the value of the
    /// call included. The bond of the previous root is released to its poster at the same time, so whoever posts steadily
    /// stakes it once. A challenge on which the arbiter did not rule in time is settled first, as by `timeout`.
    /// Attestations are strictly ascending by signer; every one given must be valid. Emits {RootPosted} and, as they
    /// apply, {BondCredited}, {BondStaked}, {RootRejected}.
    /// Errors: Ledger_UnknownVault, Ledger_RootPending (also if challenged), Ledger_WrongIndex, Ledger_WrongAttempt,
    /// Ledger_TooManyAttempts (65,535), Ledger_WrongPrevRoot, Ledger_ZeroRoot, Ledger_BadLeafCount, Ledger_BadReceipts,
    /// Ledger_ZeroDataHash, Ledger_WrongSettlementPolicy, Ledger_BadPeriodEnd, Ledger_StatementExpired, Ledger_SumFalls,
    /// Ledger_SumExceedsCredited, Ledger_TooFewSignatures, Ledger_AttestationsNotAscending, Ledger_NotASigner,
    /// Ledger_BadSignature, Ledger_BondTooSmall.
    function post(RootStatement calldata statement, Attestation[] calldata attestations) external payable;

    /// @notice Posts many roots, of any vaults and tokens; all or none.
    /// @dev As `post`. Errors: those of `post`, and Ledger_LengthMismatch.
    /// @param attestations Those of each statement.
    function postMany(RootStatement[] calldata statements, Attestation[][] calldata attestations) external payable;

    /// @notice Pays an account what an active root allots to it beyond what it has claimed, or to whom it named. If all
    /// claims together would exceed the newest active sum, as only a root that takes payouts back can cause, what is left
    /// of that is paid.
    /// @dev By anyone. Emits {Claimed}.
    /// Errors: Ledger_RootNotActive, Ledger_BadProof, Ledger_NothingToClaim (also for an older root that allots less
    /// than was claimed), Ledger_ClaimsExceedSum (nothing is left), the errors of `SumTree` and of {IPool-payFromPool}.
    /// @return amount What was paid, in base units.
    function claim(Claim calldata claim_) external returns (uint128 amount);

    /// @notice Many claims at once, of any vaults, tokens and accounts. A claim that somebody else made first is left
    /// out, so that nobody can make a batch fail by claiming one of its parts; every other error reverts the batch.
    /// @return amounts What was paid for each, in base units; 0 for those left out.
    function claimMany(Claim[] calldata claims) external returns (uint128[] memory amounts);

    /// @notice Names who is paid in the caller's place, by claims and by vaults, from now on; zero for the caller itself.
    /// @dev By anyone, for itself. Emits {RecipientSet}.
    function setRecipient(address recipient) external;

    /// @notice Who is paid when an account is: itself, or whom it named.
    function recipientOf(address account) external view returns (address);

    /// @notice Whether a vault has a policy.
    function hasPolicy(address vault) external view returns (bool);

    /// @notice The policy in effect. Errors: Ledger_UnknownVault.
    function policyOf(address vault) external view returns (Policy memory);

    /// @notice The index of the policy in effect; the first is 1. Errors: Ledger_UnknownVault.
    function policyIndexOf(address vault) external view returns (uint24);

    /// @notice A policy that is, was or may come to be in effect. Errors: Ledger_UnknownPolicy.
    function policyAt(address vault, uint24 index) external view returns (Policy memory);

    /// @notice The announced policy's index, and the first second at which it is in effect; both 0 if there is none that
    /// is not in effect yet.
    function announcedPolicyOf(address vault) external view returns (uint24 index, uint64 effectiveAt);

    /// @notice A posted root; all zero, with status NONE, if there is none at that index.
    function rootOf(address vault, address token, uint64 index) external view returns (Root memory);

    /// @notice The newest root that can be claimed against; index 0 and all zero if there is none.
    function newestActive(address vault, address token) external view returns (uint64 index, Root memory root);

    /// @notice How many roots were posted and not rejected, which is the index of the newest one, active or not.
    function rootCount(address vault, address token) external view returns (uint64);

    /// @notice What the next statement must say: all that attestors and posters need to know of this contract.
    function nextOf(address vault, address token) external view returns (Next memory);

    /// @notice The end of the period that the newest root settles; 0 if there is none.
    function periodEnd(address vault, address token) external view returns (uint64);

    /// @notice What an account has claimed so far, in base units. Never falls.
    function claimed(address vault, address token, address account) external view returns (uint128);

    /// @notice What all accounts have claimed so far, in base units: what the vault paid out of its pool. Never falls.
    function totalClaimed(address vault, address token) external view returns (uint128);

    /// @notice What an account can stake or withdraw, in wei.
    function bondOf(address account) external view returns (uint256);

    /// @notice What is staked on the newest root, in wei, and by whom; zero if it was released or lost.
    function stakeOf(address vault, address token) external view returns (address poster, uint256 bond);

    /// @notice What challenging the newest root costs, in wei; 0 if it has no arbiter. Errors: Ledger_NotPending.
    function challengeBondOf(address vault, address token) external view returns (uint256);

    /// @notice The open challenge, also if its time is over; all zero if there is none.
    function challengeOf(address vault, address token) external view returns (Challenge memory);

    /// @notice The first second at which the announced fallback can be executed; 0 if none is announced.
    function fallbackAt(address vault, address token) external view returns (uint64);

    /// @notice Whether an order's nonce was used or cancelled.
    function isNonceUsed(address account, uint256 nonce) external view returns (bool);

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

    /// @notice The contract with the code of what {ILedgerExtension} lists.
    function extension() external view returns (address);
}
