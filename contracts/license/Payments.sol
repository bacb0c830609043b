// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { IERC3009 } from "../interfaces/IERC3009.sol";
import { ILicenseMarket } from "../interfaces/ILicenseMarket.sol";
import { ILicensePurchases } from "../interfaces/ILicensePurchases.sol";
import { Currency } from "../libraries/Currency.sol";

/// @title Payments
/// @notice The part of the market by which money comes here from a payer, on its way to a vault: by allowance, or by an
/// authorisation that the payer signed for the token. Native coin comes with the call.
abstract contract Payments is ILicenseMarket {
    using SafeERC20 for IERC20;

    uint256 private constant KEY_SIGNATURE_LENGTH = 65;

    /// @dev Takes what a payer owes: native coin must be in the call's value, a token comes out of the allowance.
    /// Only the caller, or who has signed for this very payment, may be `payer`.
    /// @return received What arrived, at most `amount`: more is not the payer's.
    function _take(address token, address payer, uint256 amount) internal returns (uint256 received) {
        if (token == Currency.NATIVE || amount == 0) return amount;

        // Interaction. Nothing of anybody's was here before, so what is here after is the payment.
        IERC20(token).safeTransferFrom(payer, address(this), amount);
        return _arrived(token, 0, amount);
    }

    /// @dev Takes what a payer has authorised, who cannot be named without their signature: what is free is refused.
    /// @return received What arrived, at most `amount`.
    function _takeAuthorized(
        address token,
        uint256 amount,
        bytes32 nonce,
        ILicensePurchases.Authorization calldata authorization
    ) internal returns (uint256 received) {
        // Check.
        if (amount == 0) revert Market_NothingToAuthorize();
        _checkValue(_nativePart(token, amount), 0);

        // Interaction.
        uint256 before = IERC20(token).balanceOf(address(this));
        bytes calldata signature = authorization.signature;
        if (signature.length == KEY_SIGNATURE_LENGTH) {
            IERC3009(token)
                .receiveWithAuthorization({
                from: authorization.from,
                to: address(this),
                value: amount,
                validAfter: authorization.validAfter,
                validBefore: authorization.validBefore,
                nonce: nonce,
                v: uint8(signature[64]),
                r: bytes32(signature[:32]),
                s: bytes32(signature[32:64])
            });
        } else {
            IERC3009(token)
                .receiveWithAuthorization({
                from: authorization.from,
                to: address(this),
                value: amount,
                validAfter: authorization.validAfter,
                validBefore: authorization.validBefore,
                nonce: nonce,
                signature: signature
            });
        }
        return _arrived(token, before, amount);
    }

    /// @dev Uses the caller's permit. That it fails is no error: somebody else may have sent it before, and if nobody
    /// has, then there is no allowance and taking fails.
    function _permit(address token, ILicensePurchases.Permit calldata permit) internal {
        try IERC20Permit(token)
            .permit({
            owner: msg.sender,
            spender: address(this),
            value: permit.value,
            deadline: permit.deadline,
            v: permit.v,
            r: permit.r,
            s: permit.s
        }) { }
            catch { }
    }

    /// @dev Lets a vault pull. Vaults pull only what this contract pays them, and nothing stays here, so one approval
    /// for ever serves all payments.
    function _allow(address token, address vault) internal {
        if (token == Currency.NATIVE) return;
        if (IERC20(token).allowance(address(this), vault) > type(uint256).max / 2) return;
        IERC20(token).forceApprove(vault, type(uint256).max);
    }

    /// @dev What of an amount has to come with the call.
    function _nativePart(address token, uint256 amount) internal pure returns (uint256) {
        return token == Currency.NATIVE ? amount : 0;
    }

    /// @dev The call's value must be exactly what its purchases cost in native coin.
    function _checkValue(uint256 expected, uint256 value) internal pure {
        if (value != expected) revert Currency.Currency_WrongValue(value, expected);
    }

    /// @dev A token that does nothing when it is asked for an authorised payment has paid nothing.
    function _arrived(address token, uint256 before, uint256 amount) private view returns (uint256) {
        return Math.min(IERC20(token).balanceOf(address(this)) - before, amount);
    }
}
