// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

import { CommunityFactory } from "../../contracts/CommunityFactory.sol";
import { CommunityGovernor } from "../../contracts/community/CommunityGovernor.sol";
import { CommunityTimelock } from "../../contracts/community/CommunityTimelock.sol";
import { CommunityVotes } from "../../contracts/community/CommunityVotes.sol";
import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { ICommunityFactory } from "../../contracts/interfaces/ICommunityFactory.sol";
import { ICommunityVotes } from "../../contracts/interfaces/ICommunityVotes.sol";
import { IConsentRegistry } from "../../contracts/interfaces/IConsentRegistry.sol";
import { Deploy } from "../../script/Deploy.s.sol";
import { MerkleTreeBuilder } from "./MerkleTreeBuilder.sol";
import { RecordsFixture } from "./RecordsFixture.sol";

/// @title CommunityFixture
/// @notice A community of two founders with 60 and 40 votes that owns a dataset and a model.
abstract contract CommunityFixture is RecordsFixture {
    uint48 internal constant VOTING_DELAY = 1 days;
    uint32 internal constant VOTING_PERIOD = 5 days;
    uint256 internal constant TIMELOCK_DELAY = 2 days;
    uint256 internal constant QUORUM = 50;
    uint256 internal constant CAP = 1_000;
    uint256 internal constant VOTES_PER_RECORD = 3;
    bytes32 internal constant SALT = "community";

    address internal creator = makeAddr("creator");
    address internal ada = makeAddr("ada");
    address internal ben = makeAddr("ben");

    CommunityFactory internal communities;
    CommunityVotes internal votes;
    CommunityGovernor internal governor;
    CommunityTimelock internal timelock;
    uint128 internal ourDataset;
    uint128 internal ourModel;

    function setUp() public virtual override {
        super.setUp();
        communities = new Deploy().deploy().communityFactory;
        vm.prank(creator);
        (ICommunityFactory.Community memory community, uint128[] memory assetIds) =
            communities.create(_charter(), _assets());
        votes = CommunityVotes(community.votes);
        governor = CommunityGovernor(payable(community.governor));
        timelock = CommunityTimelock(payable(community.timelock));
        (ourDataset, ourModel) = (assetIds[0], assetIds[1]);
        vm.warp(START + 1);
    }

    function _charter() internal view returns (ICommunityFactory.Charter memory charter) {
        charter.name = "Village Voices";
        charter.symbol = "VOICE";
        charter.salt = SALT;
        charter.founders = new ICommunityVotes.Founder[](2);
        charter.founders[0] = ICommunityVotes.Founder({ account: ada, votes: 60 });
        charter.founders[1] = ICommunityVotes.Founder({ account: ben, votes: 40 });
        charter.emissionCap = CAP;
        charter.votesPerRecord = VOTES_PER_RECORD;
        charter.votingDelay = VOTING_DELAY;
        charter.votingPeriod = VOTING_PERIOD;
        charter.proposalThreshold = 10;
        charter.quorum = QUORUM;
        charter.timelockDelay = TIMELOCK_DELAY;
    }

    function _assets() internal view returns (IAssetRegistry.Registration[] memory assets) {
        assets = new IAssetRegistry.Registration[](2);
        assets[0] = _dataset("ours");
        assets[1] = _model("our model");
    }

    // Deciding

    function _one(address target, bytes memory data)
        internal
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        (targets, values, calldatas) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calldatas[0]) = (target, data);
    }

    /// @dev Ada proposes, waits until voting has begun, and both vote as told.
    function _proposeAndVote(address target, bytes memory data, string memory why, uint8 adas, uint8 bens)
        internal
        returns (uint256 proposalId)
    {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _one(target, data);
        vm.prank(ada);
        proposalId = governor.propose(targets, values, calldatas, why);
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        vm.prank(ada);
        governor.castVote(proposalId, adas);
        vm.prank(ben);
        governor.castVote(proposalId, bens);
        vm.warp(vm.getBlockTimestamp() + VOTING_PERIOD);
    }

    /// @dev A whole decision: propose, vote, queue, wait, execute by a stranger.
    function _decide(address target, bytes memory data, string memory why) internal {
        uint256 proposalId = _proposeAndVote(target, data, why, 1, 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _one(target, data);
        governor.queue(targets, values, calldatas, keccak256(bytes(why)));
        vm.warp(vm.getBlockTimestamp() + TIMELOCK_DELAY);
        vm.prank(stranger);
        governor.execute(targets, values, calldatas, keccak256(bytes(why)));
        assertEq(uint8(governor.state(proposalId)), uint8(IGovernor.ProposalState.Executed));
    }

    // Records

    /// @dev Publishes and accepts a snapshot of the dataset by the timelock's own hand, without the vote.
    function _snapshot(bytes32[] memory records) internal returns (uint32 version) {
        vm.startPrank(address(timelock));
        version = registry.publish(ourDataset, MerkleTreeBuilder.root(records), keccak256("manifest"), "");
        votes.acceptSnapshot(ourDataset, version, uint64(records.length));
        vm.stopPrank();
    }

    function _acceptance(
        IConsentRegistry.Contribution memory contribution,
        bytes32[] memory given,
        uint256 index,
        uint32 version,
        bytes32[] memory snapshot,
        uint256 snapshotIndex
    ) internal pure returns (ICommunityVotes.Acceptance memory) {
        return ICommunityVotes.Acceptance({
            contribution: contribution,
            commitment: given[index],
            index: uint64(index),
            proof: MerkleTreeBuilder.prove(given, index),
            version: version,
            snapshotIndex: uint64(snapshotIndex),
            snapshotProof: MerkleTreeBuilder.prove(snapshot, snapshotIndex)
        });
    }
}
