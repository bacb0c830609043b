// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../contracts/interfaces/IAssetRegistry.sol";
import { RegistryFixture } from "../utils/RegistryFixture.sol";

/// @notice Gas of what the registry does, and that none of it grows with the depth of the lineage. Exact as whole
/// transactions under `forge test --isolate`.
contract RegistryBudgetsTest is RegistryFixture {
    /// @dev What zero bytes in random ids make and, in one transaction, slots that are warm already. A single warm read
    /// for each of 99 levels would be more.
    uint256 internal constant NOISE = 6_000;

    uint256 internal registerGas;
    uint256 internal announceGas;
    uint256 internal applyGas;

    function _used() internal view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }

    function _check(string memory what, uint256 budget) internal {
        uint256 used = _used();
        emit log_named_uint(what, used);
        assertLe(used, budget, what);
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

    function test_the_depth_of_the_lineage_costs_nothing() public {
        (uint256 register1, uint256 announce1, uint256 apply1) = _onTopOf(1, "one");
        emit log_named_uint("register, 1 edge", register1);
        emit log_named_uint("announce a change, 1 edge added", announce1);
        emit log_named_uint("apply it", apply1);
        for (uint256 depth = 10; depth <= 100; depth *= 10) {
            (uint256 registered, uint256 announced, uint256 applied) = _onTopOf(depth, bytes32(depth));
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
        _check("apply it", 620_000);
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
}
