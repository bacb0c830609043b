// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "./IAttributionLedger.sol";

/// @title ILedgerExtension
/// @notice What of {IAttributionLedger} is not done at every period: policies, bonds, faults, challenges, fallbacks and
/// orders. Call it on the ledger.
interface ILedgerExtension {
    /// @notice Gives the calling vault its first policy, at once.
    /// @dev By a vault, once. Emits {PolicyRegistered}.
    /// Errors: Ledger_PolicyExists, Ledger_SignerCount (none, or more than 32), Ledger_SignersNotAscending (also for a
    /// zero or repeated signer), Ledger_BadThreshold, Ledger_BadWindow, Ledger_BadArbitration (some but not all of
    /// arbiter, period and challenge bond, or a period out of bounds), Ledger_ArbiterIsSigner, Ledger_BadFallbackAfter,
    /// Ledger_ZeroSettlementPolicy.
    function registerPolicy(IAttributionLedger.Policy calldata policy) external;

    /// @notice Announces another policy for the calling vault. It takes effect by time alone, a day after every root
    /// posted under the old or the new policy now would be resolved: after the larger window + arbiterPeriod of the two,
    /// plus 1 day.
    /// @dev By a vault that has a policy. An announcement before that moment replaces the earlier one and starts the wait
    /// anew. Roots keep the policy they were posted under. Emits {PolicyAnnounced}.
    /// Errors: Ledger_UnknownVault and those of `registerPolicy` but Ledger_PolicyExists.
    function announcePolicy(IAttributionLedger.Policy calldata policy) external;

    /// @notice Takes the calling vault's announced policy back.
    /// @dev Before it takes effect. Emits {PolicyCancelled}. Errors: Ledger_NoPolicyAnnounced.
    function cancelPolicy() external;

    /// @notice Releases the bond staked on the newest root, once that is active, to its poster.
    /// @dev By anyone. Emits {BondCredited}. Errors: Ledger_RootPending, Ledger_NoBond (none staked, or released).
    function releaseBond(address vault, address token) external;

    /// @notice Pays out what an account has here; a vault's goes into its pool, as native coin.
    /// @dev By anyone; the money always goes to the account. Emits {BondWithdrawn}. Errors: Ledger_NoBond, and whatever a
    /// recipient that refuses reverts with.
    /// @return amount In wei.
    function withdrawBond(address account) external returns (uint256 amount);

    /// @notice Rejects the newest root because two of its leaves are out of order, or are of one account.
    /// @dev By anyone, until the root is active, also while it is challenged; there is nothing to judge. Half of the
    /// poster's bond, rounded down, goes to the caller and the rest to the pool; an open challenger gets its bond back.
    /// What a quorum hides behind nodes that are no tree's cannot be shown by leaves: that is for the arbiter.
    /// Emits {RootRejected}. Errors: Ledger_NotPending, Ledger_BadProof, Ledger_NoFault, the errors of `SumTree`.
    /// @param first A leaf of the newest root.
    /// @param second A leaf of the newest root with a greater index, whose account is not greater.
    function proveDisorder(
        address vault,
        address token,
        IAttributionLedger.Leaf calldata first,
        IAttributionLedger.Leaf calldata second
    ) external;

    /// @notice Rejects the newest root because it allots an account less than the last active one.
    /// @dev As `proveDisorder`.
    /// @param previous The account's leaf in the last active root.
    /// @param current The account's leaf in the newest root, which is lower.
    function proveDecrease(
        address vault,
        address token,
        IAttributionLedger.Leaf calldata previous,
        IAttributionLedger.Leaf calldata current
    ) external;

    /// @notice Rejects the newest root because it leaves out an account of the last active one.
    /// @dev As `proveDisorder`.
    /// @param previous The account's leaf in the last active root.
    /// @param bracket Leaves of the newest root that show where the account is not: two with adjacent indices, of a lower
    /// and a greater account; or the first, of a greater account; or the last, of a lower one.
    function proveOmission(
        address vault,
        address token,
        IAttributionLedger.Leaf calldata previous,
        IAttributionLedger.Leaf[] calldata bracket
    ) external;

