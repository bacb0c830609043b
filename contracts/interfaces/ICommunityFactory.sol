// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "./IAssetRegistry.sol";
import { ICommunityVotes } from "./ICommunityVotes.sol";

/// @title ICommunityFactory
/// @notice Makes communities that own their assets: votes, a governor and a timelock, each a clone at an address known
/// beforehand, and the assets registered to the timelock, all in one transaction. Nobody is left with a key to any of it.
interface ICommunityFactory {
    /// @notice What a community is made with.
    struct Charter {
        /// The name of the votes and the governor, and the votes' symbol.
        string name;
        string symbol;
        /// Makes the addresses, with the caller; see {predict}.
        bytes32 salt;
        /// Together they must reach the threshold and the quorum, or nothing could ever pass.
        ICommunityVotes.Founder[] founders;
        /// The most votes there can ever be, the founders' among them; under 2²⁰⁸.
        uint256 emissionCap;
        /// Votes for each accepted record. Not zero.
        uint256 votesPerRecord;
        /// Seconds from a proposal to the moment at which votes are weighed and voting begins.
        uint48 votingDelay;
        /// Seconds for which voting lasts. Not zero.
        uint32 votingPeriod;
        /// How many votes a proposer needs.
        uint256 proposalThreshold;
        /// How many votes must be for a proposal or abstain: a plain number. Not zero.
        uint256 quorum;
        /// Seconds from queueing a proposal that passed to its execution.
        uint256 timelockDelay;
    }

    /// @notice Where a community's parts are.
    struct Community {
        address votes;
        address governor;
        /// Owns the assets.
        address timelock;
    }

    event CommunityCreated(
        address indexed creator, bytes32 indexed salt, Community community, Charter charter, uint128[] assetIds
    );

    /// @notice Makes a community and registers its assets.
    /// @dev By anyone; the addresses are the caller's own, so nobody can take them first. Emits {CommunityCreated}, and
    /// {IAssetRegistry-AssetRegistered} for each asset, whose registrant is the factory: a parent that is not open must
    /// have allowed the child beforehand.
    /// Errors: FailedDeployment (the caller has used the salt), those of {ICommunityVotes-initialize},
    /// {ICommunityGovernor-initialize} and {IAssetRegistry-register}.
    /// @param assets `owner` is not read: the timelock gets them. `salt` makes the id with the community's; see
    /// {assetIdOf}.
    function create(Charter calldata charter, IAssetRegistry.Registration[] calldata assets)
        external
        returns (Community memory community, uint128[] memory assetIds);

    /// @notice Where the parts of a community are, or will be.
    function predict(address creator, bytes32 salt) external view returns (Community memory);

    /// @notice The id that an asset made with a community has, or will have.
    /// @param salt The community's.
    /// @param assetSalt The registration's.
    function assetIdOf(address creator, bytes32 salt, bytes32 assetSalt) external view returns (uint128);

    /// @notice Where the assets are registered.
    function registry() external view returns (address);

    /// @notice What every community's votes are a clone of.
    function votesImplementation() external view returns (address);

    /// @notice What every community's governor is a clone of.
    function governorImplementation() external view returns (address);

    /// @notice What every community's timelock is a clone of.
    function timelockImplementation() external view returns (address);
}
