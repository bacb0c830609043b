// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Currency } from "../../../contracts/libraries/Currency.sol";
import { CallingToken } from "../../utils/Doubles.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract RenewFeeTest is Fixture {
    function setUp() public override {
        super.setUp();
        vm.prank(buyer);
        vault.payFee(1, address(dollar), 1_000, 1_000, 100);
    }

    function _renew(uint256 amount, uint16 upfrontBps, uint64 earnPeriod) internal {
        vm.prank(buyer);
        vault.renewFee(1, address(dollar), amount, upfrontBps, earnPeriod);
    }

    function test_renewFee_carries_what_is_unearned_over_to_the_new_end() public {
        vm.warp(START + 50);
        vm.expectEmit();
        emit IRoyaltyVault.FeeEarned(buyer, 1, address(dollar), 450, START + 50);
        vm.expectEmit();
        emit IRoyaltyVault.FeeRenewed(buyer, 1, address(dollar), 2_000, 500, 450, START + 50, START + 200);
        vm.expectEmit();
        emit IRoyaltyVault.FeeEarned(buyer, 1, address(dollar), 500, START + 50);
        _renew(2_000, 2_500, 100);

        IRoyaltyVault.FeeStream memory stream = vault.streamOf(buyer, 1);
        assertEq(stream.amount, 1_950);
        assertEq(stream.released, 0);
        assertEq(stream.start, START + 50);
        assertEq(stream.end, START + 200);
        assertEq(vault.revenue(address(dollar)), 100 + 450 + 500);
        assertEq(vault.unearned(address(dollar)), 1_950);
        assertEq(vault.earnedAt(buyer, 1, START + 125), 975);
    }

    function test_renewFee_after_the_end_starts_anew() public {
        vm.warp(START + 1_000);
        _renew(2_000, 0, 100);
        IRoyaltyVault.FeeStream memory stream = vault.streamOf(buyer, 1);
        assertEq(stream.amount, 2_000);
        assertEq(stream.end, START + 1_100);
        assertEq(vault.revenue(address(dollar)), 1_000);
    }

    function test_renewFee_without_a_period_earns_the_new_money_at_once_and_keeps_the_end() public {
        vm.warp(START + 50);
        _renew(2_000, 0, 0);
        IRoyaltyVault.FeeStream memory stream = vault.streamOf(buyer, 1);
        assertEq(stream.amount, 450);
        assertEq(stream.end, START + 100);
        assertEq(vault.revenue(address(dollar)), 550 + 2_000);
    }

    function test_renewFee_opens_a_stream_where_there_is_none() public {
        vm.prank(buyer);
        vault.renewFee(2, address(dollar), 1_000, 1_000, 100);
        assertEq(vault.streamOf(buyer, 2).amount, 900);
        assertEq(vault.streamOf(buyer, 2).end, START + 100);
    }

    function test_renewFee_takes_native_coin() public {
        vm.prank(buyer);
        vault.renewFee{ value: 1 ether }(3, NATIVE, 1 ether, 0, 100);
        assertEq(vault.unearned(NATIVE), 1 ether);
    }

    function test_renewFee_reverts_for_another_token_than_the_streams() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_WrongToken.selector, NATIVE, dollar));
        vm.prank(buyer);
        vault.renewFee{ value: 1 }(1, NATIVE, 1, 0, 100);
    }

    function test_renewFee_reverts_when_the_new_end_is_over_100_years_away() public {
        _renew(1, 0, 36_525 days - 100);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_BadEarnPeriod.selector, 36_525 days + 1));
        _renew(1, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_BadEarnPeriod.selector, type(uint64).max));
        _renew(1, 0, type(uint64).max);
    }

    function testFuzz_renewFee_reverts_when_upfront_exceeds_the_whole(uint16 upfrontBps) public {
        upfrontBps = uint16(bound(upfrontBps, 10_001, type(uint16).max));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_BadUpfront.selector, upfrontBps));
        _renew(1, upfrontBps, 100);
    }

    function test_renewFee_reverts_when_nothing_arrives_or_the_value_is_wrong() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, dollar));
        _renew(0, 0, 100);
        vm.expectRevert(abi.encodeWithSelector(Currency.Currency_WrongValue.selector, 1, 0));
        vm.prank(buyer);
        vault.renewFee{ value: 1 }(1, address(dollar), 1, 0, 100);
    }

    function test_renewFee_changes_only_the_callers_stream() public {
        dollar.mint(stranger, 500);
        vm.startPrank(stranger);
        dollar.approve(address(vault), 500);
        vault.renewFee(1, address(dollar), 500, 0, 1_000);
        assertEq(vault.streamOf(buyer, 1).end, START + 100);
        assertEq(vault.streamOf(stranger, 1).end, START + 1_000);
    }
}

