// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IRoyaltyVault } from "../../contracts/interfaces/IRoyaltyVault.sol";
import { Fixture } from "../utils/Fixture.sol";

/// @notice What fees come to, over any life of a license.
contract MoneyFeesTest is Fixture {
    struct Step {
        uint64 wait;
        uint128 amount;
        uint16 upfrontBps;
        uint64 earnPeriod;
        uint8 action;
    }

    function _release() internal {
        uint256[] memory ids = new uint256[](1);
        ids[0] = 1;
        vault.release(buyer, ids);
    }

    /// @dev Earned + unearned + refunded = paid, after every step of any sequence of renewals, releases and refunds.
    function testFuzz_fees_are_conserved_over_any_life_of_a_license(Step[8] memory steps) public {
        uint256 paid = 0;
        uint256 revenue = 0;
        for (uint256 i = 0; i < steps.length; ++i) {
            Step memory step = steps[i];
            vm.warp(vm.getBlockTimestamp() + bound(step.wait, 0, 400 days));
            uint256 action = i == 0 ? 0 : step.action % 4;
            if (action < 2) {
                uint128 amount = uint128(bound(step.amount, 1, 1e30));
                dollar.mint(buyer, amount);
                vm.prank(buyer);
                vault.renewFee(
                    1,
                    address(dollar),
                    amount,
                    uint16(bound(step.upfrontBps, 0, 10_000)),
                    step.earnPeriod % 5 == 0 ? 0 : uint64(bound(step.earnPeriod, 1, 1_000 days))
                );
                paid += amount;
            } else if (action == 2) {
                _release();
            } else {
                vm.prank(buyer);
                vault.refund(1, stranger);
            }

            IRoyaltyVault.FeeStream memory stream = vault.streamOf(buyer, 1);
            uint256 refunded = vault.creditOf(address(dollar), stranger);
            assertEq(vault.revenue(address(dollar)) + vault.unearned(address(dollar)) + refunded, paid);
            assertEq(vault.unearned(address(dollar)), stream.amount - stream.released);
            assertEq(vault.accounted(address(dollar)), paid);
            assertGe(vault.revenue(address(dollar)), revenue);
            revenue = vault.revenue(address(dollar));
        }
        vm.warp(vm.getBlockTimestamp() + 36_525 days);
        _release();
        assertEq(vault.unearned(address(dollar)), 0);
        assertEq(vault.revenue(address(dollar)) + vault.creditOf(address(dollar), stranger), paid);
    }

    /// @dev Renewing earns no less and no more than the formula: what was carried and the new money, on one line.
    function testFuzz_renewal_merges_by_the_formula(
        uint96 first,
        uint96 second,
        uint16 upfrontBps,
        uint32 before,
        uint32 period,
        uint32 later
    ) public {
        uint256 a = uint256(first) + 1;
        uint256 b = uint256(second) + 1;
        upfrontBps = uint16(bound(upfrontBps, 0, 10_000));
        uint256 renewedAt = bound(before, 0, 20_000);
        uint256 earnPeriod = bound(period, 1, 10_000);
        dollar.mint(buyer, a + b);
        vm.prank(buyer);
        vault.payFee(1, address(dollar), a, 0, 10_000);
        vm.warp(START + renewedAt);
        vm.prank(buyer);
        vault.renewFee(1, address(dollar), b, upfrontBps, uint64(earnPeriod));

        uint256 earned = renewedAt >= 10_000 ? a : a * renewedAt / 10_000;
        uint256 upfront = b * upfrontBps / 10_000;
        uint256 end = (renewedAt < 10_000 ? 10_000 : renewedAt) + earnPeriod;
        uint256 elapsed = bound(later, 0, 2 * (end - renewedAt));
        vm.warp(START + renewedAt + elapsed);
        _release();
        uint256 left = a - earned + b - upfront;
        uint256 more = elapsed >= end - renewedAt ? left : left * elapsed / (end - renewedAt);
        assertEq(vault.revenue(address(dollar)), earned + upfront + more);
    }

    /// @dev A refund at any moment is what the formula says is not earned, to the last base unit.
    function testFuzz_refund_is_exactly_what_is_not_earned(
        uint128 amount,
        uint16 upfrontBps,
        uint64 earnPeriod,
        uint64 moment
    ) public {
        amount = uint128(bound(amount, 1, 1e30));
        upfrontBps = uint16(bound(upfrontBps, 0, 10_000));
        earnPeriod = uint64(bound(earnPeriod, 1, 36_525 days));
        moment = uint64(bound(moment, 0, 2 * uint256(earnPeriod)));
        dollar.mint(buyer, amount);
        vm.prank(buyer);
        vault.payFee(1, address(dollar), amount, upfrontBps, earnPeriod);
        vm.warp(START + moment);
        vm.prank(buyer);
        uint256 refunded = vault.refund(1, stranger);
        uint256 rest = amount - uint256(amount) * upfrontBps / 10_000;
        assertEq(refunded, moment >= earnPeriod ? 0 : rest - rest * moment / earnPeriod);
        assertEq(vault.revenue(address(dollar)) + refunded, amount);
    }
}
