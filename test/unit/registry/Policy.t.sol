// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { RegistryFixture } from "../../utils/RegistryFixture.sol";

contract PolicyTest is RegistryFixture {
    /// @dev Half the attestors, one signature.
    function _other() internal view returns (IAttributionLedger.Policy memory policy) {
        policy = _policy();
        policy.threshold = 1;
    }

    function _announcePolicy(uint128 assetId) internal {
        vm.prank(owner);
        registry.announcePolicy(assetId, _other());
    }

    function test_announcePolicy_gives_the_vault_another_after_the_ledgers_delay() public {
        _announcePolicy(modelId);
        (uint24 index, uint64 effectiveAt) = ledger.announcedPolicyOf(address(vault));
        assertEq(index, 2);
        assertEq(effectiveAt, START + WINDOW + 1 days);
        vm.warp(effectiveAt - 1);
        assertEq(ledger.policyOf(address(vault)).threshold, 2);
        vm.warp(effectiveAt);
        assertEq(ledger.policyOf(address(vault)).threshold, 1);
    }

    function test_announcePolicy_registers_the_first_at_once() public {
        IAssetRegistry.Registration memory registration = _dataset("no pool");
        registration.shares.payeeBps = 10_000;
        registration.shares.poolBps = 0;
        delete registration.policy;
        uint128 assetId = _register(registration);
        address newVault = registry.vaultOf(assetId);
        vm.expectEmit();
        emit IAttributionLedger.PolicyRegistered(newVault, 1, _other());
        _announcePolicy(assetId);
        assertEq(ledger.policyOf(newVault).threshold, 1);
        // The second is announced like anybody's.
        _announcePolicy(assetId);
        (uint24 index,) = ledger.announcedPolicyOf(newVault);
        assertEq(index, 2);
    }

    function test_announcePolicy_reverts_for_a_policy_that_the_ledger_refuses() public {
        IAttributionLedger.Policy memory policy = _policy();
        policy.threshold = 4;
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_BadThreshold.selector, 4, 3));
        registry.announcePolicy(modelId, policy);
    }

    function test_cancelPolicy_takes_it_back() public {
        _announcePolicy(modelId);
        vm.expectEmit();
        emit IAttributionLedger.PolicyCancelled(address(vault), 2);
        vm.prank(owner);
        registry.cancelPolicy(modelId);
        vm.warp(START + 30 days);
        assertEq(ledger.policyOf(address(vault)).threshold, 2);
    }

    function test_cancelPolicy_reverts_when_none_waits() public {
        bytes memory reason =
            abi.encodeWithSelector(IAttributionLedger.Ledger_NoPolicyAnnounced.selector, address(vault));
        vm.startPrank(owner);
        vm.expectRevert(reason);
        registry.cancelPolicy(modelId);
        registry.announcePolicy(modelId, _other());
        vm.warp(START + WINDOW + 1 days);
        vm.expectRevert(reason);
        registry.cancelPolicy(modelId);
    }

    function testFuzz_policy_functions_revert_for_anybody_but_the_owner(address caller) public {
        vm.assume(caller != owner);
        bytes memory reason = abi.encodeWithSelector(IAssetRegistry.Registry_NotOwner.selector, modelId, caller);
        vm.startPrank(caller);
        vm.expectRevert(reason);
        registry.announcePolicy(modelId, _policy());
        vm.expectRevert(reason);
        registry.cancelPolicy(modelId);
    }

    function test_policy_functions_revert_for_an_unknown_asset() public {
        bytes memory reason = _error(IAssetRegistry.Registry_UnknownAsset.selector, 1);
        vm.expectRevert(reason);
        registry.announcePolicy(1, _policy());
        vm.expectRevert(reason);
        registry.cancelPolicy(1);
    }

    function test_transfer_cancels_the_policy_that_waits() public {
        _announcePolicy(modelId);
        vm.expectEmit();
        emit IAttributionLedger.PolicyCancelled(address(vault), 2);
        vm.prank(owner);
        registry.transferFrom(owner, stranger, modelId);
        vm.warp(START + 30 days);
        assertEq(ledger.policyOf(address(vault)).threshold, 2);
        assertEq(registry.ownerOf(modelId), stranger);
    }

    function test_transfer_leaves_a_policy_that_has_taken_effect() public {
        _announcePolicy(modelId);
        vm.warp(START + WINDOW + 1 days);
        vm.prank(owner);
        registry.transferFrom(owner, stranger, modelId);
        assertEq(ledger.policyOf(address(vault)).threshold, 1);
    }

    function test_transfer_of_an_asset_without_a_policy_needs_none() public {
        IAssetRegistry.Registration memory registration = _dataset("no pool");
        registration.shares.payeeBps = 10_000;
        registration.shares.poolBps = 0;
        delete registration.policy;
        uint128 assetId = _register(registration);
        vm.prank(owner);
        registry.transferFrom(owner, stranger, assetId);
        assertEq(registry.ownerOf(assetId), stranger);
    }

    /// @dev By every way an ERC-721 token moves.
    function testFuzz_every_kind_of_transfer_cancels(uint8 way) public {
        _announcePolicy(modelId);
        _announce(modelId, _same());
        vm.startPrank(owner);
        registry.approve(stranger, modelId);
        vm.stopPrank();
        vm.startPrank(stranger);
        if (way % 3 == 0) registry.transferFrom(owner, stranger, modelId);
        if (way % 3 == 1) registry.safeTransferFrom(owner, stranger, modelId);
        if (way % 3 == 2) registry.safeTransferFrom(owner, stranger, modelId, "data");
        assertEq(registry.pendingChangeOf(modelId).effectiveAt, 0);
        (, uint64 effectiveAt) = ledger.announcedPolicyOf(address(vault));
        assertEq(effectiveAt, 0);
    }
}
