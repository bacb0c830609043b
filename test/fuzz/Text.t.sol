// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Test } from "forge-std/Test.sol";

import { Amounts } from "../../contracts/libraries/Amounts.sol";
import { Dates } from "../../contracts/libraries/Dates.sol";

/// @notice Dates and amounts against what they must mean, not against another way of computing them.
contract TextFuzzTest is Test {
    function _isLeap(uint256 year) internal pure returns (bool) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    function _daysIn(uint256 year, uint256 month) internal pure returns (uint256) {
        if (month == 2) return _isLeap(year) ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }

    function test_known_dates() public pure {
        assertEq(Dates.iso(0), "1970-01-01T00:00:00Z");
        assertEq(Dates.iso(68_255_999), "1972-02-29T23:59:59Z");
        assertEq(Dates.iso(946_684_799), "1999-12-31T23:59:59Z");
        assertEq(Dates.iso(951_868_799), "2000-02-29T23:59:59Z");
        assertEq(Dates.iso(951_868_800), "2000-03-01T00:00:00Z");
        assertEq(Dates.iso(1_797_842_600), "2026-12-21T08:43:20Z");
        assertEq(Dates.iso(4_107_542_399), "2100-02-28T23:59:59Z");
        assertEq(Dates.iso(4_107_542_400), "2100-03-01T00:00:00Z");
        assertEq(Dates.iso(13_574_649_599), "2400-02-29T23:59:59Z");
        assertEq(Dates.iso(253_402_300_799), "9999-12-31T23:59:59Z");
        assertEq(Dates.readable(1_797_842_600), "21 Dec 2026");
        assertEq(Dates.readable(0), "1 Jan 1970");
        assertEq(Dates.clock(1_797_842_600), "08:43");
    }

    function test_every_month_has_its_name() public pure {
        string[12] memory names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        uint64 time = 1_767_225_600;
        for (uint256 month = 1; month <= 12; ++month) {
            assertEq(Dates.readable(time), string.concat("1 ", names[month - 1], " 2026"));
            time += uint64(_daysIn(2026, month) * 1 days);
        }
    }

    function testFuzz_a_day_is_as_many_after_1970_as_the_calendar_has(uint64 time) public pure {
        time = uint64(bound(time, 0, 32_503_680_000));
        (uint256 year, uint256 month, uint256 day) = Dates.civil(time);
        uint256 count = day - 1;
        for (uint256 i = 1; i < month; ++i) {
            count += _daysIn(year, i);
        }
        for (uint256 i = 1970; i < year; ++i) {
            count += _isLeap(i) ? 366 : 365;
        }
        assertEq(count, time / 1 days);
    }

    function testFuzz_a_day_follows_the_day_before(uint64 time) public pure {
        time = uint64(bound(time, 0, type(uint64).max - 1 days));
        (uint256 year, uint256 month, uint256 day) = Dates.civil(time);
        assertTrue(day >= 1 && day <= _daysIn(year, month) && month >= 1 && month <= 12);
        if (++day > _daysIn(year, month)) {
            day = 1;
            if (++month > 12) (month, year) = (1, year + 1);
        }
        (uint256 nextYear, uint256 nextMonth, uint256 nextDay) = Dates.civil(time + 1 days);
        assertEq(nextYear, year);
        assertEq(nextMonth, month);
        assertEq(nextDay, day);
    }

    function testFuzz_a_clock_tells_hours_minutes_and_seconds(uint64 time) public pure {
        string[] memory parts = vm.split(vm.replace(vm.split(Dates.iso(time), "T")[1], "Z", ""), ":");
        uint256 seconds_ = vm.parseUint(parts[0]) * 3_600 + vm.parseUint(parts[1]) * 60 + vm.parseUint(parts[2]);
        assertEq(seconds_, time % 1 days);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(bytes(parts[i]).length, 2);
        }
    }

    function test_known_amounts() public pure {
        assertEq(Amounts.decimal(0, 6), "0");
        assertEq(Amounts.decimal(1, 6), "0.000001");
        assertEq(Amounts.decimal(100e6, 6), "100");
        assertEq(Amounts.decimal(1_234_500_000, 6), "1,234.5");
        assertEq(Amounts.decimal(999, 0), "999");
        assertEq(Amounts.decimal(1_000, 0), "1,000");
        assertEq(Amounts.decimal(100_010, 4), "10.001");
        assertEq(Amounts.decimal(type(uint128).max, 0), "340,282,366,920,938,463,463,374,607,431,768,211,455");
        assertEq(Amounts.decimal(type(uint128).max, 36), "340.282366920938463463374607431768211455");
    }

    function testFuzz_an_amount_reads_back_exactly(uint128 amount, uint8 decimals) public pure {
        decimals = uint8(bound(decimals, 0, 36));
        string[] memory parts = vm.split(Amounts.decimal(amount, decimals), ".");
        assertLe(parts.length, 2);
        uint256 read = vm.parseUint(vm.replace(parts[0], ",", "")) * 10 ** decimals;
        if (parts.length == 2) {
            bytes memory fraction = bytes(parts[1]);
            assertLe(fraction.length, decimals);
            assertNotEq(fraction[fraction.length - 1], bytes1("0"));
            for (uint256 i = 0; i < fraction.length; ++i) {
                read += (uint8(fraction[i]) - uint8(bytes1("0"))) * 10 ** (decimals - 1 - i);
            }
        }
        assertEq(read, amount);
    }

    function testFuzz_thousands_are_in_groups(uint128 amount) public pure {
        string[] memory groups = vm.split(Amounts.decimal(amount, 0), ",");
        assertTrue(bytes(groups[0]).length >= 1 && bytes(groups[0]).length <= 3);
        for (uint256 i = 1; i < groups.length; ++i) {
            assertEq(bytes(groups[i]).length, 3);
        }
    }
}
