// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { BASIS_POINTS } from "./BasisPoints.sol";

/// @title FeeStreams
/// @notice An amount that is earned linearly over a time, rounded down at every moment.
library FeeStreams {
    using SafeCast for uint256;

    /// @notice A century. What is meant for longer is meant for ever.
    uint64 internal constant MAX_DURATION = 36_525 days;

    /// @dev In two slots. Unearned is `amount` − `released`.
    struct Stream {
        address token;
        uint40 start;
        uint40 end;
        uint128 amount;
        uint128 released;
    }

    /// @notice Whether a stream was ever opened here, be it closed now.
    function exists(Stream storage stream) internal view returns (bool) {
        return stream.token != address(0);
    }

    /// @notice Opens a stream, or starts one anew whose amount was released or carried over into this one's.
    function open(Stream storage stream, address token, uint256 end, uint128 amount) internal {
        stream.token = token;
        stream.start = block.timestamp.toUint40();
        stream.end = end.toUint40();
        stream.amount = amount;
        stream.released = 0;
    }

    /// @notice Takes out what was earned since the last time.
    function settle(Stream storage stream) internal returns (uint128 amount) {
        uint128 released = stream.released;
        amount = earnedAt(stream, block.timestamp) - released;
        if (amount != 0) stream.released = released + amount;
    }

    /// @notice Ends a stream that was settled now: nothing more is earned.
    /// @return unearned What was left in it.
    function close(Stream storage stream) internal returns (uint128 unearned) {
        unearned = stream.amount - stream.released;
        open({ stream: stream, token: stream.token, end: block.timestamp, amount: 0 });
    }

    /// @notice Nothing before the start, all from the end on.
    function earnedAt(Stream storage stream, uint256 time) internal view returns (uint128) {
        (uint256 start, uint256 end, uint256 amount) = (stream.start, stream.end, stream.amount);
        if (time >= end) return stream.amount;
        if (time <= start) return 0;
        return (amount * (time - start) / (end - start)).toUint128();
    }

    /// @notice The moment up to which a stream is earned now.
    function earnedUntil(Stream storage stream) internal view returns (uint64) {
        uint64 end = stream.end;
        return block.timestamp < end ? Time.timestamp() : end;
    }

    /// @notice The part of a fee that is earned at once, rounded down: all of it if there is no time to earn it in.
    function upfrontOf(uint128 amount, uint16 upfrontBps, uint64 earnPeriod) internal pure returns (uint128) {
        if (earnPeriod == 0) return amount;
        return (uint256(amount) * upfrontBps / BASIS_POINTS).toUint128();
    }
}
