// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Currency
/// @notice ERC-20 tokens and the native coin behind one set of functions.
library Currency {
    using SafeERC20 for IERC20;

    /// @notice The native coin, named as a token address by ERC-7528.
    address internal constant NATIVE = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;

    error Currency_WrongValue(uint256 value, uint256 expected);

    /// @notice What this contract holds.
    function held(address token) internal view returns (uint256) {
        return token == NATIVE ? address(this).balance : IERC20(token).balanceOf(address(this));
    }

    /// @notice Takes `amount` from the caller: the native coin must be exactly the call's value, a token is pulled.
    /// @dev The caller of this function must exclude reentrancy. Errors: Currency_WrongValue.
    /// @return received What arrived, at most `amount`: if more did, a token that calls out let others pay meanwhile.
    function take(address token, uint256 amount) internal returns (uint256 received) {
        uint256 expected = token == NATIVE ? amount : 0;
        if (msg.value != expected) revert Currency_WrongValue(msg.value, expected);
        if (token == NATIVE) return amount;

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        return Math.min(IERC20(token).balanceOf(address(this)) - before, amount);
    }

    /// @notice Sends `amount` to `account`; reverts if it cannot be sent.
    function send(address token, address account, uint256 amount) internal {
        if (token == NATIVE) Address.sendValue(payable(account), amount);
        else IERC20(token).safeTransfer(account, amount);
    }
}
