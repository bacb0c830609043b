// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { CallingToken, FalseToken, FeeOnTransferToken } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract PayFeeTest is Fixture {
    function _payFee(uint256 licenseId, uint256 amount, uint16 upfrontBps, uint64 earnPeriod) internal {
        vm.prank(buyer);
        vault.payFee(licenseId, address(dollar), amount, upfrontBps, earnPeriod);
    }

    function test_payFee_opens_a_stream_and_earns_the_upfront_part() public {
        vm.expectEmit();
        emit IRoyaltyVault.FeePaid(buyer, 5, address(dollar), 1_000, 250, START, START + 100);
        vm.expectEmit();
        emit IRoyaltyVault.FeeEarned(buyer, 5, address(dollar), 250, START);
        _payFee(5, 1_000, 2_500, 100);

        assertEq(vault.unearned(address(dollar)), 750);
        assertEq(vault.revenue(address(dollar)), 250);
        assertEq(vault.accounted(address(dollar)), 1_000);
        assertEq(dollar.balanceOf(address(vault)), 1_000);
        IRoyaltyVault.FeeStream memory stream = vault.streamOf(buyer, 5);
        assertEq(stream.token, address(dollar));
        assertEq(stream.amount, 750);
        assertEq(stream.released, 0);
        assertEq(stream.start, START);
        assertEq(stream.end, START + 100);
    }

    function test_payFee_earns_everything_at_once_without_a_period() public {
        _payFee(5, 1_000, 0, 0);
        assertEq(vault.unearned(address(dollar)), 0);
        assertEq(vault.revenue(address(dollar)), 1_000);
        assertEq(vault.streamOf(buyer, 5).amount, 0);
    }

    function test_payFee_earns_everything_at_once_when_all_is_upfront() public {
        _payFee(5, 1_000, 10_000, 100);
        assertEq(vault.revenue(address(dollar)), 1_000);
    }

    function test_payFee_takes_native_coin() public {
        vm.prank(buyer);
        assertEq(vault.payFee{ value: 1 ether }(5, NATIVE, 1 ether, 5_000, 100), 1 ether);
        assertEq(vault.unearned(NATIVE), 0.5 ether);
        assertEq(address(vault).balance, 1 ether);
    }

    function test_payFee_counts_what_arrives_of_a_token_that_charges() public {
        FeeOnTransferToken token = new FeeOnTransferToken();
        token.mint(address(this), 1_000);
        token.approve(address(vault), 1_000);
        assertEq(vault.payFee(5, address(token), 1_000, 0, 100), 990);
        assertEq(vault.unearned(address(token)), 990);
        assertEq(vault.accounted(address(token)), token.balanceOf(address(vault)));
    }

    function test_payFee_keeps_streams_of_different_callers_apart() public {
        _payFee(5, 1_000, 0, 100);
        dollar.mint(address(this), 70);
        dollar.approve(address(vault), 70);
        vault.payFee(5, address(dollar), 70, 0, 200);
        assertEq(vault.streamOf(buyer, 5).amount, 1_000);
        assertEq(vault.streamOf(address(this), 5).amount, 70);
    }

    function test_payFee_reverts_for_a_second_fee_of_the_same_license() public {
        _payFee(5, 1_000, 0, 100);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_StreamExists.selector, buyer, 5));
        _payFee(5, 1_000, 0, 100);
    }

    function testFuzz_payFee_reverts_when_upfront_exceeds_the_whole(uint16 upfrontBps) public {
        upfrontBps = uint16(bound(upfrontBps, 10_001, type(uint16).max));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_BadUpfront.selector, upfrontBps));
        _payFee(5, 1_000, upfrontBps, 100);
    }

    function test_payFee_reverts_for_a_period_over_100_years() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_BadEarnPeriod.selector, 36_525 days + 1));
        _payFee(5, 1_000, 0, 36_525 days + 1);
        _payFee(5, 1_000, 0, 36_525 days);
    }

    function test_payFee_reverts_when_nothing_arrives() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, dollar));
        _payFee(5, 0, 0, 100);
    }

    function test_payFee_reverts_when_the_value_is_not_the_amount() public {
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 1, 2));
        vault.payFee{ value: 1 }(5, NATIVE, 2, 0, 100);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 1, 0));
        vault.payFee{ value: 1 }(5, address(dollar), 2, 0, 100);
    }

    function test_payFee_reverts_when_the_token_says_false() public {
        FalseToken token = new FalseToken();
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        vault.payFee(5, address(token), 1, 0, 100);
    }

    function test_payFee_cannot_be_entered_again_by_the_token() public {
        CallingToken token = new CallingToken();
        token.mint(address(this), 100);
        token.approve(address(vault), 100);
        token.setCall(address(vault), abi.encodeCall(IRoyaltyVault.sync, (address(token))));
        vault.payFee(5, address(token), 100, 0, 100);
        assertTrue(token.failed());
        assertEq(vault.accounted(address(token)), 100);
    }

    function test_streamOf_and_earnedAt_revert_without_a_stream() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoStream.selector, buyer, 5));
        vault.streamOf(buyer, 5);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoStream.selector, buyer, 5));
        vault.earnedAt(buyer, 5, START);
    }

    function test_earnedAt_is_nothing_before_the_start_and_everything_after_the_end() public {
        _payFee(5, 1_000, 1_000, 100);
        assertEq(vault.earnedAt(buyer, 5, START - 1), 0);
        assertEq(vault.earnedAt(buyer, 5, START), 0);
        assertEq(vault.earnedAt(buyer, 5, START + 50), 450);
        assertEq(vault.earnedAt(buyer, 5, START + 99), 891);
        assertEq(vault.earnedAt(buyer, 5, START + 100), 900);
        assertEq(vault.earnedAt(buyer, 5, type(uint64).max), 900);
    }
}
