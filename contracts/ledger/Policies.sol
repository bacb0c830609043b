// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SSTORE2 } from "solady/utils/SSTORE2.sol";

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { Quorum } from "../libraries/Quorum.sol";

/// @title Policies
/// @notice Every vault's policies: the one in effect, the one announced, and the old ones that roots were posted under.
abstract contract Policies is IAttributionLedger {
    /// @dev Beyond the time in which every root posted under either policy is resolved.
    uint256 internal constant POLICY_NOTICE = 1 days;

    /// @dev Policies are kept as code, so that reading one costs one account. Another one takes effect by time alone:
    /// from `changeAt` on, if that is not 0, the next index is in effect, whatever stands here.
    struct Line {
        address pointer;
        uint24 index;
        uint48 changeAt;
    }

    mapping(address vault => Line) private _lines;
    /// @dev The policies at all indices but that of the line.
    mapping(address vault => mapping(uint24 index => address)) private _pointers;

    /// @inheritdoc IAttributionLedger
    function registerPolicy(Policy calldata policy) external {
        // Check: the policy is the caller's first, and can be fulfilled.
        if (hasPolicy(msg.sender)) revert Ledger_PolicyExists(msg.sender);
        Quorum.check(policy);

        // Effect.
        _lines[msg.sender] = Line({ pointer: SSTORE2.write(abi.encode(policy)), index: 1, changeAt: 0 });

        // Log.
        emit PolicyRegistered({ vault: msg.sender, index: 1, policy: policy });
    }

    /// @inheritdoc IAttributionLedger
    function announcePolicy(Policy calldata policy) external {
        // Check.
        (uint24 index, Policy memory current) = _policyInEffect(msg.sender);
        Quorum.check(policy);

        // Effect.
        _enact(msg.sender);
        uint256 delay = Math.max(_resolution(current), _resolution(policy)) + POLICY_NOTICE;
        uint48 effectiveAt = SafeCast.toUint48(block.timestamp + delay);
        _pointers[msg.sender][index + 1] = SSTORE2.write(abi.encode(policy));
        _lines[msg.sender].changeAt = effectiveAt;

        // Log.
        emit PolicyAnnounced({ vault: msg.sender, index: index + 1, policy: policy, effectiveAt: effectiveAt });
    }

    /// @inheritdoc IAttributionLedger
    function cancelPolicy() external {
        // Check.
        Line storage line = _lines[msg.sender];
        if (!_isWaiting(line)) revert Ledger_NoPolicyAnnounced(msg.sender);

        // Effect.
        line.changeAt = 0;

        // Log.
        emit PolicyCancelled({ vault: msg.sender, index: line.index + 1 });
    }

    /// @inheritdoc IAttributionLedger
    function hasPolicy(address vault) public view returns (bool) {
        return _lines[vault].index != 0;
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

    /// @dev The policy that roots are posted under now.
    function _policyInEffect(address vault) internal view returns (uint24 index, Policy memory policy) {
        index = _indexInEffect(vault);
        policy = _policyAt(vault, index);
    }

    /// @dev A policy that exists.
    function _policyAt(address vault, uint24 index) internal view returns (Policy memory) {
        Line storage line = _lines[vault];
        address pointer = index == line.index ? line.pointer : _pointers[vault][index];
        return abi.decode(SSTORE2.read(pointer), (Policy));
    }

    /// @dev Moves the line on to a policy that has taken effect, so that reading it is cheap again.
    function _enact(address vault) internal {
        Line storage line = _lines[vault];
        if (!_isDue(line)) return;
        uint24 index = line.index;
        _pointers[vault][index] = line.pointer;
        _lines[vault] = Line({ pointer: _pointers[vault][index + 1], index: index + 1, changeAt: 0 });
    }

    function _indexInEffect(address vault) private view returns (uint24 index) {
        Line storage line = _lines[vault];
        index = line.index;
        if (index == 0) revert Ledger_UnknownVault(vault);
        if (_isDue(line)) ++index;
    }

    function _isDue(Line storage line) private view returns (bool) {
        uint48 changeAt = line.changeAt;
        return changeAt != 0 && block.timestamp >= changeAt;
    }

    function _isWaiting(Line storage line) private view returns (bool) {
        return block.timestamp < line.changeAt;
    }

    /// @dev How long a root of this policy can stay unresolved, in seconds.
    function _resolution(Policy memory policy) private pure returns (uint256) {
        return uint256(policy.window) + policy.arbiterPeriod;
    }
}
