// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { RegistryFixture } from "../../utils/RegistryFixture.sol";

contract ShareConsentTest is RegistryFixture {
    uint128 internal childId;

    function setUp() public override {
        super.setUp();
        childId = _child("child", 1_000);
    }

    function _consent(uint16 shareBps) internal {
        vm.prank(registry.ownerOf(parentId));
        registry.consentToShare(parentId, childId, shareBps);
    }

    function _expectFall(uint16 to) internal {
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ShareFalls.selector, parentId, 1_000, to));
        registry.applyChange(childId, _lowered(to));
    }

    function test_consentToShare_is_kept_with_who_gave_it() public {
        vm.expectEmit();
        emit IAssetRegistry.ShareConsented(parentId, childId, parentOwner, 700);
        _consent(700);
        assertEq(registry.shareConsentOf(parentId, childId).owner, parentOwner);
        assertEq(registry.shareConsentOf(parentId, childId).shareBps, 700);
        assertEq(registry.shareConsentOf(parentId, modelId).owner, address(0));
    }

    function testFuzz_consentToShare_reverts_for_anybody_but_the_parents_owner(address caller) public {
        vm.assume(caller != parentOwner);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, parentId, caller));
        registry.consentToShare(parentId, childId, 700);
    }

    function test_consentToShare_reverts_for_an_unknown_parent() public {
        bytes memory reason = _error(IAssetRegistry.Registry_UnknownAsset.selector, 1);
        vm.expectRevert(reason);
        registry.consentToShare(1, childId, 700);
        vm.expectRevert(reason);
        registry.shareConsentOf(1, childId);
    }

    function testFuzz_a_share_does_not_fall_without_consent(uint16 shareBps) public {
        shareBps = uint16(bound(shareBps, 0, 999));
        _announceAndWait(childId, _lowered(shareBps));
        _expectFall(shareBps);
    }

    function testFuzz_a_share_falls_as_far_as_its_parent_consents(uint16 consented, uint16 shareBps) public {
        consented = uint16(bound(consented, 0, 999));
        shareBps = uint16(bound(shareBps, 0, 999));
        _announceAndWait(childId, _lowered(shareBps));
        _consent(consented);
        if (shareBps < consented) {
            _expectFall(shareBps);
        } else {
            registry.applyChange(childId, _lowered(shareBps));
            assertEq(registry.edgesOf(childId)[0].shareBps, shareBps);
        }
    }

    function test_consent_is_used_up_by_the_change() public {
        _consent(500);
        _announceAndWait(childId, _lowered(800));
        registry.applyChange(childId, _lowered(800));
        assertEq(registry.shareConsentOf(parentId, childId).owner, address(0));

        _announceAndWait(childId, _lowered(600));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ShareFalls.selector, parentId, 800, 600));
        registry.applyChange(childId, _lowered(600));
    }

    function test_consent_of_one_parent_is_none_of_another() public {
        uint128 otherId = _parent("other parent");
        vm.prank(parentOwner);
        registry.consentToShare(otherId, childId, 0);
        _announceAndWait(childId, _lowered(500));
        _expectFall(500);
    }

    function test_consent_for_one_child_is_none_for_another() public {
        uint128 otherId = _child("other child", 1_000);
        vm.prank(parentOwner);
        registry.consentToShare(parentId, otherId, 0);
        _announceAndWait(childId, _lowered(500));
        _expectFall(500);
    }

    function test_consent_can_be_taken_back_by_consenting_to_what_there_is() public {
        _consent(500);
        _announceAndWait(childId, _lowered(500));
        _consent(1_000);
        _expectFall(500);
    }

    function test_consent_is_void_once_the_parent_changed_hands() public {
        _consent(500);
        _announceAndWait(childId, _lowered(500));
        vm.prank(parentOwner);
        registry.transferFrom(parentOwner, stranger, parentId);
        assertEq(registry.shareConsentOf(parentId, childId).owner, address(0));
        _expectFall(500);
        // The new owner's counts.
        _consent(500);
        registry.applyChange(childId, _lowered(500));
    }

    function test_consent_stays_void_when_the_parent_comes_back() public {
        _consent(500);
        _announceAndWait(childId, _lowered(500));
        vm.prank(parentOwner);
        registry.transferFrom(parentOwner, stranger, parentId);
        vm.prank(stranger);
        registry.transferFrom(stranger, parentOwner, parentId);
        assertEq(registry.shareConsentOf(parentId, childId).owner, address(0));
        _expectFall(500);
    }

    /// @dev The child with a second edge to the parent's second version, whose shares are as said.
    function _moved(uint16 first, uint16 second, IAssetRegistry.EdgeKind kind)
        internal
        returns (IAssetRegistry.Change memory change)
    {
        vm.prank(parentOwner);
        registry.publish(parentId, keccak256("records 2"), keccak256("manifest 2"), "");
        change = _lowered(0);
        change.added = new IAssetRegistry.Edge[](1);
        change.added[0] = _edge(parentId, kind, second);
        change.added[0].parentVersion = 2;
        change.edgeShares = new uint16[](2);
        change.edgeShares[0] = first;
        change.edgeShares[1] = second;
        change.shares.poolBps = 5_500 - first - second;
    }

    function testFuzz_a_share_may_move_to_a_newer_version_of_the_same_parent(uint16 second) public {
        second = uint16(bound(second, 0, 1_000));
        IAssetRegistry.Change memory change = _moved(1_000 - second, second, IAssetRegistry.EdgeKind.DATA);
        _announceAndWait(childId, change);
        registry.applyChange(childId, change);
        (, IAssetRegistry.Payee[] memory payees,) = registry.shareTable(childId);
        uint256 total = 0;
        for (uint256 i = 0; i < payees.length; ++i) {
            if (payees[i].account == registry.vaultOf(parentId)) total += payees[i].bps;
        }
        assertEq(total, 1_000);
    }

    function test_moving_a_share_between_versions_must_not_lose_any_of_it() public {
        IAssetRegistry.Change memory change = _moved(400, 599, IAssetRegistry.EdgeKind.DATA);
        _announceAndWait(childId, change);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ShareFalls.selector, parentId, 1_000, 999));
        registry.applyChange(childId, change);
    }

    function test_a_share_of_use_cannot_become_one_of_evaluation_without_consent() public {
        IAssetRegistry.Change memory change = _moved(0, 1_000, IAssetRegistry.EdgeKind.EVAL);
        _announceAndWait(childId, change);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ShareFalls.selector, parentId, 1_000, 0));
        registry.applyChange(childId, change);
    }
}
