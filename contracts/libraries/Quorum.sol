// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";

/// @title Quorum
/// @notice A policy as the ledger keeps it: who may sign for a vault, and whether enough of them have.
library Quorum {
    uint256 internal constant MAX_SIGNERS = 32;
    uint32 internal constant MAX_WINDOW = 30 days;

    /// @dev A policy with its signers in place: the first `count`.
    struct StoredPolicy {
        bytes32 settlementPolicy;
        uint8 threshold;
        uint8 count;
        uint32 window;
        address[MAX_SIGNERS] signers;
    }

    /// @notice Reverts unless a policy can be fulfilled.
    /// @dev Errors: Ledger_SignerCount, Ledger_SignersNotAscending, Ledger_BadThreshold, Ledger_BadWindow,
    /// Ledger_ZeroSettlementPolicy.
    function check(IAttributionLedger.Policy calldata policy) internal pure {
        uint256 count = policy.signers.length;
        if (count == 0 || count > MAX_SIGNERS) revert IAttributionLedger.Ledger_SignerCount(count);
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address signer = policy.signers[i];
            if (signer <= previous) revert IAttributionLedger.Ledger_SignersNotAscending(signer);
            previous = signer;
        }
        if (policy.threshold == 0 || policy.threshold > count) {
            revert IAttributionLedger.Ledger_BadThreshold(policy.threshold, count);
        }
        if (policy.window == 0 || policy.window > MAX_WINDOW) {
            revert IAttributionLedger.Ledger_BadWindow(policy.window);
        }
        if (policy.settlementPolicy == 0) revert IAttributionLedger.Ledger_ZeroSettlementPolicy();
    }

    /// @notice Whether a policy was stored here: its threshold is not zero.
    function exists(StoredPolicy storage stored) internal view returns (bool) {
        return stored.threshold != 0;
    }

    /// @notice Stores a policy that was checked.
    function store(StoredPolicy storage stored, IAttributionLedger.Policy calldata policy) internal {
        uint256 count = policy.signers.length;
        stored.settlementPolicy = policy.settlementPolicy;
        stored.threshold = policy.threshold;
        stored.count = SafeCast.toUint8(count);
        stored.window = policy.window;
        for (uint256 i = 0; i < count; ++i) {
            stored.signers[i] = policy.signers[i];
        }
    }

    /// @notice The policy as it was given.
    function load(StoredPolicy storage stored) internal view returns (IAttributionLedger.Policy memory) {
        address[] memory signers = new address[](stored.count);
        for (uint256 i = 0; i < signers.length; ++i) {
            signers[i] = stored.signers[i];
        }
        return IAttributionLedger.Policy({
            signers: signers,
            threshold: stored.threshold,
            window: stored.window,
            settlementPolicy: stored.settlementPolicy
        });
    }

    /// @notice Reverts unless enough signers of the policy have signed a digest, and every signature given is good.
    /// @dev Both lists ascend, so one walk over the policy's signers finds every attestor. Errors:
    /// Ledger_TooFewSignatures, Ledger_AttestationsNotAscending, Ledger_NotASigner, Ledger_BadSignature.
    /// @return signers Who signed, ascending.
    function checkSigned(
        StoredPolicy storage stored,
        bytes32 digest,
        IAttributionLedger.Attestation[] calldata attestations
    ) internal view returns (address[] memory signers) {
        uint256 given = attestations.length;
        if (given < stored.threshold) revert IAttributionLedger.Ledger_TooFewSignatures(given, stored.threshold);

        signers = new address[](given);
        uint256 count = stored.count;
        uint256 next = 0;
        address previous = address(0);
        for (uint256 i = 0; i < given; ++i) {
            address signer = attestations[i].signer;
            if (signer <= previous) revert IAttributionLedger.Ledger_AttestationsNotAscending(signer);
            address known = address(0);
            while (next < count && known < signer) {
                known = stored.signers[next];
                ++next;
            }
            if (known != signer) revert IAttributionLedger.Ledger_NotASigner(signer);
            if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, attestations[i].signature)) {
                revert IAttributionLedger.Ledger_BadSignature(signer);
            }
            signers[i] = signer;
            previous = signer;
        }
    }
}
