// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { Signatures } from "./Signatures.sol";

/// @title Quorum
/// @notice Whether a policy can be fulfilled, and whether enough of its signers have signed.
library Quorum {
    uint256 internal constant MAX_SIGNERS = 32;
    uint32 internal constant MAX_WINDOW = 30 days;
    uint32 internal constant MIN_ARBITER_PERIOD = 1 hours;
    uint32 internal constant MAX_ARBITER_PERIOD = 30 days;
    uint32 internal constant MIN_FALLBACK_AFTER = 7 days;
    uint32 internal constant MAX_FALLBACK_AFTER = 3_650 days;

    /// @notice Reverts unless a policy can be fulfilled.
    /// @dev Errors: Ledger_SignerCount, Ledger_SignersNotAscending, Ledger_BadThreshold, Ledger_BadWindow,
    /// Ledger_BadArbitration, Ledger_ArbiterIsSigner, Ledger_BadFallbackAfter, Ledger_ZeroSettlementPolicy.
    function check(IAttributionLedger.Policy memory policy) internal pure {
        uint256 count = policy.signers.length;
        if (count == 0 || count > MAX_SIGNERS) revert IAttributionLedger.Ledger_SignerCount(count);
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address signer = policy.signers[i];
            if (signer <= previous) revert IAttributionLedger.Ledger_SignersNotAscending(signer);
            if (signer == policy.arbiter) revert IAttributionLedger.Ledger_ArbiterIsSigner(signer);
            previous = signer;
        }
        if (policy.threshold == 0 || policy.threshold > count) {
            revert IAttributionLedger.Ledger_BadThreshold(policy.threshold, count);
        }
        if (policy.window == 0 || policy.window > MAX_WINDOW) {
            revert IAttributionLedger.Ledger_BadWindow(policy.window);
        }
        _checkArbitration(policy.arbiter, policy.arbiterPeriod, policy.challengeBond);
        uint32 fallbackAfter = policy.fallbackAfter;
        if (fallbackAfter != 0 && (fallbackAfter < MIN_FALLBACK_AFTER || fallbackAfter > MAX_FALLBACK_AFTER)) {
            revert IAttributionLedger.Ledger_BadFallbackAfter(fallbackAfter);
        }
        if (policy.settlementPolicy == 0) revert IAttributionLedger.Ledger_ZeroSettlementPolicy();
    }

    /// @notice Reverts unless enough signers of a policy have signed a digest, and every signature given is good.
    /// @dev Both lists ascend, so one walk over the policy's signers finds every attestor. Errors:
    /// Ledger_TooFewSignatures, Ledger_AttestationsNotAscending, Ledger_NotASigner, Ledger_BadSignature.
    /// @return signers Who signed, ascending.
    function checkSigned(
        IAttributionLedger.Policy memory policy,
        bytes32 digest,
        IAttributionLedger.Attestation[] calldata attestations
    ) internal view returns (address[] memory signers) {
        uint256 given = attestations.length;
        if (given < policy.threshold) revert IAttributionLedger.Ledger_TooFewSignatures(given, policy.threshold);

        signers = new address[](given);
        address[] memory all = policy.signers;
        uint256 next = 0;
        address previous = address(0);
        for (uint256 i = 0; i < given; ++i) {
            address signer = attestations[i].signer;
            if (signer <= previous) revert IAttributionLedger.Ledger_AttestationsNotAscending(signer);
            address known = address(0);
            while (next < all.length && known < signer) {
                known = all[next];
                ++next;
            }
            if (known != signer) revert IAttributionLedger.Ledger_NotASigner(signer);
            if (!Signatures.isValid(signer, digest, attestations[i].signature)) {
                revert IAttributionLedger.Ledger_BadSignature(signer);
            }
            signers[i] = signer;
            previous = signer;
        }
    }

    /// @dev All or nothing: with an arbiter there is a time to rule in and a bond that keeps idle challenges away.
    function _checkArbitration(address arbiter, uint32 arbiterPeriod, uint88 challengeBond) private pure {
        bool isGood = arbiter == address(0)
            ? arbiterPeriod == 0 && challengeBond == 0
            : arbiterPeriod >= MIN_ARBITER_PERIOD && arbiterPeriod <= MAX_ARBITER_PERIOD && challengeBond != 0;
        if (!isGood) revert IAttributionLedger.Ledger_BadArbitration(arbiter, arbiterPeriod, challengeBond);
    }
}
