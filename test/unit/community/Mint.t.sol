// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { ICommunityVotes } from "../../../contracts/interfaces/ICommunityVotes.sol";
import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { CommunityFixture } from "../../utils/CommunityFixture.sol";

contract MintTest is CommunityFixture {
    uint256 internal constant KEY = 0xC0FFEE;
    uint256 internal constant THIEF_KEY = 0xBAD;
    address internal contributor = vm.addr(KEY);
    address internal thief = vm.addr(THIEF_KEY);

    bytes32[] internal records;
    /// @dev Somebody else's record, then the contributor's.
    bytes32[] internal snapshot;
    IConsentRegistry.Contribution internal contribution;
    bytes32 internal id;
    uint32 internal version;

    function setUp() public override {
        super.setUp();
        records = _commitments("mine", 5);
        (contribution, id) = _give(ourDataset, KEY, records);
        snapshot.push(keccak256("another's"));
        for (uint256 i = 0; i < 4; ++i) {
            // The last record was screened out.
            snapshot.push(records[i]);
        }
        vm.warp(START + 100);
        version = _snapshot(snapshot);
    }

    function _accept(uint256 index) internal view returns (ICommunityVotes.Acceptance memory) {
        return _acceptance(contribution, records, index, version, snapshot, index + 1);
    }

    function _expectMintRevert(ICommunityVotes.Acceptance memory acceptance, bytes memory reason) internal {
        vm.expectRevert(reason);
        votes.mint(acceptance);
    }

    // Snapshots

    function test_acceptSnapshot_keeps_the_root_and_the_count() public {
        vm.startPrank(address(timelock));
        registry.publish(ourDataset, keccak256("root"), keccak256("manifest"), "");
        vm.expectEmit();
        emit ICommunityVotes.SnapshotAccepted(ourDataset, 2, keccak256("root"), 12);
        votes.acceptSnapshot(ourDataset, 2, 12);
        ICommunityVotes.Snapshot memory accepted = votes.snapshotOf(ourDataset, 2);
        assertEq(accepted.root, keccak256("root"));
        assertEq(accepted.leafCount, 12);
        assertEq(accepted.publishedAt, START + 100);
        assertEq(votes.snapshotOf(ourDataset, 3).leafCount, 0);
    }

    function test_acceptSnapshot_again_corrects_the_count() public {
        vm.startPrank(address(timelock));
        votes.acceptSnapshot(ourDataset, version, 4);
        vm.stopPrank();
        _expectMintRevert(
            _accept(0),
            abi.encodeWithSelector(ICommunityVotes.Community_NotInSnapshot.selector, ourDataset, version, records[0])
        );
        vm.prank(address(timelock));
        votes.acceptSnapshot(ourDataset, version, 5);
        votes.mint(_accept(0));
    }

    function testFuzz_acceptSnapshot_reverts_for_anybody_but_the_timelock(address caller) public {
        vm.assume(caller != address(timelock));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ICommunityVotes.Community_NotTimelock.selector, caller));
        votes.acceptSnapshot(ourDataset, version, 5);
    }

    function test_acceptSnapshot_reverts_for_what_the_community_does_not_own() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(ICommunityVotes.Community_NotOwned.selector, datasetId));
        votes.acceptSnapshot(datasetId, 1, 5);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        votes.acceptSnapshot(1, 1, 5);
        vm.expectRevert(abi.encodeWithSelector(ICommunityVotes.Community_NotADataset.selector, ourModel));
        votes.acceptSnapshot(ourModel, 1, 5);
    }

    function testFuzz_acceptSnapshot_reverts_for_an_unknown_version(uint32 unknown) public {
        vm.assume(unknown != version);
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_UnknownVersion.selector, ourDataset, unknown));
        votes.acceptSnapshot(ourDataset, unknown, 5);
    }

    function testFuzz_acceptSnapshot_reverts_for_a_bad_count(uint64 count) public {
        vm.assume(count == 0 || count > 1 << 32);
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(ICommunityVotes.Community_BadLeafCount.selector, count));
        votes.acceptSnapshot(ourDataset, version, count);
    }

    // Minting

    function testFuzz_mint_gives_the_contributor_its_votes_whoever_asks(uint256 index, address caller) public {
        index = bound(index, 0, 3);
        vm.expectEmit();
        emit ICommunityVotes.RecordCounted(records[index], id, contributor, VOTES_PER_RECORD);
        vm.prank(caller);
        votes.mint(_accept(index));
        assertEq(votes.balanceOf(contributor), VOTES_PER_RECORD);
        assertEq(votes.getVotes(contributor), VOTES_PER_RECORD);
        assertEq(votes.holdingOf(records[index]).contributor, contributor);
        assertEq(votes.holdingOf(records[index]).recordedAt, START + 1);
        vm.warp(START + 101);
        assertEq(votes.getPastVotes(contributor, START + 100), VOTES_PER_RECORD);
        assertEq(votes.getPastTotalSupply(START + 100), 100 + VOTES_PER_RECORD);
    }

    function test_mintMany_gives_all_and_passes_over_what_is_counted() public {
        ICommunityVotes.Acceptance[] memory all = new ICommunityVotes.Acceptance[](4);
        for (uint256 i = 0; i < 4; ++i) {
            all[i] = _accept(i);
        }
        // Somebody tries to stop the batch by minting one of it first.
        vm.prank(stranger);
        votes.mint(all[2]);
        assertEq(votes.mintMany(all), 3);
        assertEq(votes.balanceOf(contributor), 4 * VOTES_PER_RECORD);
        assertEq(votes.mintMany(all), 0);
        assertEq(votes.totalSupply(), 100 + 4 * VOTES_PER_RECORD);
    }

    function test_mintMany_reverts_as_a_whole_for_one_that_is_wrong() public {
        ICommunityVotes.Acceptance[] memory all = new ICommunityVotes.Acceptance[](2);
        (all[0], all[1]) = (_accept(0), _accept(1));
        all[1].proof = all[0].proof;
        vm.expectRevert(abi.encodeWithSelector(ICommunityVotes.Community_NotInContribution.selector, id, records[1]));
        votes.mintMany(all);
        assertEq(votes.balanceOf(contributor), 0);
    }

    function test_mint_reverts_for_a_snapshot_that_was_not_accepted() public {
        vm.prank(address(timelock));
        registry.publish(ourDataset, keccak256("root"), keccak256("manifest"), "");
        ICommunityVotes.Acceptance memory acceptance = _accept(0);
        acceptance.version = 2;
        _expectMintRevert(
            acceptance, abi.encodeWithSelector(ICommunityVotes.Community_SnapshotNotAccepted.selector, ourDataset, 2)
        );
    }

    function test_mint_reverts_for_a_contribution_to_another_dataset() public {
        (contribution,) = _give(datasetId, KEY, records);
        _expectMintRevert(
            _accept(0),
            abi.encodeWithSelector(ICommunityVotes.Community_SnapshotNotAccepted.selector, datasetId, version)
        );
    }

    function testFuzz_mint_reverts_without_consent(uint256 nonce) public {
        vm.assume(nonce != contribution.nonce);
        contribution.nonce = nonce;
        _expectMintRevert(
            _accept(0),
            abi.encodeWithSelector(
                ICommunityVotes.Community_NoConsent.selector, consents.hashContribution(contribution)
            )
        );
    }

    function test_mint_reverts_for_a_record_that_was_screened_out() public {
        ICommunityVotes.Acceptance memory acceptance = _acceptance(contribution, records, 4, version, snapshot, 4);
        _expectMintRevert(
            acceptance,
            abi.encodeWithSelector(ICommunityVotes.Community_NotInSnapshot.selector, ourDataset, version, records[4])
        );
    }

    function test_mint_reverts_for_a_record_of_another() public {
        ICommunityVotes.Acceptance memory acceptance = _accept(0);
        (acceptance.commitment, acceptance.snapshotIndex) = (snapshot[0], 0);
        _expectMintRevert(
            acceptance, abi.encodeWithSelector(ICommunityVotes.Community_NotInContribution.selector, id, snapshot[0])
        );
    }

    // Attacks

    function test_mint_reverts_after_withdrawal() public {
        vm.prank(contributor);
        consents.withdrawRecord(contribution, records[0], 0, _accept(0).proof);
        _expectMintRevert(
            _accept(0), abi.encodeWithSelector(ICommunityVotes.Community_Withdrawn.selector, id, records[0])
        );
        votes.mint(_accept(1));
        vm.prank(contributor);
        consents.withdraw(id);
        _expectMintRevert(
            _accept(2), abi.encodeWithSelector(ICommunityVotes.Community_Withdrawn.selector, id, records[2])
        );
    }

    function _expectCounted(ICommunityVotes.Acceptance memory acceptance) internal {
        _expectMintRevert(
            acceptance,
            abi.encodeWithSelector(
                ICommunityVotes.Community_AlreadyCounted.selector, acceptance.commitment, contributor
            )
        );
    }

    function test_votes_are_not_minted_twice_from_the_same_snapshot() public {
        votes.mint(_accept(0));
        _expectCounted(_accept(0));
        // Nor where the snapshot lists the record twice.
        snapshot.push(records[0]);
        version = _snapshot(snapshot);
        _expectCounted(_acceptance(contribution, records, 0, version, snapshot, 5));
    }

    function test_votes_are_not_minted_twice_from_a_later_snapshot() public {
        votes.mint(_accept(0));
        snapshot.push(keccak256("new"));
        version = _snapshot(snapshot);
        _expectCounted(_accept(0));
        assertEq(votes.balanceOf(contributor), VOTES_PER_RECORD);
    }

    function test_votes_are_not_minted_twice_from_another_contribution() public {
        votes.mint(_accept(0));
        (contribution,) = _give(ourDataset, KEY, records);
        vm.warp(START + 200);
        version = _snapshot(snapshot);
        _expectCounted(_accept(0));
        assertEq(votes.balanceOf(contributor), VOTES_PER_RECORD);
    }

    function test_votes_are_not_minted_for_commitments_copied_from_the_snapshot() public {
        (IConsentRegistry.Contribution memory copy, bytes32 copyId) = _give(ourDataset, THIEF_KEY, snapshot);
        _expectMintRevert(
            _acceptance(copy, snapshot, 1, version, snapshot, 1),
            abi.encodeWithSelector(ICommunityVotes.Community_RecordedTooLate.selector, copyId, START + 100, START + 100)
        );
    }

    function test_votes_for_a_copied_commitment_go_back_to_whose_consent_was_first() public {
        // Copied from the first snapshot, and minted by way of the second.
        (IConsentRegistry.Contribution memory copy,) = _give(ourDataset, THIEF_KEY, snapshot);
        vm.warp(START + 200);
        version = _snapshot(snapshot);
        votes.mint(_acceptance(copy, snapshot, 1, version, snapshot, 1));
        assertEq(votes.getVotes(thief), VOTES_PER_RECORD);

        vm.expectEmit();
        emit ICommunityVotes.RecordReclaimed(records[0], thief, VOTES_PER_RECORD);
        votes.mint(_accept(0));
        assertEq(votes.getVotes(thief), 0);
        assertEq(votes.balanceOf(thief), 0);
        assertEq(votes.getVotes(contributor), VOTES_PER_RECORD);
        assertEq(votes.totalSupply(), 100 + VOTES_PER_RECORD);
        // And there they stay.
        _expectCounted(_acceptance(copy, snapshot, 1, version, snapshot, 1));
    }

    function test_reclaimed_votes_leave_the_delegate_too() public {
        (IConsentRegistry.Contribution memory copy,) = _give(ourDataset, THIEF_KEY, snapshot);
        vm.warp(START + 200);
        version = _snapshot(snapshot);
        votes.mint(_acceptance(copy, snapshot, 1, version, snapshot, 1));
        vm.prank(thief);
        votes.delegate(stranger);
        votes.mint(_accept(0));
        assertEq(votes.getVotes(stranger), 0);
    }

    function testFuzz_mint_stops_at_the_cap(uint256 left) public {
        left = bound(left, 0, 2 * VOTES_PER_RECORD);
        deal(address(votes), ada, CAP - left - 40, true);
        assertEq(votes.totalSupply(), CAP - left);
        if (left < VOTES_PER_RECORD) {
            _expectMintRevert(
                _accept(0),
                abi.encodeWithSelector(ICommunityVotes.Community_CapExceeded.selector, VOTES_PER_RECORD, CAP)
            );
        } else {
            votes.mint(_accept(0));
        }
        assertLe(votes.totalSupply(), CAP);
    }
}
