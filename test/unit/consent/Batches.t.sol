// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { Purposes } from "../../../contracts/libraries/Purposes.sol";
import { ConsentFixture } from "../../utils/ConsentFixture.sol";

contract BatchesTest is ConsentFixture {
    function _grantees(uint256 count) internal pure returns (address[] memory grantees) {
        grantees = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            grantees[i] = address(uint160(0xF000 + i));
        }
    }

    function _batches(uint256 count) internal pure returns (IConsentRegistry.Batch[] memory batches) {
        batches = new IConsentRegistry.Batch[](count);
        for (uint256 i = 0; i < count; ++i) {
            batches[i] = IConsentRegistry.Batch({ root: keccak256(abi.encode("batch", i)), count: uint64(i + 1) });
        }
    }

    function testFuzz_commitMany_commits_all(uint8 count) public {
        count = uint8(bound(count, 0, 20));
        IConsentRegistry.Batch[] memory batches = _batches(count);
        vm.roll(1_000);
        consents.commitMany(batches);
        for (uint256 i = 0; i < count; ++i) {
            assertEq(consents.commitmentOf(batches[i].root, batches[i].count).blockNumber, 1_000);
        }
    }

    function test_commitMany_reverts_as_a_whole() public {
        IConsentRegistry.Batch[] memory batches = _batches(3);
        batches[2].root = 0;
        vm.expectRevert(IConsentRegistry.Consent_ZeroRoot.selector);
        consents.commitMany(batches);
        batches = _batches(3);
        batches[1].count = 0;
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadCount.selector, 0));
        consents.commitMany(batches);
        assertEq(consents.commitmentOf(batches[0].root, batches[0].count).blockNumber, 0);
    }

    function testFuzz_grantMany_and_revokeMany_treat_all_alike(uint8 count, uint128 purposes, uint64 until) public {
        address[] memory grantees = _grantees(bound(count, 0, 20));
        purposes = uint128(bound(purposes, 1, Purposes.ALL));
        until = uint64(bound(until, START + 1, type(uint64).max));
        vm.startPrank(owner);
        consents.grantMany(datasetId, grantees, purposes, until);
        IConsentRegistry.Grant[] memory grants = consents.grantsOf(datasetId, grantees);
        assertEq(grants.length, grantees.length);
        for (uint256 i = 0; i < grantees.length; ++i) {
            assertTrue(consents.isGranted(datasetId, grantees[i], purposes));
            assertEq(abi.encode(grants[i]), abi.encode(consents.grantOf(datasetId, grantees[i])));
        }
        consents.revokeMany(datasetId, grantees);
        for (uint256 i = 0; i < grantees.length; ++i) {
            assertFalse(consents.isGranted(datasetId, grantees[i], purposes));
        }
    }

    function test_grantMany_reverts_as_a_whole() public {
        address[] memory grantees = _grantees(3);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadPurposes.selector, 0));
        consents.grantMany(datasetId, grantees, 0, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadUntil.selector, START, START));
        consents.grantMany(datasetId, grantees, Purposes.TRAIN, START);
        grantees[2] = address(0);
        vm.expectRevert(IConsentRegistry.Consent_ZeroGrantee.selector);
        consents.grantMany(datasetId, grantees, Purposes.TRAIN, START + 1);
        assertFalse(consents.isGranted(datasetId, grantees[0], Purposes.TRAIN));
    }

    function test_revokeMany_reverts_as_a_whole() public {
        address[] memory grantees = _grantees(2);
        vm.startPrank(owner);
        consents.grant(datasetId, grantees[0], Purposes.TRAIN, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NoGrant.selector, datasetId, grantees[1]));
        consents.revokeMany(datasetId, grantees);
        assertTrue(consents.isGranted(datasetId, grantees[0], Purposes.TRAIN));
    }

    function testFuzz_grantMany_and_revokeMany_revert_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != owner);
        bytes memory reason =
            abi.encodeWithSelector(IConsentRegistry.Consent_NotDatasetOwner.selector, datasetId, caller);
        vm.startPrank(caller);
        vm.expectRevert(reason);
        consents.grantMany(datasetId, _grantees(2), Purposes.TRAIN, START + 1);
        vm.expectRevert(reason);
        consents.revokeMany(datasetId, _grantees(2));
    }

    function test_grantMany_and_revokeMany_revert_for_an_unknown_asset() public {
        bytes memory reason = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1);
        vm.expectRevert(reason);
        consents.grantMany(1, _grantees(1), Purposes.TRAIN, START + 1);
        vm.expectRevert(reason);
        consents.revokeMany(1, _grantees(1));
    }

    function test_consentsOf_is_consentOf_of_each() public {
        bytes32[] memory ids = new bytes32[](3);
        ids[0] = _contribute(0);
        vm.warp(START + 10);
        ids[1] = _contribute(1);
        ids[2] = keccak256("unknown");
        vm.prank(contributor);
        consents.withdraw(ids[0]);
        IConsentRegistry.Consent[] memory found = consents.consentsOf(ids);
        assertEq(found.length, 3);
        assertEq(found[0].withdrawnAt, START + 10);
        assertEq(found[1].recordedAt, START + 10);
        assertEq(found[1].contributor, contributor);
        assertEq(found[2].contributor, address(0));
    }
}
