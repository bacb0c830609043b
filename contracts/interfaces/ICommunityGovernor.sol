// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title ICommunityGovernor
/// @notice How a community decides: OpenZeppelin's Governor (simple counting, votes by time) over a timelock. A
/// proposal passes if more votes are for it than against and those for and abstaining reach the quorum, which is a plain
/// number of votes, so that records coming in do not move it.
interface ICommunityGovernor {
    /// @notice By which rules a community votes.
    struct Rules {
        /// Seconds from a proposal to the moment at which votes are weighed and voting begins.
        uint48 votingDelay;
        /// Seconds for which voting lasts. Not zero.
        uint32 votingPeriod;
        /// How many votes a proposer needs.
        uint256 proposalThreshold;
        /// How many votes must be for or abstain. Not zero.
        uint256 quorum;
    }

    event QuorumSet(uint256 before, uint256 quorum);

    error Governor_ZeroQuorum();
    error Governor_Unreachable(uint256 votes, uint256 total);

    /// @notice Sets the rules.
    /// @dev Once, by the factory in the transaction that makes the clone, after the votes. Emits {QuorumSet} and those
    /// of OpenZeppelin's settings.
    /// Errors: InvalidInitialization (a second time, or of the implementation), Governor_ZeroQuorum,
    /// Governor_Unreachable (a threshold or a quorum over all votes there are), GovernorInvalidVotingPeriod.
    function initialize(string calldata name, address votes, address timelock, Rules calldata rules) external;

    /// @notice Changes the quorum of proposals whose vote begins later.
    /// @dev By the community's own decision. Emits {QuorumSet}. Errors: GovernorOnlyExecutor, Governor_ZeroQuorum,
    /// Governor_Unreachable (over all votes there are).
    function setQuorum(uint256 quorum) external;
}
