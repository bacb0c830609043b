// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IGovernor } from "@openzeppelin/contracts/governance/IGovernor.sol";

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { ICommunityGovernor } from "../../../contracts/interfaces/ICommunityGovernor.sol";
import { ICommunityVotes } from "../../../contracts/interfaces/ICommunityVotes.sol";
import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { Purposes } from "../../../contracts/libraries/Purposes.sol";
import { MerkleTreeBuilder } from "../../utils/MerkleTreeBuilder.sol";
import { CommunityFixture } from "../../utils/CommunityFixture.sol";

contract DecideTest is CommunityFixture {
    uint8 internal constant AGAINST = 0;
    uint8 internal constant FOR = 1;
    uint8 internal constant ABSTAIN = 2;

    address internal factory = makeAddr("factory");

    function _grant() internal view returns (bytes memory) {
        return abi.encodeCall(IConsentRegistry.grant, (ourDataset, factory, Purposes.TRAIN, uint64(START + 365 days)));
    }

    function _state(uint256 proposalId) internal view returns (uint8) {
        return uint8(governor.state(proposalId));
    }

    // Whole decisions

    function test_a_community_changes_its_share_table() public {
        IAssetRegistry.Change memory change;
        change.edgeShares = new uint16[](1);
        change.edgeShares[0] = 1_000;
        change.shares = _model("").shares;
        change.shares.hostBps = 500;
        change.shares.poolBps = 5_000;
        _decide(
            address(registry),
            abi.encodeCall(IAssetRegistry.announceChange, (ourModel, change)),
            "More for contributors, less for the host"
        );
        (uint32 epoch,, uint16 poolBps) = registry.shareTable(ourModel);
        assertEq(poolBps, 4_500);

        vm.warp(vm.getBlockTimestamp() + registry.minimumNotice());
        vm.prank(stranger);
        registry.applyChange(ourModel, change);
        (epoch,, poolBps) = registry.shareTable(ourModel);
        assertEq(epoch, 1);
        assertEq(poolBps, 5_000);
    }

    function test_a_community_grants_its_dataset() public {
        assertFalse(consents.isGranted(ourDataset, factory, Purposes.TRAIN));
        _decide(address(consents), _grant(), "Let the factory train on our records");
        assertTrue(consents.isGranted(ourDataset, factory, Purposes.TRAIN));
    }

    function test_a_community_replaces_its_vaults_policy() public {
        IAttributionLedger.Policy memory policy = _policy();
        policy.threshold = 3;
        _decide(
            address(registry),
            abi.encodeCall(IAssetRegistry.announcePolicy, (ourModel, policy)),
            "All three attestors must sign"
        );
        address ourVault = registry.vaultOf(ourModel);
        (, uint64 effectiveAt) = ledger.announcedPolicyOf(ourVault);
        assertEq(ledger.policyOf(ourVault).threshold, 2);
        vm.warp(effectiveAt);
        assertEq(ledger.policyOf(ourVault).threshold, 3);
    }

    function test_a_community_publishes_and_accepts_a_snapshot_and_its_contributors_vote() public {
        bytes32[] memory records = _commitments("cy", 20);
        uint256 key = 0xC1;
        (IConsentRegistry.Contribution memory contribution,) = _give(ourDataset, key, records);
        _decide(
            address(registry),
            abi.encodeCall(
                IAssetRegistry.publish, (ourDataset, MerkleTreeBuilder.root(records), keccak256("manifest"), "")
            ),
            "Publish the first snapshot"
        );
        _decide(address(votes), abi.encodeCall(ICommunityVotes.acceptSnapshot, (ourDataset, 1, 20)), "And accept it");
        ICommunityVotes.Acceptance[] memory all = new ICommunityVotes.Acceptance[](20);
        for (uint256 i = 0; i < 20; ++i) {
            all[i] = _acceptance(contribution, records, i, 1, records, i);
        }
        votes.mintMany(all);

        // With 60 votes the newcomer decides as much as Ada, and may propose.
        vm.warp(vm.getBlockTimestamp() + 1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _one(address(consents), _grant());
        vm.prank(vm.addr(key));
        uint256 proposalId = governor.propose(targets, values, calldatas, "Ours to say");
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        vm.prank(vm.addr(key));
        governor.castVote(proposalId, FOR);
        vm.prank(ben);
        governor.castVote(proposalId, AGAINST);
        vm.warp(vm.getBlockTimestamp() + VOTING_PERIOD);
        assertEq(_state(proposalId), uint8(IGovernor.ProposalState.Succeeded));
    }

    function test_a_community_changes_its_own_quorum() public {
        uint256 before = vm.getBlockTimestamp();
        bytes memory data = abi.encodeCall(ICommunityGovernor.setQuorum, (80));
        _proposeAndVote(address(governor), data, "Harder", FOR, FOR);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = _one(address(governor), data);
        governor.queue(targets, values, calldatas, keccak256("Harder"));
        vm.warp(vm.getBlockTimestamp() + TIMELOCK_DELAY);
        vm.expectEmit();
        emit ICommunityGovernor.QuorumSet(QUORUM, 80);
        governor.execute(targets, values, calldatas, keccak256("Harder"));
        assertEq(governor.quorum(block.timestamp), 80);
        // What was voted on before is judged by what held then.
        assertEq(governor.quorum(before), QUORUM);
    }

    function test_a_community_cannot_decide_never_to_decide_again() public {
        bytes[3] memory wishes = [
            abi.encodeCall(ICommunityGovernor.setQuorum, (0)),
            abi.encodeCall(ICommunityGovernor.setQuorum, (101)),
            abi.encodeWithSignature("setProposalThreshold(uint256)", 101)
        ];
        bytes[3] memory reasons = [
            abi.encodeWithSelector(ICommunityGovernor.Governor_ZeroQuorum.selector),
            abi.encodeWithSelector(ICommunityGovernor.Governor_Unreachable.selector, 101, 100),
            abi.encodeWithSelector(ICommunityGovernor.Governor_Unreachable.selector, 101, 100)
        ];
        for (uint256 i = 0; i < wishes.length; ++i) {
            _proposeAndVote(address(governor), wishes[i], "Wish", FOR, FOR);
            (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
                _one(address(governor), wishes[i]);
            governor.queue(targets, values, calldatas, keccak256("Wish"));
            vm.warp(vm.getBlockTimestamp() + TIMELOCK_DELAY);
            vm.expectRevert(reasons[i]);
            governor.execute(targets, values, calldatas, keccak256("Wish"));
        }
    }

    // Rules

    function testFuzz_setQuorum_reverts_for_anybody(address caller, uint256 quorum) public {
        vm.assume(caller != address(timelock));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, caller));
        governor.setQuorum(quorum);
    }

    function test_a_proposal_under_the_quorum_is_defeated() public {
        // Ben's 40 are fewer than 50, though nobody is against.
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _one(address(consents), _grant());
        vm.prank(ada);
        uint256 proposalId = governor.propose(targets, values, calldatas, "Grant");
        vm.warp(block.timestamp + VOTING_DELAY + 1);
        vm.prank(ben);
        governor.castVote(proposalId, FOR);
        vm.warp(vm.getBlockTimestamp() + VOTING_PERIOD);
        assertEq(_state(proposalId), uint8(IGovernor.ProposalState.Defeated));
    }

    function test_abstaining_counts_for_the_quorum_and_not_for_the_proposal() public {
        uint256 proposalId = _proposeAndVote(address(consents), _grant(), "Grant", ABSTAIN, FOR);
        assertEq(_state(proposalId), uint8(IGovernor.ProposalState.Succeeded));
        proposalId = _proposeAndVote(address(consents), _grant(), "Again", ABSTAIN, AGAINST);
        assertEq(_state(proposalId), uint8(IGovernor.ProposalState.Defeated));
    }

    function test_the_quorum_does_not_grow_with_the_votes() public {
        bytes32[] memory records = _commitments("many", 100);
        (IConsentRegistry.Contribution memory contribution,) = _give(ourDataset, 0xC1, records);
        vm.warp(START + 200);
        uint32 version = _snapshot(records);
        for (uint256 i = 0; i < 100; ++i) {
            votes.mint(_acceptance(contribution, records, i, version, records, i));
        }
        assertEq(votes.totalSupply(), 400);
        // 60 of 400 still pass.
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _one(address(consents), _grant());
        vm.prank(ada);
        uint256 proposalId = governor.propose(targets, values, calldatas, "Grant");
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        vm.prank(ada);
        governor.castVote(proposalId, FOR);
        vm.warp(vm.getBlockTimestamp() + VOTING_PERIOD);
        assertEq(_state(proposalId), uint8(IGovernor.ProposalState.Succeeded));
    }

    function test_votes_that_come_after_the_vote_began_do_not_count() public {
        bytes32[] memory records = _commitments("late", 1);
        (IConsentRegistry.Contribution memory contribution,) = _give(ourDataset, 0xC1, records);
        vm.warp(START + 200);
        uint32 version = _snapshot(records);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _one(address(consents), _grant());
        vm.prank(ada);
        uint256 proposalId = governor.propose(targets, values, calldatas, "Grant");
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        votes.mint(_acceptance(contribution, records, 0, version, records, 0));
        vm.prank(vm.addr(0xC1));
        assertEq(governor.castVote(proposalId, FOR), 0);
    }

    function test_a_proposer_needs_the_threshold() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _one(address(consents), _grant());
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, stranger, 0, 10));
        governor.propose(targets, values, calldatas, "Grant");
    }

    function testFuzz_nothing_is_executed_before_the_delay(uint256 early) public {
        early = bound(early, 1, TIMELOCK_DELAY);
        _proposeAndVote(address(consents), _grant(), "Grant", FOR, FOR);
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _one(address(consents), _grant());
        vm.expectRevert();
        governor.execute(targets, values, calldatas, keccak256("Grant"));
        governor.queue(targets, values, calldatas, keccak256("Grant"));
        uint256 due = vm.getBlockTimestamp() + TIMELOCK_DELAY;
        vm.warp(due - early);
        vm.expectRevert();
        governor.execute(targets, values, calldatas, keccak256("Grant"));
        vm.warp(due);
        governor.execute(targets, values, calldatas, keccak256("Grant"));
        assertTrue(consents.isGranted(ourDataset, factory, Purposes.TRAIN));
    }

    function test_a_proposer_may_cancel_before_the_vote() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            _one(address(consents), _grant());
        vm.prank(ada);
        uint256 proposalId = governor.propose(targets, values, calldatas, "Grant");
        vm.prank(ben);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, proposalId, ben));
        governor.cancel(targets, values, calldatas, keccak256("Grant"));
        vm.prank(ada);
        governor.cancel(targets, values, calldatas, keccak256("Grant"));
        assertEq(_state(proposalId), uint8(IGovernor.ProposalState.Canceled));
    }

    function test_founders_cannot_touch_the_assets_themselves() public {
        vm.startPrank(ada);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, ourModel, ada));
        registry.publish(ourModel, keccak256("a"), keccak256("b"), "");
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NotDatasetOwner.selector, ourDataset, ada));
        consents.grant(ourDataset, ada, Purposes.ALL, START + 10 days);
    }
}
