// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { FeeStreams } from "../../contracts/libraries/FeeStreams.sol";

/// @notice Where rounding could make or lose money, for every amount and moment at once (`make symbolic`).
contract MoneySymbolic {
    using FeeStreams for FeeStreams.Stream;

    FeeStreams.Stream internal stream;

    function check_earned_is_within_paid(uint128 amount, uint40 start, uint40 end, uint40 time) public {
        stream.token = address(1);
        stream.start = start;
        stream.end = end;
        stream.amount = amount;
        assert(stream.earnedAt(time) <= amount);
    }
    function check_earned_never_falls(uint128 amount, uint40 start, uint40 end, uint40 time, uint40 later) public {
        stream.token = address(1);
        stream.start = start;
        stream.end = end;
        stream.amount = amount;
        if (time <= later) assert(stream.earnedAt(time) <= stream.earnedAt(later));
    }
    function check_credits_concrete(uint128 to) public pure {
        uint256 total = _part(to, 1_000) + _part(to, 3_333) + _part(to, 1_167) + _part(to, 4_500);
        assert(total <= to && to - total < 4);
    }
    function check_credits_two(uint128 to, uint16 a) public pure {
        if (a > 10_000) return;
        uint256 total = _part(to, a) + _part(to, 10_000 - a);
        assert(total <= to && to - total < 2);
    }
    function check_credits_three(uint128 to, uint16 a, uint16 b) public pure {
        if (uint256(a) + b > 10_000) return;
        uint256 total = _part(to, a) + _part(to, b) + _part(to, 10_000 - a - b);
        assert(total <= to && to - total < 3);
    }
    function check_false(uint128 to, uint16 a) public pure {
        if (a > 10_000) return;
        uint256 total = _part(to, a) + _part(to, 10_000 - a);
        assert(total == to );
    }
    function _part(uint256 to, uint256 bps) private pure returns (uint256) { return to * bps / 10_000; }
}
