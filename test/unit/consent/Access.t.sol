// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { Purposes } from "../../../contracts/libraries/Purposes.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract AccessTest is Fixture {
    bytes32 internal constant EVIDENCE = keccak256("training manifest");
    address internal factory = makeAddr("factory");

    function setUp() public override {
        super.setUp();
        vm.prank(owner);
        consents.grant(datasetId, factory, Purposes.TRAIN | Purposes.AUDIT, START + 100);
    }

    function _expectNotGranted(address caller, uint128 purposes) internal {
        vm.prank(caller);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.Consent_NotGranted.selector, datasetId, caller, purposes)
        );
        consents.recordAccess(datasetId, 1, purposes, EVIDENCE);
    }

    function test_recordAccess_says_who_used_what_for_what() public {
        vm.expectEmit();
        emit IConsentRegistry.Accessed(datasetId, 1, factory, Purposes.TRAIN, EVIDENCE);
        vm.prank(factory);
        consents.recordAccess(datasetId, 1, Purposes.TRAIN, EVIDENCE);
    }

    function testFuzz_recordAccess_is_open_to_the_owner_for_every_purpose(uint128 purposes) public {
        purposes = uint128(bound(purposes, 1, Purposes.ALL));
        vm.expectEmit();
        emit IConsentRegistry.Accessed(datasetId, 1, owner, purposes, EVIDENCE);
        vm.prank(owner);
        consents.recordAccess(datasetId, 1, purposes, EVIDENCE);
    }

    function testFuzz_recordAccess_reverts_without_a_grant(address caller) public {
        vm.assume(caller != owner && caller != factory);
        _expectNotGranted(caller, Purposes.TRAIN);
    }

    function test_recordAccess_reverts_for_a_purpose_that_was_not_granted() public {
        _expectNotGranted(factory, Purposes.EVALUATE);
        _expectNotGranted(factory, Purposes.TRAIN | Purposes.EVALUATE);
    }

    function testFuzz_recordAccess_reverts_once_the_grant_is_over(uint64 time) public {
        vm.warp(bound(time, START + 100, START + 3_650 days));
        _expectNotGranted(factory, Purposes.TRAIN);
    }

    function test_recordAccess_reverts_after_the_grant_was_revoked() public {
        vm.prank(owner);
        consents.revoke(datasetId, factory);
        _expectNotGranted(factory, Purposes.TRAIN);
    }

    function testFuzz_recordAccess_reverts_for_no_or_unknown_purposes(uint128 purposes) public {
        vm.assume(purposes == 0 || purposes > Purposes.ALL);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.Consent_BadPurposes.selector, purposes));
        consents.recordAccess(datasetId, 1, purposes, EVIDENCE);
    }

    function testFuzz_recordAccess_reverts_for_an_unknown_version(uint32 version) public {
        vm.assume(version != 1);
        vm.prank(factory);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_UnknownVersion.selector, datasetId, version));
        consents.recordAccess(datasetId, version, Purposes.TRAIN, EVIDENCE);
    }

    function test_recordAccess_reverts_for_an_unknown_dataset() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        consents.recordAccess(1, 1, Purposes.TRAIN, EVIDENCE);
    }
}
