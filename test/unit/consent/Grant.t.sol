// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { Purposes } from "../../../contracts/libraries/Purposes.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract GrantTest is Fixture {
    address internal factory = makeAddr("factory");

    function _grant(uint128 purposes, uint64 until) internal {
        vm.prank(owner);
        consents.grant(datasetId, factory, purposes, until);
    }

    function test_grant_lets_the_grantee_use_the_dataset() public {
        vm.expectEmit();
        emit IConsentRegistry.Granted(datasetId, factory, Purposes.TRAIN | Purposes.EVALUATE, START + 100);
        _grant(Purposes.TRAIN | Purposes.EVALUATE, START + 100);
        assertTrue(consents.isGranted(datasetId, factory, Purposes.TRAIN));
        assertTrue(consents.isGranted(datasetId, factory, Purposes.TRAIN | Purposes.EVALUATE));
        assertFalse(consents.isGranted(datasetId, factory, Purposes.TRAIN | Purposes.AUDIT));
        assertFalse(consents.isGranted(datasetId, factory, 0));
        assertFalse(consents.isGranted(datasetId, stranger, Purposes.TRAIN));
        assertFalse(consents.isGranted(modelId, factory, Purposes.TRAIN));
        IConsentRegistry.Grant memory given = consents.grantOf(datasetId, factory);
        assertEq(given.purposes, Purposes.TRAIN | Purposes.EVALUATE);
        assertEq(given.until, START + 100);
    }

    function test_grant_ends_at_its_time() public {
        _grant(Purposes.TRAIN, START + 100);
        vm.warp(START + 99);
        assertTrue(consents.isGranted(datasetId, factory, Purposes.TRAIN));
        vm.warp(START + 100);
        assertFalse(consents.isGranted(datasetId, factory, Purposes.TRAIN));
    }

    function test_grant_replaces_the_one_before() public {
        _grant(Purposes.TRAIN, START + 100);
        _grant(Purposes.AUDIT, START + 50);
        assertFalse(consents.isGranted(datasetId, factory, Purposes.TRAIN));
        assertTrue(consents.isGranted(datasetId, factory, Purposes.AUDIT));
    }

    function test_revoke_ends_a_grant_at_once() public {
        _grant(Purposes.TRAIN, START + 100);
        vm.expectEmit();
        emit IConsentRegistry.Revoked(datasetId, factory);
        vm.prank(owner);
        consents.revoke(datasetId, factory);
        assertFalse(consents.isGranted(datasetId, factory, Purposes.TRAIN));
    }

    function test_revoke_reverts_without_a_grant() public {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NoGrant.selector, datasetId, factory));
        consents.revoke(datasetId, factory);
    }

    function testFuzz_grant_and_revoke_revert_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != owner);
        _grant(Purposes.TRAIN, START + 100);
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NotDatasetOwner.selector, datasetId, caller));
        consents.grant(datasetId, factory, Purposes.TRAIN, START + 100);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_NotDatasetOwner.selector, datasetId, caller));
        consents.revoke(datasetId, factory);
    }

    function test_grant_reverts_for_an_unknown_asset() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        consents.grant(1, factory, Purposes.TRAIN, START + 100);
    }

    function test_grant_reverts_without_a_grantee() public {
        vm.prank(owner);
        vm.expectRevert(IConsentRegistry.Consent_ZeroGrantee.selector);
        consents.grant(datasetId, address(0), Purposes.TRAIN, START + 100);
    }

    function testFuzz_grant_reverts_for_no_or_unknown_purposes(uint128 purposes) public {
        vm.assume(purposes == 0 || purposes > Purposes.ALL);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadPurposes.selector, purposes));
        _grant(purposes, START + 100);
    }

    function testFuzz_grant_reverts_when_it_would_be_over(uint64 until) public {
        until = uint64(bound(until, 0, START));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadUntil.selector, until, START));
        _grant(Purposes.TRAIN, until);
    }
}
