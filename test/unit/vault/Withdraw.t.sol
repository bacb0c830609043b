// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { BlockingToken, CallsWhenPaid, RefusesCoin } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract WithdrawTest is Fixture {
    function test_withdraw_pays_the_account_whoever_calls() public {
        _fundPool(10_000);
        vm.expectEmit();
        emit IRoyaltyVault.Withdrawn(address(dollar), payee, payee, 3_000);
        vm.prank(stranger);
        assertEq(vault.withdraw(address(dollar), payee), 3_000);
        assertEq(dollar.balanceOf(payee), 3_000);
        assertEq(vault.creditOf(address(dollar), payee), 0);
        assertEq(vault.accounted(address(dollar)), dollar.balanceOf(address(vault)));
    }

    function test_withdraw_pays_only_what_is_new_the_next_time() public {
        _fundPool(10_000);
        vault.withdraw(address(dollar), payee);
        _fundPool(10_000);
        assertEq(vault.withdraw(address(dollar), payee), 3_000);
    }

    function test_withdraw_pays_an_upstream_vault_which_finds_revenue() public {
        _fundPool(10_000);
        vault.withdraw(address(dollar), address(datasetVault));
        assertEq(datasetVault.sync(address(dollar)), 1_000);
        datasetVault.distribute(address(dollar));
        assertEq(datasetVault.poolCredited(address(dollar)), 800);
    }

    function test_withdraw_pays_an_upstream_vault_native_coin() public {
        vm.prank(buyer);
        vault.pay{ value: 10_000 }("payment", NATIVE, 10_000);
        vault.distribute(NATIVE);
        vault.withdraw(NATIVE, address(datasetVault));
        assertEq(datasetVault.sync(NATIVE), 1_000);
    }

    function test_withdraw_reverts_without_a_credit() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingToWithdraw.selector, dollar, stranger));
        vault.withdraw(address(dollar), stranger);
    }

    function test_withdraw_reverts_the_second_time() public {
        _fundPool(10_000);
        vault.withdraw(address(dollar), payee);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingToWithdraw.selector, dollar, payee));
        vault.withdraw(address(dollar), payee);
    }

    function test_withdraw_of_a_blocked_account_blocks_nobody_else() public {
        BlockingToken token = new BlockingToken();
        token.mint(address(this), 10_000);
        token.approve(address(vault), 10_000);
        vault.pay("payment", address(token), 10_000);
        token.setBlocked(payee, true);
        vault.distribute(address(token));
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, payee));
        vault.withdraw(address(token), payee);
        assertEq(vault.withdraw(address(token), host), 1_000);
        assertEq(vault.creditOf(address(token), payee), 3_000);
        token.setBlocked(payee, false);
        assertEq(vault.withdraw(address(token), payee), 3_000);
    }

    function _nativePayee(address account) internal {
        IAssetRegistry.Registration memory registration = _model("native payee");
        registration.shares.payee = account;
        vault = _vaultOf(_register(registration));
        vm.prank(buyer);
        vault.pay{ value: 10_000 }("payment", NATIVE, 10_000);
        vault.distribute(NATIVE);
    }

    function test_withdraw_to_an_account_that_refuses_coin_blocks_nobody_else() public {
        address refuses = address(new RefusesCoin());
        _nativePayee(refuses);
        vm.expectRevert();
        vault.withdraw(NATIVE, refuses);
        assertEq(vault.withdraw(NATIVE, host), 1_000);
        assertEq(vault.creditOf(NATIVE, refuses), 3_000);
    }

    function test_withdraw_cannot_be_used_to_count_outgoing_coin_as_revenue() public {
        CallsWhenPaid account = new CallsWhenPaid();
        _nativePayee(address(account));
        account.setCall(address(vault), abi.encodeCall(IRoyaltyVault.sync, (NATIVE)));
        vault.withdraw(NATIVE, address(account));
        assertTrue(account.called() && account.failed());
        assertEq(vault.revenue(NATIVE), 10_000);
    }

    function test_payFromPool_pays_when_the_ledger_asks() public {
        _fundPool(10_000);
        vm.prank(address(ledger));
        vault.payFromPool(address(dollar), stranger, 4_500, 4_500);
        assertEq(dollar.balanceOf(stranger), 4_500);
        assertEq(vault.poolPaid(address(dollar)), 4_500);
    }

    function testFuzz_payFromPool_reverts_for_anybody_else(address caller) public {
        vm.assume(caller != address(ledger));
        _fundPool(10_000);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NotLedger.selector, caller));
        vault.payFromPool(address(dollar), caller, 1, 1);
    }

    function test_payFromPool_pays_no_more_than_the_limit_or_the_pool_leaves() public {
        _fundPool(10_000);
        vm.startPrank(address(ledger));
        assertEq(vault.payFromPool(address(dollar), stranger, 4_000, 3_000), 3_000);
        assertEq(vault.payFromPool(address(dollar), stranger, 4_000, 3_000), 0);
        assertEq(vault.payFromPool(address(dollar), stranger, 4_000, 9_000), 1_500);
        assertEq(vault.payFromPool(address(dollar), stranger, 4_000, 9_000), 0);
        assertEq(dollar.balanceOf(stranger), 4_500);
        assertEq(vault.poolPaid(address(dollar)), 4_500);
    }

    function test_initialize_reverts_for_anybody_but_the_registry() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NotRegistry.selector, address(this)));
        vault.initialize(_policy());
    }

    function test_initialize_reverts_the_second_time() public {
        vm.prank(address(registry));
        vm.expectRevert(abi.encodeWithSelector(IAttributionLedger.Ledger_PolicyExists.selector, vault));
        vault.initialize(_policy());
    }

    function test_vault_knows_its_registry_asset_and_ledger() public view {
        assertEq(vault.registry(), address(registry));
        assertEq(vault.assetId(), modelId);
        assertEq(vault.ledger(), address(ledger));
        assertEq(datasetVault.assetId(), datasetId);
    }
}
