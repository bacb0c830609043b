// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;
import { Test } from "forge-std/Test.sol";
contract Noop { uint256 x = 1; function f() external {} function g() external { x = 0; } }
contract TmpTest is Test {
    Noop n = new Noop();
    function test_x() public { n.f(); emit log_named_uint("f", vm.lastCallGas().gasTotalUsed); n.g(); emit log_named_uint("g", vm.lastCallGas().gasTotalUsed); emit log_named_int("r", vm.lastCallGas().gasRefunded);}
}
