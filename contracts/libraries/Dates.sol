// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

/// @title Dates
/// @notice Seconds since 1970 as dates of the Gregorian calendar, in UTC.
library Dates {
    uint256 private constant DAYS_IN_400_YEARS = 146_097;
    /// @dev From 1 March of the year 0, where leap days come last in the year, to 1 January 1970.
    uint256 private constant DAYS_TO_1970 = 719_468;

    /// @notice Year, month (1 to 12) and day (1 to 31) of a time.
    /// @dev Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    function civil(uint64 time) internal pure returns (uint256 year, uint256 month, uint256 day) {
        uint256 count = time / 1 days + DAYS_TO_1970;
        uint256 dayOfEra = count % DAYS_IN_400_YEARS;
        uint256 yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        uint256 monthFromMarch = (5 * dayOfYear + 2) / 153;
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        year = count / DAYS_IN_400_YEARS * 400 + yearOfEra + (month < 3 ? 1 : 0);
    }

    /// @notice A time as ISO 8601 has it: 2026-12-21T08:43:20Z.
    function iso(uint64 time) internal pure returns (string memory) {
        (uint256 year, uint256 month, uint256 day) = civil(time);
        return string.concat(
            Strings.toString(year), "-", _two(month), "-", _two(day), "T", clock(time), ":", _two(time % 60), "Z"
        );
    }

    /// @notice The day of a time as people write it: 21 Dec 2026.
    function readable(uint64 time) internal pure returns (string memory) {
        (uint256 year, uint256 month, uint256 day) = civil(time);
        bytes memory months = "JanFebMarAprMayJunJulAugSepOctNovDec";
        bytes memory name = new bytes(3);
        for (uint256 i = 0; i < 3; ++i) {
            name[i] = months[3 * month - 3 + i];
        }
        return string.concat(Strings.toString(day), " ", string(name), " ", Strings.toString(year));
    }

    /// @notice The hour and minute of a time, rounded down: 08:43.
    function clock(uint64 time) internal pure returns (string memory) {
        return string.concat(_two(time / 1 hours % 24), ":", _two(time / 1 minutes % 60));
    }

    function _two(uint256 value) private pure returns (string memory) {
        return string.concat(value < 10 ? "0" : "", Strings.toString(value));
    }
}
