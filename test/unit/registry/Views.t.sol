// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { IERC165 } from "@openzeppelin/contracts/interfaces/IERC165.sol";
import { IERC721 } from "@openzeppelin/contracts/interfaces/IERC721.sol";
import { IERC721Metadata } from "@openzeppelin/contracts/interfaces/IERC721Metadata.sol";

import { AssetRegistry } from "../../../contracts/AssetRegistry.sol";
import { RoyaltyVault } from "../../../contracts/RoyaltyVault.sol";
import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { RegistryFixture } from "../../utils/RegistryFixture.sol";

contract RegistryViewsTest is RegistryFixture {
    function test_the_collection_describes_itself() public {
        assertEq(registry.name(), "Tributary Asset");
        assertEq(registry.symbol(), "ASSET");
        string memory uri = registry.contractURI();
        string memory json = vm.replace(uri, "data:application/json;utf8,", "");
        assertEq(vm.parseJsonString(json, ".name"), "Tributary Assets");
        assertEq(vm.parseJsonString(json, ".symbol"), "ASSET");
        assertTrue(registry.supportsInterface(type(IERC165).interfaceId));
        assertTrue(registry.supportsInterface(type(IERC721).interfaceId));
        assertTrue(registry.supportsInterface(type(IERC721Metadata).interfaceId));
        assertFalse(registry.supportsInterface(0xffffffff));

        RoyaltyVault implementation = RoyaltyVault(payable(registry.vaultImplementation()));
        vm.expectEmit();
        emit IAssetRegistry.ContractURIUpdated();
        new AssetRegistry(implementation);
    }

    function test_assetsOf_is_assetOf_of_each() public {
        uint128[] memory ids = new uint128[](2);
        (ids[0], ids[1]) = (modelId, datasetId);
        IAssetRegistry.Asset[] memory assets = registry.assetsOf(ids);
        assertEq(assets.length, 2);
        assertEq(abi.encode(assets[0]), abi.encode(registry.assetOf(modelId)));
        assertEq(abi.encode(assets[1]), abi.encode(registry.assetOf(datasetId)));
        ids[1] = 1;
        vm.expectRevert(_error(IAssetRegistry.Registry_UnknownAsset.selector, 1));
        registry.assetsOf(ids);
    }

    function testFuzz_versionsOf_gives_those_there_are(uint8 published, uint32 from, uint32 count) public {
        published = uint8(bound(published, 0, 6));
        from = uint32(bound(from, 1, 8));
        if (count > 8) count = type(uint32).max;
        for (uint256 i = 1; i <= published; ++i) {
            vm.prank(owner);
            registry.publish(modelId, bytes32(i), keccak256("manifest"), "");
        }
        IAssetRegistry.Version[] memory versions = registry.versionsOf(modelId, from, count);
        uint256 left = from > published ? 0 : published - from + 1;
        assertEq(versions.length, left < count ? left : count);
        for (uint256 i = 0; i < versions.length; ++i) {
            assertEq(versions[i].contentHash, bytes32(from + i));
        }
    }

    function test_versionsOf_counts_from_one_and_knows_its_assets() public {
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_UnknownVersion.selector, datasetId, 0));
        registry.versionsOf(datasetId, 0, 1);
        vm.expectRevert(_error(IAssetRegistry.Registry_UnknownAsset.selector, 1));
        registry.versionsOf(1, 1, 1);
    }

    function test_dataParents_are_those_of_data_edges_alone() public {
        IAssetRegistry.Registration memory registration = _model("kinds");
        registration.edges = new IAssetRegistry.Edge[](3);
        registration.edges[0] = _edge(parentId, IAssetRegistry.EdgeKind.EVAL, 100);
        registration.edges[1] = _data(parentId, 0);
        registration.edges[2] = _data(datasetId, 900);
        IAssetRegistry.Payee[] memory parents = registry.dataParents(_register(registration));
        assertEq(parents.length, 2);
        assertEq(parents[0].account, registry.vaultOf(parentId));
        assertEq(parents[0].bps, 0);
        assertEq(parents[1].account, address(datasetVault));
        assertEq(parents[1].bps, 900);
        assertEq(registry.dataParents(datasetId).length, 0);
        vm.expectRevert(_error(IAssetRegistry.Registry_UnknownAsset.selector, 1));
        registry.dataParents(1);
    }

    function test_ownerOf_and_tokenURI_revert_for_what_does_not_exist() public {
        bytes memory reason = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1);
        vm.expectRevert(reason);
        registry.ownerOf(1);
        vm.expectRevert(reason);
        registry.tokenURI(1);
        uint256 beyond = uint256(modelId) | 1 << 128;
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, beyond));
        registry.ownerOf(beyond);
    }

    function testFuzz_vaultOf_tells_where_a_vault_will_be(bytes32 salt) public {
        uint128 assetId = registry.assetIdOf(owner, salt);
        vm.assume(assetId != modelId && assetId != datasetId);
        address predicted = registry.vaultOf(assetId);
        assertEq(predicted.code.length, 0);
        _register(_dataset(salt));
        assertEq(RoyaltyVault(payable(predicted)).assetId(), assetId);
        assertEq(RoyaltyVault(payable(predicted)).registry(), address(registry));
    }
}
