// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { Stage } from "./Stage.sol";

/// @title Policies
/// @notice Owners who announce other policies for their vaults, and take announcements back.
abstract contract Policies is Stage {
    uint256 internal constant POLICY_NOTICE = 1 days;

    /// @dev All policies of a vault; index 1 stands at 0. The last is announced while `policyAt` is not 0.
    IAttributionLedger.Policy[][VAULTS] private _policies;
    uint256[VAULTS] public policyAt;

    constructor() {
        for (uint256 i = 0; i < VAULTS; ++i) {
            _policies[i].push(ledger.policyOf(address(_vaults[i])));
        }
    }

    function announcePolicy(uint256 seed) external step {
        uint256 vaultIndex = _pair(seed) / TOKENS;
        IAttributionLedger.Policy memory policy = _drawPolicy(vaultIndex, seed);
        IAttributionLedger.Policy memory current = _policies[vaultIndex][policyIndex(vaultIndex) - 1];
        uint256 slower = policy.window + policy.arbiterPeriod;
        if (current.window + current.arbiterPeriod > slower) slower = current.window + current.arbiterPeriod;
        _drop(vaultIndex);

        vm.prank(registry.ownerOf(assets[vaultIndex]));
        registry.announcePolicy(assets[vaultIndex], policy);
        _policies[vaultIndex].push(policy);
        policyAt[vaultIndex] = clock + slower + POLICY_NOTICE;
        _reach("policy announced");
    }

    function cancelPolicy(uint256 seed) external step {
        uint256 vaultIndex = _pair(seed) / TOKENS;
        if (clock >= policyAt[vaultIndex]) return;
        vm.prank(registry.ownerOf(assets[vaultIndex]));
        registry.cancelPolicy(assets[vaultIndex]);
        _drop(vaultIndex);
        _reach("policy cancelled");
    }

    /// @dev The index of the policy in effect, by time alone.
    function policyIndex(uint256 vaultIndex) public view returns (uint256) {
        uint256 count = _policies[vaultIndex].length;
        return clock < policyAt[vaultIndex] ? count - 1 : count;
    }

    function policyOf(uint256 vaultIndex, uint256 index) public view returns (IAttributionLedger.Policy memory) {
        return _policies[vaultIndex][index - 1];
    }

    /// @dev What was announced is not any more, if it is not in effect yet.
    function _drop(uint256 vaultIndex) internal {
        if (policyIndex(vaultIndex) != _policies[vaultIndex].length) _policies[vaultIndex].pop();
        else if (policyAt[vaultIndex] != 0) _reach("policy in effect");
        policyAt[vaultIndex] = 0;
    }

    /// @dev Every other has no arbiter. Bonds cannot be divided without a rest.
    function _drawPolicy(uint256 vaultIndex, uint256 seed) private returns (IAttributionLedger.Policy memory policy) {
        policy = _stagePolicy(vaultIndex == DATASET ? 0 : 7 days);
        seed = _mix(seed, "policy");
        policy.window = uint32(6 hours + seed % 2 days);
        policy.posterBond = uint88((seed >> 32) % 3 * 1 ether + (seed >> 64) % 2);
        policy.threshold = uint8(2 + (seed >> 72) % 2);
        if ((seed >> 80) % 2 == 0) {
            (policy.arbiter, policy.arbiterPeriod, policy.challengeBond) = (address(0), 0, 0);
        } else {
            policy.arbiterPeriod = uint32(1 hours + (seed >> 96) % 3 days);
            policy.challengeBond = uint88(1 + (seed >> 160) % 1 ether);
        }
    }
}
