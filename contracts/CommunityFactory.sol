// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Clones } from "@openzeppelin/contracts/proxy/Clones.sol";

import { CommunityGovernor } from "./community/CommunityGovernor.sol";
import { CommunityTimelock } from "./community/CommunityTimelock.sol";
import { CommunityVotes } from "./community/CommunityVotes.sol";
import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { ICommunityFactory } from "./interfaces/ICommunityFactory.sol";
import { ICommunityGovernor } from "./interfaces/ICommunityGovernor.sol";
import { ICommunityVotes } from "./interfaces/ICommunityVotes.sol";

/// @title CommunityFactory
/// @notice See {ICommunityFactory}.
contract CommunityFactory is ICommunityFactory {
    /// @inheritdoc ICommunityFactory
    address public immutable registry;
    /// @inheritdoc ICommunityFactory
    address public immutable votesImplementation;
    /// @inheritdoc ICommunityFactory
    address public immutable governorImplementation;
    /// @inheritdoc ICommunityFactory
    address public immutable timelockImplementation;

    constructor(CommunityVotes votes, CommunityGovernor governor, CommunityTimelock timelock) {
        registry = votes.registry();
        votesImplementation = address(votes);
        governorImplementation = address(governor);
        timelockImplementation = address(timelock);
    }

    /// @inheritdoc ICommunityFactory
    function create(Charter calldata charter, IAssetRegistry.Registration[] calldata assets)
        external
        returns (Community memory community, uint128[] memory assetIds)
    {
        // Interaction: only with clones of our own, and with the registry.
        bytes32 communitySalt = _communitySalt(msg.sender, charter.salt);
        community = Community({
            votes: Clones.cloneDeterministic(votesImplementation, communitySalt),
            governor: Clones.cloneDeterministic(governorImplementation, communitySalt),
            timelock: Clones.cloneDeterministic(timelockImplementation, communitySalt)
        });
        _initialize(community, charter);
        assetIds = _register(community.timelock, communitySalt, assets);

        // Log.
        emit CommunityCreated({
            creator: msg.sender, salt: charter.salt, community: community, charter: charter, assetIds: assetIds
        });
    }

    /// @inheritdoc ICommunityFactory
    function predict(address creator, bytes32 salt) external view returns (Community memory) {
        bytes32 communitySalt = _communitySalt(creator, salt);
        return Community({
            votes: Clones.predictDeterministicAddress(votesImplementation, communitySalt),
            governor: Clones.predictDeterministicAddress(governorImplementation, communitySalt),
            timelock: Clones.predictDeterministicAddress(timelockImplementation, communitySalt)
        });
    }

    /// @inheritdoc ICommunityFactory
    function assetIdOf(address creator, bytes32 salt, bytes32 assetSalt) external view returns (uint128) {
        return IAssetRegistry(registry)
            .assetIdOf({ registrant: address(this), salt: _assetSalt(_communitySalt(creator, salt), assetSalt) });
    }

    /// @dev The votes come first: the governor asks them whether its rules can be met.
    function _initialize(Community memory community, Charter calldata charter) private {
        CommunityVotes(community.votes)
            .initialize({
            name_: charter.name,
            symbol_: charter.symbol,
            timelock_: community.timelock,
            emission: ICommunityVotes.Emission({
            founders: charter.founders, cap: charter.emissionCap, votesPerRecord: charter.votesPerRecord
        })
        });
        CommunityGovernor(payable(community.governor))
            .initialize({
            name_: charter.name,
            votes: community.votes,
            timelock_: community.timelock,
            rules: ICommunityGovernor.Rules({
            votingDelay: charter.votingDelay,
            votingPeriod: charter.votingPeriod,
            proposalThreshold: charter.proposalThreshold,
            quorum: charter.quorum
        })
        });

        address[] memory proposers = new address[](1);
        proposers[0] = community.governor;
        // The zero address as executor means anyone; as administrator it means nobody but the timelock itself.
        CommunityTimelock(payable(community.timelock))
            .initialize({
            minDelay: charter.timelockDelay, proposers: proposers, executors: new address[](1), admin: address(0)
        });
    }

    function _register(address timelock, bytes32 communitySalt, IAssetRegistry.Registration[] calldata assets)
        private
        returns (uint128[] memory assetIds)
    {
        assetIds = new uint128[](assets.length);
        for (uint256 i = 0; i < assets.length; ++i) {
            IAssetRegistry.Registration memory registration = assets[i];
            registration.owner = timelock;
            registration.salt = _assetSalt(communitySalt, registration.salt);
            (assetIds[i],) = IAssetRegistry(registry).register(registration);
        }
    }

    function _communitySalt(address creator, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(creator, salt));
    }

    function _assetSalt(bytes32 communitySalt, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(communitySalt, salt));
    }
}
