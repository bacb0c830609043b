// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { GovernorUpgradeable } from "@openzeppelin/contracts-upgradeable/governance/GovernorUpgradeable.sol";
import {
    GovernorCountingSimpleUpgradeable
} from "@openzeppelin/contracts-upgradeable/governance/extensions/GovernorCountingSimpleUpgradeable.sol";
import {
    GovernorSettingsUpgradeable
} from "@openzeppelin/contracts-upgradeable/governance/extensions/GovernorSettingsUpgradeable.sol";
import {
    GovernorTimelockControlUpgradeable
} from "@openzeppelin/contracts-upgradeable/governance/extensions/GovernorTimelockControlUpgradeable.sol";
import {
    GovernorVotesUpgradeable
} from "@openzeppelin/contracts-upgradeable/governance/extensions/GovernorVotesUpgradeable.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import { CommunityTimelock } from "./CommunityTimelock.sol";
import { CommunityVotes } from "./CommunityVotes.sol";
import { ICommunityGovernor } from "../interfaces/ICommunityGovernor.sol";

/// @title CommunityGovernor
/// @notice See {ICommunityGovernor}. What every community's governor is a clone of.
contract CommunityGovernor is
    ICommunityGovernor,
    GovernorUpgradeable,
    GovernorSettingsUpgradeable,
    GovernorCountingSimpleUpgradeable,
    GovernorVotesUpgradeable,
    GovernorTimelockControlUpgradeable
{
    using Checkpoints for Checkpoints.Trace208;

    Checkpoints.Trace208 private _quorums;

    /// @dev The implementation itself can never be initialised.
    constructor() {
        _disableInitializers();
    }

    /// @inheritdoc ICommunityGovernor
    function initialize(string calldata name_, address votes, address timelock_, Rules calldata rules)
        external
        initializer
    {
        // Effect: every contract of the suite has the same EIP-712 domain name.
        __EIP712_init("Tributary", version());
        __Governor_init_unchained(name_);
        __GovernorVotes_init(CommunityVotes(votes));
        __GovernorTimelockControl_init(CommunityTimelock(payable(timelock_)));
        __GovernorSettings_init(rules.votingDelay, rules.votingPeriod, rules.proposalThreshold);
        _setQuorum(rules.quorum);
    }

    /// @inheritdoc ICommunityGovernor
    function setQuorum(uint256 quorum_) external onlyGovernance {
        _setQuorum(quorum_);
    }

    /// @notice The votes for and abstaining that a proposal needs, as it stood at a time in seconds since 1970.
    function quorum(uint256 timepoint) public view override returns (uint256) {
        return _quorums.upperLookupRecent(SafeCast.toUint48(timepoint));
    }

    /// @inheritdoc GovernorSettingsUpgradeable
    function proposalThreshold()
        public
        view
        override(GovernorUpgradeable, GovernorSettingsUpgradeable)
        returns (uint256)
    {
        return super.proposalThreshold();
    }

    /// @inheritdoc GovernorTimelockControlUpgradeable
    function state(uint256 proposalId)
        public
        view
        override(GovernorUpgradeable, GovernorTimelockControlUpgradeable)
        returns (ProposalState)
    {
        return super.state(proposalId);
    }

    /// @inheritdoc GovernorTimelockControlUpgradeable
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(GovernorUpgradeable, GovernorTimelockControlUpgradeable)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function _setQuorum(uint256 quorum_) private {
        // Check.
        if (quorum_ == 0) revert Governor_ZeroQuorum();
        _checkReachable(quorum_);

        // Effect.
        (uint208 before,) = _quorums.push(clock(), SafeCast.toUint208(quorum_));

        // Log.
        emit QuorumSet({ before: before, quorum: quorum_ });
    }

    function _setProposalThreshold(uint256 threshold) internal override {
        // Check.
        _checkReachable(threshold);

        // Effect.
        super._setProposalThreshold(threshold);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(GovernorUpgradeable, GovernorTimelockControlUpgradeable) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(GovernorUpgradeable, GovernorTimelockControlUpgradeable) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(GovernorUpgradeable, GovernorTimelockControlUpgradeable) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor()
        internal
        view
        override(GovernorUpgradeable, GovernorTimelockControlUpgradeable)
        returns (address)
    {
        return super._executor();
    }

    /// @dev That many votes exist, so that the community cannot decide what would keep it from ever deciding again.
    function _checkReachable(uint256 votes) private view {
        uint256 total = IERC20(address(token())).totalSupply();
        if (votes > total) revert Governor_Unreachable(votes, total);
    }
}
