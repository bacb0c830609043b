// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { FeeOnTransferToken } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract PayTest is Fixture {
    function test_pay_is_revenue_at_once() public {
        vm.expectEmit();
        emit IRoyaltyVault.Paid("call 1", buyer, address(dollar), 500);
        vm.prank(buyer);
        assertEq(vault.pay("call 1", address(dollar), 500), 500);
        assertEq(vault.revenue(address(dollar)), 500);
        assertEq(vault.unearned(address(dollar)), 0);
    }

    function test_pay_twice_for_the_same_adds_up() public {
        vm.startPrank(buyer);
        vault.pay("call 1", address(dollar), 500);
        vault.pay("call 1", address(dollar), 200);
        assertEq(vault.revenue(address(dollar)), 700);
    }

    function test_pay_takes_native_coin() public {
        vm.prank(buyer);
        vault.pay{ value: 3 }("call 1", NATIVE, 3);
        assertEq(vault.revenue(NATIVE), 3);
    }

    function test_pay_counts_what_arrives_of_a_token_that_charges() public {
        FeeOnTransferToken token = new FeeOnTransferToken();
        token.mint(address(this), 1_000);
        token.approve(address(vault), 1_000);
        assertEq(vault.pay("call 1", address(token), 1_000), 990);
    }

    function test_pay_reverts_without_a_payment_id() public {
        vm.expectRevert(IRoyaltyVault.Vault_ZeroPaymentId.selector);
        vault.pay(0, address(dollar), 1);
    }

    function test_pay_reverts_when_nothing_arrives() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, dollar));
        vault.pay("call 1", address(dollar), 0);
    }

    function test_pay_reverts_when_the_value_is_not_the_amount() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 2, 1));
        vault.pay{ value: 2 }("call 1", NATIVE, 1);
    }

    function test_sync_makes_a_bare_transfer_revenue() public {
        vm.prank(buyer);
        dollar.transfer(address(vault), 900);
        vm.expectEmit();
        emit IRoyaltyVault.Revenue(address(dollar), 900);
        assertEq(vault.sync(address(dollar)), 900);
        assertEq(vault.revenue(address(dollar)), 900);
    }

    function test_sync_makes_bare_native_coin_revenue() public {
        vm.prank(buyer);
        (bool success,) = address(vault).call{ value: 900 }("");
        assertTrue(success);
        assertEq(vault.sync(NATIVE), 900);
    }

    function test_sync_finds_only_what_is_not_accounted_for() public {
        vm.startPrank(buyer);
        vault.payFee(5, address(dollar), 1_000, 0, 100);
        vault.pay("call 1", address(dollar), 500);
        dollar.transfer(address(vault), 7);
        vault.distribute(address(dollar));
        vault.withdraw(address(dollar), payee);
        assertEq(vault.sync(address(dollar)), 7);
    }

    function test_sync_reverts_when_there_is_nothing_new() public {
        vm.prank(buyer);
        vault.pay("call 1", address(dollar), 500);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, dollar));
        vault.sync(address(dollar));
    }
}