    /// @notice Challenges the newest root before the arbiter of its policy. Until it is resolved the root is not active.
    /// @dev By anyone, while the root is pending, once for each root; the value of the call is exactly {challengeBondOf}.
    ///
    /// The arbiter upholds: the root is rejected, half of the poster's bond, rounded down, goes to the challenger and the
    /// rest to the pool; the challenger gets its bond back. It dismisses: half of the challenger's bond, rounded down,
    /// goes to the poster and the rest to the pool. It is silent: the root is rejected all the same, the poster gets its
    /// bond back, the challenger loses a tenth of its own, rounded up, to the pool, and the next challenge at this index
    /// costs twice as much.
    ///
    /// Emits {Challenged}. Errors: Ledger_NotPending, Ledger_AlreadyChallenged, Ledger_NoArbiter, Ledger_WrongBond.
    /// @param reasonHash keccak256 of what the challenger published to the arbiter.
    function challenge(address vault, address token, bytes32 reasonHash) external payable;

    /// @notice Decides the open challenge. A root whose challenge is dismissed is active when it would have been, or now.
    /// @dev By the arbiter of the root's policy, until the challenge's time is over. Emits {RootRejected} or
    /// {ChallengeDismissed}. Errors: Ledger_NotChallenged, Ledger_NotArbiter, Ledger_RulingLate.
    function rule(address vault, address token, IAttributionLedger.Ruling ruling) external;

    /// @notice Rejects a challenged root on which the arbiter did not rule in time.
    /// @dev By anyone. Emits {RootRejected}. Errors: Ledger_NotChallenged, Ledger_RulingOpen.
    function timeout(address vault, address token) external;

    /// @notice Announces that what no root allots goes to the data parents' vaults if no root is posted for the policy's
    /// `fallbackAfter`.
    /// @dev By anyone, while the newest root is active or there is none, and the pool has something unallocated. Any post
    /// undoes it. Emits {FallbackAnnounced}. Errors: Ledger_UnknownVault, Ledger_NoFallback (never, by the policy),
    /// Ledger_RootPending, Ledger_NothingUnallocated, Ledger_FallbackAnnounced (before).
    function announceFallback(address vault, address token) external;

    /// @notice Moves what no root allots into the credits of the data parents' vaults. Never to the owner's side.
    /// @dev By anyone, from the announced moment on. Emits {FallbackExecuted}. Errors: Ledger_FallbackNotDue (also if it
    /// was not announced, or a root was posted since), Ledger_NothingUnallocated, and those of {IPool-fallbackPool}.
    /// @return amount In base units.
    function executeFallback(address vault, address token) external returns (uint128 amount);

    /// @notice Many claims of one account at once, paid to whom the account's signature says.
    /// @dev By anyone. Emits {NonceUsed} and {Claimed}. Errors: those of `claimMany`; Ledger_WrongAccount (a claim of
    /// another account), Ledger_ZeroRecipient, Ledger_OrderExpired, Ledger_NonceUsed, Ledger_BadSignature.
    /// @return amounts What was paid for each, in base units; 0 for those claimed before.
    function claimTo(
        IAttributionLedger.Claim[] calldata claims,
        IAttributionLedger.ClaimOrder calldata order,
        bytes calldata signature
    ) external returns (uint128[] memory amounts);

    /// @notice Withdraws many credits from vaults, each to its account, or to whom that named.
    /// @dev By anyone. Those with nothing to withdraw are left out; every other error reverts the batch.
    /// @return amounts What was paid for each, in base units.
    function withdrawMany(IAttributionLedger.Withdrawal[] calldata withdrawals)
        external
        returns (uint128[] memory amounts);

    /// @notice Withdraws one account's credits from vaults, paid to whom its signature says.
    /// @dev By anyone. Those with nothing to withdraw are left out. Emits {NonceUsed}. Errors: Ledger_ZeroRecipient,
    /// Ledger_OrderExpired, Ledger_NonceUsed, Ledger_BadSignature, and what paying reverts with.
    /// @return amounts What was paid for each, in base units.
    function withdrawTo(IAttributionLedger.WithdrawOrder calldata order, bytes calldata signature)
        external
        returns (uint128[] memory amounts);

    /// @notice Makes sure that no order of the caller with this nonce is executed any more.
    /// @dev By anyone, for itself. Emits {NonceUsed}. Errors: Ledger_NonceUsed.
    function cancelNonce(uint256 nonce) external;
}
