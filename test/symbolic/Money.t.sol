// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { FeeStreams } from "../../contracts/libraries/FeeStreams.sol";
import { Shares } from "../../contracts/libraries/Shares.sol";

/// @notice Where rounding could make money or lose it: for every amount, period and moment at once. Halmos
/// (`make symbolic`) solves these over integers; tables and times whose products would not be linear are concrete.
contract MoneySymbolic {
    using FeeStreams for FeeStreams.Stream;

    FeeStreams.Stream internal stream;

    function check_the_credits_of_a_table_are_what_was_divided_but_for_rounding(uint128 revenue) public pure {
        uint16[5] memory table = [uint16(1_000), 3_333, 1_167, 1, 4_499];
        _conserves(revenue, table);
    }

    function check_the_credits_of_the_smallest_shares_are_what_was_divided_but_for_rounding(uint128 revenue)
        public
        pure
    {
        uint16[5] memory table = [uint16(1), 1, 1, 1, 9_996];
        _conserves(revenue, table);
    }

    /// @dev Nobody gains or loses by when money is divided.
    function check_dividing_in_two_steps_comes_to_the_same_as_in_one(uint128 early, uint128 late) public pure {
        if (early > late) return;
        uint256 inSteps = uint256(Shares.between(0, early, 3_333)) + Shares.between(early, late, 3_333);
        assert(inSteps == Shares.between(0, late, 3_333));
    }

    function check_what_is_earned_is_within_what_was_paid(uint128 amount, uint40 start, uint40 end, uint40 time)
        public
    {
        _open(amount, start, end);
        assert(stream.earnedAt(time) <= amount);
    }

    function check_all_is_earned_at_the_end_and_nothing_before_the_start(uint128 amount, uint40 start, uint40 end)
        public
    {
        if (start >= end) return;
        _open(amount, start, end);
        assert(stream.earnedAt(end) == amount && stream.earnedAt(start) == 0);
    }

    function check_what_is_earned_never_falls(uint128 amount, uint16 time, uint16 later) public {
        if (time > later) return;
        _open(amount, 0, 30_000);
        assert(stream.earnedAt(time) <= stream.earnedAt(later));
    }

    /// @dev Settling and then closing, at any moment, gives out all that was paid.
    function check_earned_and_unearned_are_what_was_paid(uint128 amount, uint40 end) public {
        _open(amount, 0, end);
        uint256 earned = stream.settle();
        uint256 unearned = stream.close();
        assert(earned + unearned == amount);
        assert(stream.amount == 0 && stream.released == 0);
    }

    function check_the_upfront_part_is_within_the_fee(uint128 amount, uint64 earnPeriod) public pure {
        assert(FeeStreams.upfrontOf(amount, 3_333, earnPeriod) <= amount);
        assert(FeeStreams.upfrontOf(amount, 10_000, earnPeriod) == amount);
    }

    function _conserves(uint128 revenue, uint16[5] memory table) internal pure {
        uint256 total = 0;
        for (uint256 i = 0; i < 5; ++i) {
            total += Shares.between(0, revenue, table[i]);
        }
        assert(total <= revenue && revenue - total < 5);
    }

    function _open(uint128 amount, uint40 start, uint40 end) internal {
        stream.token = address(1);
        stream.start = start;
        stream.end = end;
        stream.amount = amount;
    }
}
