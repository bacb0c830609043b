// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { RegistryFixture } from "../../utils/RegistryFixture.sol";

contract ChangeTest is RegistryFixture {
    function _expectAnnounceRevert(IAssetRegistry.Change memory change, bytes memory reason) internal {
        vm.prank(owner);
        vm.expectRevert(reason);
        registry.announceChange(modelId, change);
    }

    // Announcing

    function test_announceChange_keeps_the_hash_and_when_it_may_be_applied() public {
        IAssetRegistry.Change memory change = _addition(500);
        bytes32 changeHash = keccak256(abi.encode(change));
        vm.expectEmit();
        emit IAssetRegistry.ChangeAnnounced(modelId, changeHash, change, START + NOTICE);
        _announce(modelId, change);
        IAssetRegistry.PendingChange memory pending = registry.pendingChangeOf(modelId);
        assertEq(pending.changeHash, changeHash);
        assertEq(pending.effectiveAt, START + NOTICE);
        assertEq(registry.minimumNotice(), NOTICE);
        // Nothing has changed yet.
        (uint32 epoch, IAssetRegistry.Payee[] memory payees,) = registry.shareTable(modelId);
        assertEq(epoch, 0);
        assertEq(payees[1].account, payee);
    }

    function test_announceChange_again_replaces_and_starts_the_notice_anew() public {
        _announce(modelId, _addition(500));
        vm.warp(START + 6 days);
        IAssetRegistry.Change memory second = _addition(600);
        _announce(modelId, second);
        assertEq(registry.pendingChangeOf(modelId).effectiveAt, START + 6 days + NOTICE);

        vm.warp(START + NOTICE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.Registry_OtherChange.selector,
                modelId,
                keccak256(abi.encode(_addition(500))),
                keccak256(abi.encode(second))
            )
        );
        registry.applyChange(modelId, _addition(500));
        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.Registry_ChangeNotDue.selector, modelId, START + 6 days + NOTICE)
        );
        registry.applyChange(modelId, second);
    }

    function testFuzz_change_functions_revert_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != owner);
        _announce(modelId, _same());
        bytes memory reason = abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, modelId, caller);
        vm.startPrank(caller);
        vm.expectRevert(reason);
        registry.announceChange(modelId, _same());
        vm.expectRevert(reason);
        registry.cancelChange(modelId);
    }

    function test_change_functions_revert_for_an_unknown_asset() public {
        bytes memory reason = _error(IAssetRegistry.Registry_UnknownAsset.selector, 1);
        vm.expectRevert(reason);
        registry.announceChange(1, _same());
        vm.expectRevert(reason);
        registry.cancelChange(1);
        vm.expectRevert(reason);
        registry.applyChange(1, _same());
        vm.expectRevert(reason);
        registry.pendingChangeOf(1);
    }

    function testFuzz_announceChange_reverts_unless_every_edge_has_a_share(uint8 count) public {
        vm.assume(count != 2);
        IAssetRegistry.Change memory change = _addition(500);
        change.edgeShares = new uint16[](count);
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_EdgeSharesMismatch.selector, count, 2)
        );
    }

    function testFuzz_announceChange_reverts_when_an_added_edge_says_another_share(uint16 shareBps) public {
        vm.assume(shareBps != 500);
        IAssetRegistry.Change memory change = _addition(500);
        change.edgeShares[1] = shareBps;
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_EdgeShareMismatch.selector, parentId, 500, shareBps)
        );
    }

    function testFuzz_announceChange_reverts_over_16_edges(uint8 added) public {
        added = uint8(bound(added, 16, 200));
        IAssetRegistry.Change memory change = _same();
        change.added = new IAssetRegistry.Edge[](added);
        for (uint256 i = 0; i < added; ++i) {
            change.added[i] = _data(parentId, 0);
        }
        change.edgeShares = new uint16[](uint256(added) + 1);
        change.edgeShares[0] = 1_000;
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_TooManyEdges.selector, uint256(added) + 1)
        );
    }

    function test_applyChange_fills_up_to_16_edges() public {
        IAssetRegistry.Change memory change = _same();
        change.added = new IAssetRegistry.Edge[](15);
        change.edgeShares = new uint16[](16);
        change.edgeShares[0] = 1_000;
        for (uint256 i = 0; i < 15; ++i) {
            change.added[i] = _data(parentId, 100);
            change.edgeShares[i + 1] = 100;
        }
        change.shares.poolBps -= 1_500;
        _announceAndWait(modelId, change);
        registry.applyChange(modelId, change);
        assertEq(registry.edgesOf(modelId).length, 16);
    }

    function test_announceChange_reverts_for_a_parent_that_is_the_asset_itself() public {
        vm.prank(owner);
        registry.publish(modelId, keccak256("weights"), keccak256("manifest"), "");
        IAssetRegistry.Change memory change = _addition(500);
        change.added[0] = _edge(modelId, IAssetRegistry.EdgeKind.FINETUNE, 500);
        _expectAnnounceRevert(change, _error(IAssetRegistry.Registry_OwnParent.selector, modelId));
    }

    function test_announceChange_reverts_for_an_unknown_parent_version_or_kind() public {
        IAssetRegistry.Change memory change = _addition(500);
        change.added[0].parent = 12_345;
        _expectAnnounceRevert(change, _error(IAssetRegistry.Registry_UnknownAsset.selector, 12_345));
        change.added[0].parent = parentId;
        change.added[0].parentVersion = 2;
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_UnknownVersion.selector, parentId, 2)
        );
        change.added[0] = _edge(parentId, IAssetRegistry.EdgeKind.MERGE, 500);
        _expectAnnounceRevert(
            change,
            abi.encodeWithSelector(
                IAssetRegistry.Registry_EdgeKindMismatch.selector, parentId, IAssetRegistry.EdgeKind.MERGE
            )
        );
    }

    function test_announceChange_reverts_when_an_added_share_is_too_small() public {
        IAssetRegistry.Change memory change = _addition(499);
        change.added[0].parent = datasetId;
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_ShareTooSmall.selector, datasetId, 499, 500)
        );
    }

    function testFuzz_announceChange_reverts_when_shares_are_not_whole(uint16 poolBps) public {
        vm.assume(poolBps != MODEL_POOL_BPS);
        IAssetRegistry.Change memory change = _same();
        change.shares.poolBps = poolBps;
        _expectAnnounceRevert(
            change,
            abi.encodeWithSelector(
                IAssetRegistry.Registry_SharesNotWhole.selector, uint256(10_000) - MODEL_POOL_BPS + poolBps
            )
        );
    }

    function testFuzz_announceChange_reverts_when_upstream_is_over_nine_tenths(uint16 shareBps) public {
        shareBps = uint16(bound(shareBps, 9_001, type(uint16).max));
        IAssetRegistry.Change memory change = _same();
        change.edgeShares[0] = shareBps;
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_UpstreamTooLarge.selector, shareBps)
        );
    }

    function test_announceChange_reverts_for_a_share_without_an_address_and_the_reverse() public {
        IAssetRegistry.Change memory change = _same();
        change.shares.host = address(0);
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_PayeeMismatch.selector, address(0), 1_000)
        );
        change = _same();
        change.shares.curatorsBps = 0;
        _expectAnnounceRevert(
            change, abi.encodeWithSelector(IAssetRegistry.Registry_PayeeMismatch.selector, address(0xA3), 0)
        );
    }

    function test_announceChange_reverts_for_a_pool_without_a_policy() public {
        IAssetRegistry.Registration memory registration = _dataset("no pool");
        registration.shares.payeeBps = 10_000;
        registration.shares.poolBps = 0;
        delete registration.policy;
        uint128 assetId = _register(registration);

        IAssetRegistry.Change memory change;
        change.shares.payee = payee;
        change.shares.payeeBps = 2_000;
        change.shares.poolBps = 8_000;
        vm.prank(owner);
        vm.expectRevert(IAssetRegistry.Registry_PoolNeedsPolicy.selector);
        registry.announceChange(assetId, change);

        vm.prank(owner);
        registry.announcePolicy(assetId, _policy());
        _announceAndWait(assetId, change);
        registry.applyChange(assetId, change);
        (,, uint16 poolBps) = registry.shareTable(assetId);
        assertEq(poolBps, 8_000);
    }

    // Cancelling

    function test_cancelChange_takes_it_back() public {
        _announce(modelId, _same());
        vm.expectEmit();
        emit IAssetRegistry.ChangeCancelled(modelId, keccak256(abi.encode(_same())));
        vm.prank(owner);
        registry.cancelChange(modelId);
        assertEq(registry.pendingChangeOf(modelId).changeHash, 0);
        assertEq(registry.pendingChangeOf(modelId).effectiveAt, 0);

        vm.warp(START + NOTICE);
        vm.expectRevert(_error(IAssetRegistry.Registry_NoPendingChange.selector, modelId));
        registry.applyChange(modelId, _same());
    }

    function test_cancelChange_reverts_when_there_is_none() public {
        vm.prank(owner);
        vm.expectRevert(_error(IAssetRegistry.Registry_NoPendingChange.selector, modelId));
        registry.cancelChange(modelId);
    }

    // Applying

    function test_applyChange_replaces_the_table_and_counts_the_epoch() public {
        IAssetRegistry.Change memory change = _addition(500);
        _announceAndWait(modelId, change);
        vm.expectEmit();
        emit IAssetRegistry.ChangeApplied(modelId, keccak256(abi.encode(change)), 1);
        vm.prank(stranger);
        registry.applyChange(modelId, change);

        (uint32 epoch, IAssetRegistry.Payee[] memory payees, uint16 poolBps) = registry.shareTable(modelId);
        assertEq(epoch, 1);
        assertEq(payees.length, 5);
        assertEq(payees[0].account, address(datasetVault));
        assertEq(payees[1].account, registry.vaultOf(parentId));
        assertEq(payees[1].bps, 500);
        assertEq(payees[2].account, address(0xA1));
        assertEq(poolBps, 4_000);
        assertEq(abi.encode(registry.assetOf(modelId).shares), abi.encode(change.shares));
        IAssetRegistry.Edge[] memory edges = registry.edgesOf(modelId);
        assertEq(edges.length, 2);
        assertEq(abi.encode(edges[1]), abi.encode(change.added[0]));
        assertEq(registry.pendingChangeOf(modelId).effectiveAt, 0);
    }

    function test_applyChange_raises_a_share_without_consent() public {
        IAssetRegistry.Change memory change = _lowered(1_500);
        _announceAndWait(modelId, change);
        registry.applyChange(modelId, change);
        assertEq(registry.edgesOf(modelId)[0].shareBps, 1_500);
    }

    function test_applyChange_reverts_the_second_time() public {
        _announceAndWait(modelId, _same());
        registry.applyChange(modelId, _same());
        vm.expectRevert(_error(IAssetRegistry.Registry_NoPendingChange.selector, modelId));
        registry.applyChange(modelId, _same());
    }

    function testFuzz_applyChange_reverts_before_the_notice_has_passed(uint64 time) public {
        _announce(modelId, _same());
        vm.warp(bound(time, START, START + NOTICE - 1));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ChangeNotDue.selector, modelId, START + NOTICE));
        registry.applyChange(modelId, _same());
        vm.warp(START + NOTICE);
        registry.applyChange(modelId, _same());
    }

    function testFuzz_applyChange_reverts_with_other_data(uint16 move) public {
        move = uint16(bound(move, 1, MODEL_POOL_BPS));
        _announceAndWait(modelId, _same());
        IAssetRegistry.Change memory other = _same();
        other.shares.payeeBps += move;
        other.shares.poolBps -= move;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.Registry_OtherChange.selector,
                modelId,
                keccak256(abi.encode(other)),
                keccak256(abi.encode(_same()))
            )
        );
        registry.applyChange(modelId, other);
    }

    function test_applyChange_of_one_asset_cannot_use_the_announcement_of_another() public {
        uint128 otherId = _register(_model("other"));
        _announceAndWait(otherId, _same());
        vm.expectRevert(_error(IAssetRegistry.Registry_NoPendingChange.selector, modelId));
        registry.applyChange(modelId, _same());
    }

    function test_applyChange_follows_the_parents_rules_of_now() public {
        IAssetRegistry.Change memory change = _addition(500);
        _announceAndWait(modelId, change);

        _setRule(parentId, IAssetRegistry.DerivationRule.CLOSED);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_DerivationClosed.selector, parentId, owner));
        registry.applyChange(modelId, change);

        vm.prank(parentOwner);
        registry.allowChild(parentId, modelId);
        registry.applyChange(modelId, change);
    }

    function test_applyChange_reverts_when_a_parent_asks_more_meanwhile() public {
        IAssetRegistry.Change memory change = _addition(500);
        _announceAndWait(modelId, change);
        IAssetRegistry.Derivation memory derivation;
        derivation.minShareBps = 501;
        vm.prank(parentOwner);
        registry.setDerivation(parentId, derivation);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ShareTooSmall.selector, parentId, 500, 501));
        registry.applyChange(modelId, change);
    }

    function test_setDerivation_leaves_children_there_are_as_they_are() public {
        uint128 childId = _child("child", 1_000);
        IAssetRegistry.Derivation memory derivation;
        derivation.rule = IAssetRegistry.DerivationRule.CLOSED;
        derivation.minShareBps = 9_000;
        vm.prank(parentOwner);
        registry.setDerivation(parentId, derivation);
        assertEq(registry.edgesOf(childId)[0].shareBps, 1_000);
        // Its own table can still change around that edge.
        _announceAndWait(childId, _lowered(1_000));
        registry.applyChange(childId, _lowered(1_000));
    }

    // Attacks

    function test_a_second_version_cannot_drop_the_parents_of_the_first() public {
        vm.startPrank(owner);
        registry.publish(modelId, keccak256("v1"), keccak256("manifest"), "");
        registry.publish(modelId, keccak256("v2"), keccak256("manifest"), "");
        vm.stopPrank();
        assertEq(registry.edgesOf(modelId).length, 1);
        // Nor can a change: an edge without a share keeps its place, and losing its share takes consent.
        IAssetRegistry.Change memory change = _lowered(0);
        _announceAndWait(modelId, change);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_ShareFalls.selector, datasetId, 1_000, 0));
        registry.applyChange(modelId, change);
        vm.prank(owner);
        registry.consentToShare(datasetId, modelId, 0);
        registry.applyChange(modelId, change);
        assertEq(registry.edgesOf(modelId).length, 1);
        assertEq(registry.edgesOf(modelId)[0].parent, datasetId);
        assertEq(registry.dataParents(modelId).length, 1);
    }

    function test_a_late_edge_to_a_closed_parent_takes_the_consent_of_its_owner() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.CLOSED);
        _expectAnnounceRevert(
            _addition(500), abi.encodeWithSelector(IAssetRegistry.Registry_DerivationClosed.selector, parentId, owner)
        );
        vm.prank(parentOwner);
        registry.allowChild(parentId, modelId);
        _announceAndWait(modelId, _addition(500));
        registry.applyChange(modelId, _addition(500));
        assertEq(registry.edgesOf(modelId)[1].parent, parentId);
    }

    function test_transfer_cancels_the_pending_change() public {
        _announce(modelId, _same());
        vm.expectEmit();
        emit IAssetRegistry.ChangeCancelled(modelId, keccak256(abi.encode(_same())));
        vm.prank(owner);
        registry.transferFrom(owner, stranger, modelId);
        assertEq(registry.pendingChangeOf(modelId).effectiveAt, 0);
        vm.warp(START + NOTICE);
        vm.expectRevert(_error(IAssetRegistry.Registry_NoPendingChange.selector, modelId));
        registry.applyChange(modelId, _same());
    }

    function test_a_transfer_that_fails_cancels_nothing() public {
        _announce(modelId, _same());
        vm.prank(stranger);
        vm.expectRevert();
        registry.transferFrom(owner, stranger, modelId);
        assertEq(registry.pendingChangeOf(modelId).effectiveAt, START + NOTICE);
    }

    function test_undistributed_money_follows_the_new_table() public {
        vm.prank(buyer);
        vault.pay("payment", address(dollar), 100e6);
        IAssetRegistry.Change memory change = _lowered(2_000);
        _announceAndWait(modelId, change);
        registry.applyChange(modelId, change);
        vault.distribute(address(dollar));
        assertEq(vault.creditOf(address(dollar), address(datasetVault)), 20e6);
        assertEq(vault.creditOf(address(dollar), payee), 0);
        assertEq(vault.creditOf(address(dollar), address(0xA1)), 30e6);
    }

    function test_two_assets_may_become_each_others_parents() public {
        uint128 otherId = _parentOf("other model", IAssetRegistry.AssetKind.MODEL);
        vm.prank(owner);
        registry.publish(modelId, keccak256("weights"), keccak256("manifest"), "");

        IAssetRegistry.Change memory change = _addition(500);
        change.added[0] = _edge(otherId, IAssetRegistry.EdgeKind.MERGE, 500);
        _announceAndWait(modelId, change);
        registry.applyChange(modelId, change);

        IAssetRegistry.Change memory back;
        back.added = new IAssetRegistry.Edge[](1);
        back.added[0] = _edge(modelId, IAssetRegistry.EdgeKind.MERGE, 500);
        back.edgeShares = new uint16[](1);
        back.edgeShares[0] = 500;
        back.shares.payee = payee;
        back.shares.payeeBps = 9_500;
        _announceAndWait(otherId, back);
        registry.applyChange(otherId, back);

        // Money passes once around with each distribution and nothing recurses.
        vm.prank(buyer);
        vault.pay("payment", address(dollar), 100e6);
        vault.distribute(address(dollar));
        vault.withdraw(address(dollar), registry.vaultOf(otherId));
        _vaultOf(otherId).sync(address(dollar));
        _vaultOf(otherId).distribute(address(dollar));
        assertEq(_vaultOf(otherId).creditOf(address(dollar), address(vault)), 250_000);
    }
}
