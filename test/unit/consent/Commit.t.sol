// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract CommitTest is Fixture {
    bytes32 internal constant ROOT = keccak256("root");

    function test_commit_fixes_the_block_and_the_time() public {
        vm.roll(1_000);
        vm.expectEmit();
        emit IConsentRegistry.Committed(ROOT, 12, stranger);
        vm.prank(stranger);
        consents.commit(ROOT, 12);
        IConsentRegistry.Commitment memory commitment = consents.commitmentOf(ROOT, 12);
        assertEq(commitment.blockNumber, 1_000);
        assertEq(commitment.timestamp, START);
    }

    function test_commit_again_changes_and_says_nothing() public {
        vm.roll(1_000);
        consents.commit(ROOT, 12);
        vm.roll(2_000);
        vm.warp(START + 100);
        vm.recordLogs();
        consents.commit(ROOT, 12);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 0);
        assertEq(consents.commitmentOf(ROOT, 12).blockNumber, 1_000);
        assertEq(consents.commitmentOf(ROOT, 12).timestamp, START);
    }

    function test_commit_with_another_count_does_not_spoil_the_root() public {
        vm.prank(stranger);
        consents.commit(ROOT, 1);
        vm.roll(2_000);
        consents.commit(ROOT, 12);
        assertEq(consents.commitmentOf(ROOT, 12).blockNumber, 2_000);
    }

    function test_commit_reverts_for_a_zero_root() public {
        vm.expectRevert(IConsentRegistry.Consent_ZeroRoot.selector);
        consents.commit(0, 1);
    }

    function testFuzz_commit_reverts_for_a_bad_count(uint64 count) public {
        vm.assume(count == 0 || count > 1 << 32);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadCount.selector, count));
        consents.commit(ROOT, count);
    }

    function test_commitmentOf_is_zero_for_what_was_not_committed() public view {
        assertEq(consents.commitmentOf(ROOT, 12).blockNumber, 0);
    }
}
