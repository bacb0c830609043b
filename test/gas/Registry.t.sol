// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { RegistryFixture } from "../utils/RegistryFixture.sol";
import { Metered } from "./Metered.sol";

/// @notice Gas of what the registry does, and that none of it grows with the depth of the lineage. Exact as whole
/// transactions under `forge test --isolate`.
contract RegistryBudgetsTest is RegistryFixture, Metered {
    /// @dev What zero bytes in random ids make and, in one transaction, slots that are warm already. A single warm read
    /// for each of 99 levels would be more.
    uint256 internal constant NOISE = 6_000;

    uint256 internal registerGas;
    uint256 internal announceGas;
    uint256 internal applyGas;

    function _used() internal view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }

    function _group() internal pure override returns (string memory) {
        return "Registry";
    }

    function _next(uint128 parent, bytes32 salt) internal returns (uint128 assetId) {
        IAssetRegistry.Registration memory registration = _model(salt);
        registration.edges[0] = _edge(parent, IAssetRegistry.EdgeKind.FINETUNE, 1_000);
        vm.startPrank(owner);
        (assetId,) = registry.register(registration);
        registerGas = _used();
        registry.publish(assetId, keccak256("weights"), keccak256("manifest"), "ipfs://release");
        vm.stopPrank();
    }

    /// @dev Registers, announces and applies on top of a line of `depth` models; what each took.
    function _onTopOf(uint256 depth, bytes32 salt) internal returns (uint256, uint256, uint256) {
        uint128 newest = _parentOf(keccak256(abi.encode(salt)), IAssetRegistry.AssetKind.MODEL);
        for (uint256 i = 1; i < depth; ++i) {
            newest = _next(newest, keccak256(abi.encode(salt, i)));
        }
        uint128 assetId = _next(newest, salt);
        uint256 registered = registerGas;

        IAssetRegistry.Change memory change = _addition(500);
        change.added[0] = _edge(newest, IAssetRegistry.EdgeKind.MERGE, 500);
        vm.prank(owner);
        registry.announceChange(assetId, change);
        uint256 announced = _used();
        vm.warp(vm.getBlockTimestamp() + NOTICE);
        registry.applyChange(assetId, change);
        return (registered, announced, _used());
    }

    function _keep(uint256 depth, uint256 registered, uint256 announced, uint256 applied) internal {
        string memory where = string.concat(", depth ", vm.toString(depth));
        vm.snapshotValue(_group(), string.concat("register, 1 edge", where), registered);
        vm.snapshotValue(_group(), string.concat("announce a change, 1 edge added", where), announced);
        vm.snapshotValue(_group(), string.concat("apply a change, 1 edge added", where), applied);
    }

    function test_the_depth_of_the_lineage_costs_nothing() public {
        (uint256 register1, uint256 announce1, uint256 apply1) = _onTopOf(1, "one");
        _keep(1, register1, announce1, apply1);
        for (uint256 depth = 10; depth <= 100; depth *= 10) {
            (uint256 registered, uint256 announced, uint256 applied) = _onTopOf(depth, bytes32(depth));
            _keep(depth, registered, announced, applied);
            assertApproxEqAbs(registered, register1, NOISE, "register");
            assertApproxEqAbs(announced, announce1, NOISE, "announce");
            assertApproxEqAbs(applied, apply1, NOISE, "apply");
        }
    }

    function test_a_change_to_16_edges_stays_within_its_budgets() public {
        IAssetRegistry.Change memory change = _same();
        change.added = new IAssetRegistry.Edge[](15);
        change.edgeShares = new uint16[](16);
        change.edgeShares[0] = 1_000;
        for (uint256 i = 0; i < 15; ++i) {
            change.added[i] = _data(_parent(bytes32(i)), 100);
            change.edgeShares[i + 1] = 100;
        }
        change.shares.poolBps -= 1_500;
        vm.prank(owner);
        registry.announceChange(modelId, change);
        _check("announce a change, 15 edges added", 250_000);
        vm.warp(START + NOTICE);
        registry.applyChange(modelId, change);
        _check("apply a change, 15 edges added", 620_000);
    }

    function test_a_license_check_stays_within_its_budget() public {
        _setRule(parentId, IAssetRegistry.DerivationRule.CLOSED);
        uint128 childId = registry.assetIdOf(stranger, "child");
        vm.prank(parentOwner);
        registry.allowChild(parentId, childId);
        _check("allow a child", 65_000);
        IAssetRegistry.Registration memory registration = _model("child");
        registration.edges[0] = _data(parentId, 1_000);
        vm.prank(stranger);
        registry.register(registration);
        _check("register, 1 edge, allowed", 530_000);
    }

    function test_a_transfer_stays_within_its_budget() public {
        vm.prank(owner);
        registry.transferFrom(owner, stranger, modelId);
        _check("transfer an asset", 90_000);
    }

    function test_register_with_16_edges_stays_within_900k() public {
        IAssetRegistry.Registration memory registration = _model("sixteen");
        registration.edges = new IAssetRegistry.Edge[](16);
        for (uint256 i = 0; i < 16; ++i) {
            registration.edges[i] = _data(_parent(bytes32(i)), 500);
        }
        registration.shares.payeeBps = 500;
        registration.shares.hostBps = 500;
        registration.shares.curatorsBps = 500;
        registration.shares.poolBps = 500;
        vm.prank(owner);
        registry.register(registration);
        _check("register, 16 edges", 900_000);
    }
}
