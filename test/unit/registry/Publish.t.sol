// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract PublishTest is Fixture {
    function test_publish_adds_versions_in_order() public {
        vm.startPrank(owner);
        vm.expectEmit();
        emit IAssetRegistry.VersionPublished(modelId, 1, keccak256("a"), keccak256("b"), "ipfs://1");
        assertEq(registry.publish(modelId, keccak256("a"), keccak256("b"), "ipfs://1"), 1);
        vm.warp(START + 5);
        assertEq(registry.publish(modelId, keccak256("c"), keccak256("d"), "ipfs://2"), 2);

        IAssetRegistry.Version memory version = registry.versionOf(modelId, 2);
        assertEq(version.contentHash, keccak256("c"));
        assertEq(version.manifestHash, keccak256("d"));
        assertEq(version.publishedAt, START + 5);
        assertEq(version.uri, "ipfs://2");
        assertEq(registry.versionOf(modelId, 1).contentHash, keccak256("a"));
        assertEq(registry.assetOf(modelId).versions, 2);
    }

    function test_publish_follows_the_owner() public {
        vm.prank(owner);
        registry.transferFrom(owner, stranger, modelId);
        vm.prank(stranger);
        registry.publish(modelId, keccak256("a"), keccak256("b"), "");
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, modelId, owner));
        registry.publish(modelId, keccak256("a"), keccak256("b"), "");
    }

    function testFuzz_publish_reverts_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != owner);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, modelId, caller));
        registry.publish(modelId, keccak256("a"), keccak256("b"), "");
    }

    function test_publish_reverts_for_an_unknown_asset() public {
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_UnknownAsset.selector, 1));
        registry.publish(1, keccak256("a"), keccak256("b"), "");
    }

    function test_publish_reverts_for_a_zero_hash() public {
        vm.startPrank(owner);
        vm.expectRevert(IAssetRegistry.Registry_ZeroHash.selector);
        registry.publish(modelId, 0, keccak256("b"), "");
        vm.expectRevert(IAssetRegistry.Registry_ZeroHash.selector);
        registry.publish(modelId, keccak256("a"), 0, "");
    }

    function testFuzz_versionOf_reverts_for_an_unknown_version(uint32 version) public {
        vm.assume(version != 1);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_UnknownVersion.selector, datasetId, version));
        registry.versionOf(datasetId, version);
    }
}
