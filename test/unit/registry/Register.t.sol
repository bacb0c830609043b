// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import { ERC721 } from "solady/tokens/ERC721.sol";

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract RegisterTest is Fixture {
    function _expectRegisterRevert(IAssetRegistry.Registration memory registration, bytes memory reason) internal {
        vm.prank(owner);
        vm.expectRevert(reason);
        registry.register(registration);
    }

    function test_register_mints_the_asset_and_makes_its_vault() public {
        IAssetRegistry.Registration memory registration = _model("new");
        registration.owner = stranger;
        uint128 expectedId = registry.assetIdOf(owner, "new");
        address expectedVault = registry.vaultOf(expectedId);
        assertEq(expectedVault.code.length, 0);
        vm.expectEmit();
        emit IAssetRegistry.AssetRegistered(expectedId, owner, expectedVault, registration);
        vm.prank(owner);
        (uint128 assetId, address newVault) = registry.register(registration);

        assertEq(assetId, expectedId);
        assertEq(newVault, expectedVault);
        assertEq(registry.ownerOf(assetId), stranger);
        assertEq(registry.tokenURI(assetId), "ipfs://model");
        assertGt(newVault.code.length, 0);
        assertEq(abi.encode(ledger.policyOf(newVault)), abi.encode(registration.policy));
    }

    function test_register_keeps_everything_given() public view {
        IAssetRegistry.Registration memory registration = _model("model");
        IAssetRegistry.Asset memory asset = registry.assetOf(modelId);
        assertEq(uint8(asset.kind), uint8(IAssetRegistry.AssetKind.MODEL));
        assertEq(abi.encode(asset.shares), abi.encode(registration.shares));
        assertEq(abi.encode(asset.derivation), abi.encode(registration.derivation));
        assertEq(asset.versions, 0);
        assertEq(asset.vault, address(vault));
        assertEq(abi.encode(registry.edgesOf(modelId)), abi.encode(registration.edges));
        assertEq(registry.assetOf(datasetId).derivation.minShareBps, 500);
    }

    function test_register_gives_the_same_salt_of_others_another_id() public {
        IAssetRegistry.Registration memory registration = _model("model");
        vm.prank(stranger);
        (uint128 assetId,) = registry.register(registration);
        assertNotEq(assetId, modelId);
    }

    function test_shareTable_lists_parents_payee_host_curators_and_pool() public view {
        (, IAssetRegistry.Payee[] memory payees, uint16 poolBps) = registry.shareTable(modelId);
        assertEq(payees.length, 4);
        assertEq(payees[0].account, address(datasetVault));
        assertEq(payees[0].bps, 1_000);
        assertEq(payees[1].account, payee);
        assertEq(payees[1].bps, 3_000);
        assertEq(payees[2].account, host);
        assertEq(payees[3].account, curators);
        assertEq(payees[3].bps, 500);
        assertEq(poolBps, 4_500);
    }

    function test_shareTable_leaves_out_shares_of_nothing() public view {
        (, IAssetRegistry.Payee[] memory payees, uint16 poolBps) = registry.shareTable(datasetId);
        assertEq(payees.length, 1);
        assertEq(payees[0].account, payee);
        assertEq(poolBps, 8_000);
    }

    function test_register_takes_16_edges_and_no_more() public {
        IAssetRegistry.Registration memory registration = _model("many");
        IAssetRegistry.Edge memory edge = registration.edges[0];
        edge.shareBps = 500;
        registration.shares.payeeBps = 0;
        registration.shares.payee = address(0);
        registration.shares.hostBps = 500;
        registration.shares.poolBps = 1_000;
        registration.edges = new IAssetRegistry.Edge[](17);
        for (uint256 i = 0; i < 17; ++i) {
            registration.edges[i] = edge;
        }
        _expectRegisterRevert(registration, abi.encodeWithSelector(IAssetRegistry.Registry_TooManyEdges.selector, 17));

        registration.edges = new IAssetRegistry.Edge[](16);
        for (uint256 i = 0; i < 16; ++i) {
            registration.edges[i] = edge;
        }
        uint128 assetId = _register(registration);
        assertEq(registry.edgesOf(assetId).length, 16);
    }

    function test_register_without_a_pool_needs_no_policy() public {
        IAssetRegistry.Registration memory registration = _dataset("no pool");
        registration.shares.payeeBps = 10_000;
        registration.shares.poolBps = 0;
        delete registration.policy;
        uint128 assetId = _register(registration);
        address newVault = registry.vaultOf(assetId);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_UnknownVault.selector, newVault));
        ledger.policyOf(newVault);
    }

    function test_register_reverts_for_a_pool_without_a_policy() public {
        IAssetRegistry.Registration memory registration = _dataset("no policy");
        delete registration.policy;
        _expectRegisterRevert(registration, abi.encodeWithSelector(IAssetRegistry.Registry_PoolNeedsPolicy.selector));
    }

    function test_register_reverts_for_a_policy_that_the_ledger_refuses() public {
        IAssetRegistry.Registration memory registration = _dataset("bad policy");
        registration.policy.threshold = 4;
        _expectRegisterRevert(
            registration, abi.encodeWithSelector(IAttributionLedger.Ledger_BadThreshold.selector, 4, 3)
        );
    }

    function test_register_reverts_for_an_id_that_is_taken() public {
        _expectRegisterRevert(
            _model("model"), abi.encodeWithSelector(IAssetRegistry.Registry_AssetExists.selector, modelId)
        );
    }

    function test_register_reverts_without_an_owner() public {
        IAssetRegistry.Registration memory registration = _model("no owner");
        registration.owner = address(0);
        _expectRegisterRevert(registration, abi.encodeWithSelector(ERC721.TransferToZeroAddress.selector));
    }

    function test_register_reverts_for_an_unknown_parent() public {
        IAssetRegistry.Registration memory registration = _model("orphan");
        registration.edges[0].parent = 12_345;
        _expectRegisterRevert(
            registration, abi.encodeWithSelector(IAssetRegistry.Registry_UnknownAsset.selector, 12_345)
        );
    }

    function test_register_reverts_for_a_parent_that_is_the_asset_itself() public {
        IAssetRegistry.Registration memory registration = _model("self");
        registration.edges[0].parent = registry.assetIdOf(owner, "self");
        _expectRegisterRevert(
            registration,
            abi.encodeWithSelector(IAssetRegistry.Registry_UnknownAsset.selector, registration.edges[0].parent)
        );
    }

    function testFuzz_register_reverts_for_an_unknown_version(uint32 version) public {
        vm.assume(version != 1);
        IAssetRegistry.Registration memory registration = _model("version");
        registration.edges[0].parentVersion = version;
        _expectRegisterRevert(
            registration, abi.encodeWithSelector(IAssetRegistry.Registry_UnknownVersion.selector, datasetId, version)
        );
    }

    function test_register_reverts_when_the_parent_is_of_another_kind() public {
        IAssetRegistry.Registration memory registration = _model("kind");
        registration.edges[0].kind = IAssetRegistry.EdgeKind.FINETUNE;
        _expectRegisterRevert(
            registration,
            abi.encodeWithSelector(
                IAssetRegistry.Registry_EdgeKindMismatch.selector, datasetId, IAssetRegistry.EdgeKind.FINETUNE
            )
        );
        vm.prank(owner);
        registry.publish(modelId, keccak256("weights"), keccak256("manifest"), "");
        registration.edges[0].parent = modelId;
        registration.edges[0].kind = IAssetRegistry.EdgeKind.DATA;
        _expectRegisterRevert(
            registration,
            abi.encodeWithSelector(
                IAssetRegistry.Registry_EdgeKindMismatch.selector, modelId, IAssetRegistry.EdgeKind.DATA
            )
        );
        registration.edges[0].kind = IAssetRegistry.EdgeKind.FINETUNE;
        _register(registration);
    }

    function test_register_reverts_when_the_parent_is_closed_to_others() public {
        IAssetRegistry.Registration memory closed = _dataset("closed");
        closed.derivation.rule = IAssetRegistry.DerivationRule.CLOSED;
        uint128 closedId = _register(closed);
        vm.prank(owner);
        registry.publish(closedId, keccak256("records"), keccak256("manifest"), "");

        IAssetRegistry.Registration memory registration = _model("child");
        registration.edges[0].parent = closedId;
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.Registry_DerivationClosed.selector, closedId, stranger));
        vm.prank(stranger);
        registry.register(registration);
        // Its owner may derive.
        _register(registration);
    }

    function test_register_reverts_when_the_parents_share_is_too_small() public {
        IAssetRegistry.Registration memory registration = _model("small");
        registration.edges[0].shareBps = 499;
        _expectRegisterRevert(
            registration, abi.encodeWithSelector(IAssetRegistry.Registry_ShareTooSmall.selector, datasetId, 499, 500)
        );
    }

    function test_register_lets_an_evaluation_give_its_parent_nothing() public {
        IAssetRegistry.Registration memory registration = _model("eval");
        registration.edges[0].kind = IAssetRegistry.EdgeKind.EVAL;
        registration.edges[0].shareBps = 0;
        registration.shares.poolBps = 5_500;
        _register(registration);
    }

    function test_register_reverts_when_upstream_is_over_nine_tenths() public {
        IAssetRegistry.Registration memory registration = _model("upstream");
        registration.edges[0].shareBps = 9_001;
        _expectRegisterRevert(
            registration, abi.encodeWithSelector(IAssetRegistry.Registry_UpstreamTooLarge.selector, 9_001)
        );
    }

    function testFuzz_register_reverts_when_shares_are_not_whole(uint16 poolBps) public {
        vm.assume(poolBps != MODEL_POOL_BPS);
        IAssetRegistry.Registration memory registration = _model("whole");
        registration.shares.poolBps = poolBps;
        _expectRegisterRevert(
            registration,
            abi.encodeWithSelector(
                IAssetRegistry.Registry_SharesNotWhole.selector, uint256(10_000) - MODEL_POOL_BPS + poolBps
            )
        );
    }

    function test_register_reverts_for_a_share_without_an_address_and_the_reverse() public {
        IAssetRegistry.Registration memory registration = _model("payee");
        registration.shares.host = address(0);
        _expectRegisterRevert(
            registration, abi.encodeWithSelector(IAssetRegistry.Registry_PayeeMismatch.selector, address(0), 1_000)
        );
        registration = _dataset("payee");
        registration.shares.curators = curators;
        _expectRegisterRevert(
            registration, abi.encodeWithSelector(IAssetRegistry.Registry_PayeeMismatch.selector, curators, 0)
        );
    }

    function test_register_reverts_when_it_asks_more_of_children_than_they_can_give() public {
        IAssetRegistry.Registration memory registration = _dataset("greedy");
        registration.derivation.minShareBps = 9_001;
        _expectRegisterRevert(registration, abi.encodeWithSelector(IAssetRegistry.Registry_BadMinShare.selector, 9_001));
    }

    function test_views_revert_for_an_unknown_asset() public {
        bytes memory reason = abi.encodeWithSelector(IAssetRegistry.Registry_UnknownAsset.selector, 1);
        vm.expectRevert(reason);
        registry.assetOf(1);
        vm.expectRevert(reason);
        registry.edgesOf(1);
        vm.expectRevert(reason);
        registry.shareTable(1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        registry.tokenURI(1);
    }

    function testFuzz_assetIdOf_is_the_low_half_of_the_hash(address registrant, bytes32 salt) public view {
        assertEq(registry.assetIdOf(registrant, salt), uint128(uint256(keccak256(abi.encode(registrant, salt)))));
    }
}
