// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { SSTORE2 } from "solady/utils/SSTORE2.sol";

import { IAttributionLedger } from "../../interfaces/IAttributionLedger.sol";
import { ILedgerExtension } from "../../interfaces/ILedgerExtension.sol";
import { Quorum } from "../../libraries/Quorum.sol";
import { Policies } from "../Policies.sol";

/// @title PolicyChanges
/// @notice How a vault gets its first policy, and how another takes its place: announced, and long enough before that
/// whatever was posted under the old one is resolved.
abstract contract PolicyChanges is ILedgerExtension, Policies {
    /// @dev Beyond the time in which every root posted under either policy is resolved.
    uint256 internal constant POLICY_NOTICE = 1 days;

    /// @inheritdoc ILedgerExtension
    function registerPolicy(IAttributionLedger.Policy memory policy) external {
        // Check: the policy is the caller's first, and can be fulfilled.
        if (_hasPolicy(msg.sender)) revert IAttributionLedger.Ledger_PolicyExists(msg.sender);
        Quorum.check(policy);

        // Effect.
        _lines[msg.sender] = Line({ pointer: SSTORE2.write(abi.encode(policy)), index: 1, changeAt: 0 });

        // Log.
        emit IAttributionLedger.PolicyRegistered({ vault: msg.sender, index: 1, policy: policy });
    }

    /// @inheritdoc ILedgerExtension
    function announcePolicy(IAttributionLedger.Policy memory policy) external {
        // Check.
        (uint24 index, IAttributionLedger.Policy memory current) = _policyInEffect(msg.sender);
        Quorum.check(policy);

        // Effect.
        _enact(msg.sender);
        uint256 delay = Math.max(_resolution(current), _resolution(policy)) + POLICY_NOTICE;
        uint48 effectiveAt = SafeCast.toUint48(block.timestamp + delay);
        _pointers[msg.sender][index + 1] = SSTORE2.write(abi.encode(policy));
        _lines[msg.sender].changeAt = effectiveAt;

        // Log.
        emit IAttributionLedger.PolicyAnnounced({
            vault: msg.sender, index: index + 1, policy: policy, effectiveAt: effectiveAt
        });
    }

    /// @inheritdoc ILedgerExtension
    function cancelPolicy() external {
        // Check.
        Line storage line = _lines[msg.sender];
        if (!_isWaiting(line)) revert IAttributionLedger.Ledger_NoPolicyAnnounced(msg.sender);

        // Effect.
        line.changeAt = 0;

        // Log.
        emit IAttributionLedger.PolicyCancelled({ vault: msg.sender, index: line.index + 1 });
    }

    /// @dev Moves the line on to a policy that has taken effect, so that reading it is cheap again.
    function _enact(address vault) private {
        Line storage line = _lines[vault];
        if (!_isDue(line)) return;
        uint24 index = line.index;
        _pointers[vault][index] = line.pointer;
        _lines[vault] = Line({ pointer: _pointers[vault][index + 1], index: index + 1, changeAt: 0 });
    }

    /// @dev How long a root of this policy can stay unresolved, in seconds.
    function _resolution(IAttributionLedger.Policy memory policy) private pure returns (uint256) {
        return uint256(policy.window) + policy.arbiterPeriod;
    }
}