contract RefundTest is Fixture {
    function setUp() public override {
        super.setUp();
        vm.prank(buyer);
        vault.payFee(1, address(dollar), 1_000, 1_000, 100);
    }

    function _refund() internal returns (uint128) {
        vm.prank(buyer);
        return vault.refund(1, stranger);
    }

    function test_refund_credits_exactly_what_is_unearned() public {
        vm.warp(START + 33);
        vm.expectEmit();
        emit IRoyaltyVault.FeeEarned(buyer, 1, address(dollar), 297, START + 33);
        vm.expectEmit();
        emit IRoyaltyVault.FeeRefunded(buyer, 1, address(dollar), stranger, 603);
        assertEq(_refund(), 603);
        assertEq(vault.revenue(address(dollar)), 397);
        assertEq(vault.unearned(address(dollar)), 0);
        assertEq(vault.creditOf(address(dollar), stranger), 603);
        assertEq(vault.accounted(address(dollar)), 1_000);
        vault.withdraw(address(dollar), stranger);
        assertEq(dollar.balanceOf(stranger), 603);
        assertEq(vault.accounted(address(dollar)), dollar.balanceOf(address(vault)));
    }

    function test_refund_closes_the_stream_for_good() public {
        vm.warp(START + 33);
        _refund();
        vm.warp(START + 500);
        uint256[] memory ids = new uint256[](1);
        ids[0] = 1;
        vault.release(buyer, ids);
        assertEq(vault.revenue(address(dollar)), 397);
        assertEq(_refund(), 0);
        assertEq(vault.streamOf(buyer, 1).amount, 0);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_StreamExists.selector, buyer, 1));
        vm.prank(buyer);
        vault.payFee(1, address(dollar), 1_000, 0, 100);
    }

    function test_refund_after_the_end_is_of_nothing() public {
        vm.warp(START + 100);
        assertEq(_refund(), 0);
        assertEq(vault.revenue(address(dollar)), 1_000);
    }

    function test_refund_of_renewed_fees_is_what_is_left_of_all() public {
        vm.warp(START + 50);
        vm.prank(buyer);
        vault.renewFee(1, address(dollar), 2_000, 2_500, 100);
        vm.warp(START + 125);
        assertEq(_refund(), 975);
    }

    function test_refund_leaves_the_pool_and_the_other_credits_alone() public {
        _fundPool(10_000);
        uint128 revenue = vault.revenue(address(dollar));
        _refund();
        assertEq(vault.revenue(address(dollar)), revenue);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingToDistribute.selector, dollar));
        vault.distribute(address(dollar));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NothingReceived.selector, dollar));
        vault.sync(address(dollar));
    }

    function testFuzz_refund_reverts_for_anybody_but_who_opened_the_stream(address caller) public {
        vm.assume(caller != buyer);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoStream.selector, caller, 1));
        vault.refund(1, caller);
    }

    // Attack: catching somebody else's transfer in a fee, and having it refunded.

    function test_money_that_others_send_while_a_fee_is_paid_is_not_part_of_it() public {
        CallingToken token = new CallingToken();
        token.mint(address(this), 1_000);
        token.mint(address(datasetVault), 0);
        Pusher pusher = new Pusher();
        token.mint(address(pusher), 5_000);
        token.approve(address(vault), 1_000);
        token.setCall(address(pusher), abi.encodeCall(Pusher.push, (token, address(vault))));
        assertEq(vault.payFee(9, address(token), 1_000, 0, 36_525 days), 1_000);
        assertEq(token.balanceOf(address(vault)), 6_000);
        assertEq(vault.refund(9, address(this)), 1_000);
        assertEq(vault.sync(address(token)), 5_000);
    }
}

/// @notice Anybody can make it pay what it holds to somebody.
contract Pusher {
    function push(CallingToken token, address to) external {
        token.transfer(to, token.balanceOf(address(this)));
    }
}
