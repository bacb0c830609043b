// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract DistributeTest is Fixture {
    function _pay(uint256 amount) internal {
        vm.prank(buyer);
        vault.pay("payment", address(dollar), amount);
    }

    function test_distribute_credits_everyone_by_the_share_table() public {
        _pay(10_000);
        vm.expectEmit();
        emit IRoyaltyVault.Credited(address(dollar), address(datasetVault), 1_000);
        vm.expectEmit();
        emit IRoyaltyVault.Credited(address(dollar), payee, 3_000);
        vm.expectEmit();
        emit IRoyaltyVault.Credited(address(dollar), host, 1_000);
        vm.expectEmit();
        emit IRoyaltyVault.Credited(address(dollar), curators, 500);
        vm.expectEmit();
        emit IRoyaltyVault.Distributed(address(dollar), 0, 10_000, 4_500);
        vault.distribute(address(dollar));

        assertEq(vault.creditOf(address(dollar), address(datasetVault)), 1_000);
        assertEq(vault.creditOf(address(dollar), payee), 3_000);
        assertEq(vault.creditOf(address(dollar), host), 1_000);
        assertEq(vault.creditOf(address(dollar), curators), 500);
        assertEq(vault.poolCredited(address(dollar)), 4_500);
        assertEq(vault.distributed(address(dollar)), 10_000);
    }

    function test_distribute_leaves_unearned_fees_alone() public {
        vm.prank(buyer);
        vault.payFee(1, address(dollar), 10_000, 1_000, 100);
        vault.distribute(address(dollar));
        assertEq(vault.poolCredited(address(dollar)), 450);
        assertEq(vault.unearned(address(dollar)), 9_000);
    }

    function test_distribute_keeps_dust_for_later() public {
        _pay(1);
        vault.distribute(address(dollar));
        assertEq(vault.poolCredited(address(dollar)), 0);
        _pay(9_999);
        vault.distribute(address(dollar));
        assertEq(vault.poolCredited(address(dollar)), 4_500);
        assertEq(vault.creditOf(address(dollar), payee), 3_000);
    }

    function test_distribute_adds_up_the_roles_of_one_account() public {
        IAssetRegistry.Registration memory registration = _model("one account");
        registration.shares.host = payee;
        registration.shares.curators = payee;
        vault = _vaultOf(_register(registration));
        vm.prank(buyer);
        dollar.approve(address(vault), type(uint256).max);
        _pay(10_000);
        vault.distribute(address(dollar));
        assertEq(vault.creditOf(address(dollar), payee), 4_500);
    }

    function test_distribute_reverts_when_there_is_nothing_new() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingToDistribute.selector, dollar));
        vault.distribute(address(dollar));
        _pay(10_000);
        vault.distribute(address(dollar));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingToDistribute.selector, dollar));
        vault.distribute(address(dollar));
    }

    function test_distribute_keeps_tokens_apart() public {
        _pay(10_000);
        vm.prank(buyer);
        vault.pay{ value: 2_000 }("payment", NATIVE, 2_000);
        vault.distribute(NATIVE);
        assertEq(vault.poolCredited(NATIVE), 900);
        assertEq(vault.poolCredited(address(dollar)), 0);
    }
}
