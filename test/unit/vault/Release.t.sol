// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { IRoyaltyVault } from "../../../contracts/interfaces/IRoyaltyVault.sol";
import { Fixture } from "../../utils/Fixture.sol";

contract ReleaseTest is Fixture {
    function setUp() public override {
        super.setUp();
        vm.startPrank(buyer);
        vault.payFee(1, address(dollar), 1_000, 1_000, 100);
        vault.payFee(2, address(dollar), 3_000, 0, 300);
        vm.stopPrank();
    }

    function _ids(uint256 first, uint256 second) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](2);
        (ids[0], ids[1]) = (first, second);
    }

    function test_release_makes_what_is_earned_by_now_revenue() public {
        vm.warp(START + 50);
        vm.expectEmit();
        emit IRoyaltyVault.FeeEarned(buyer, 1, address(dollar), 450, START + 50);
        vm.expectEmit();
        emit IRoyaltyVault.FeeEarned(buyer, 2, address(dollar), 500, START + 50);
        vault.release(buyer, _ids(1, 2));
        assertEq(vault.revenue(address(dollar)), 100 + 450 + 500);
        assertEq(vault.unearned(address(dollar)), 450 + 2_500);
        assertEq(vault.streamOf(buyer, 1).released, 450);
    }

    function test_release_says_no_later_time_than_the_end() public {
        vm.warp(START + 1_000);
        vm.expectEmit();
        emit IRoyaltyVault.FeeEarned(buyer, 1, address(dollar), 900, START + 100);
        vault.release(buyer, _ids(1, 2));
        assertEq(vault.unearned(address(dollar)), 0);
        assertEq(vault.revenue(address(dollar)), 4_000);
    }

    function test_release_of_nothing_new_changes_and_says_nothing() public {
        vm.warp(START + 50);
        vault.release(buyer, _ids(1, 2));
        vm.recordLogs();
        vault.release(buyer, _ids(1, 2));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 0);
    }

    function test_release_of_one_license_twice_in_one_call_counts_once() public {
        vm.warp(START + 50);
        vault.release(buyer, _ids(1, 1));
        assertEq(vault.revenue(address(dollar)), 550);
    }

    function test_release_reverts_without_a_stream() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoStream.selector, buyer, 3));
        vault.release(buyer, _ids(1, 3));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyVault.Vault_NoStream.selector, stranger, 1));
        vault.release(stranger, _ids(1, 2));
    }
}
