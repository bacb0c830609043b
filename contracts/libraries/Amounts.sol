// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { Bytes } from "@openzeppelin/contracts/utils/Bytes.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

import { Currency } from "./Currency.sol";

/// @title Amounts
/// @notice Amounts of money as text, exact to the last base unit. Whatever a token answers, the text is short and made of
/// letters, digits, spaces and `,.-_$…` alone, so that it can stand in JSON and in markup as it is.
library Amounts {
    using Bytes for bytes;

    /// @dev Enough for a token behind a proxy; a token that wants more, or all of it, is taken to answer nothing.
    uint256 private constant ANSWER_GAS = 100_000;
    uint256 private constant MAX_SYMBOL = 12;
    uint256 private constant MAX_DECIMALS = 36;
    uint256 private constant NATIVE_DECIMALS = 18;

    /// @notice `amount` base units of `token`: 1,234.5 DEMO. In base units if the token does not tell its decimals, or
    /// tells more than 36; with the token's shortened address if its symbol is not 1 to 12 letters, digits and `.-_$`.
    function describe(address token, uint256 amount) internal view returns (string memory) {
        if (token == Currency.NATIVE) return string.concat(decimal(amount, NATIVE_DECIMALS), " native coin");
        (bool known, uint256 decimals) = _decimalsOf(token);
        string memory unit = _symbolOf(token);
        if (bytes(unit).length == 0) unit = shortened(Strings.toChecksumHexString(token));
        if (!known) return string.concat(decimal(amount, 0), " base units of ", unit);
        return string.concat(decimal(amount, decimals), " ", unit);
    }

    /// @notice `amount / 10^decimals`, exactly: thousands in groups, no zeros at the end of the fraction.
    /// @param decimals At most 36.
    function decimal(uint256 amount, uint256 decimals) internal pure returns (string memory) {
        uint256 one = 10 ** decimals;
        string memory whole = _grouped(amount / one);
        uint256 fraction = amount % one;
        if (fraction == 0) return whole;
        while (fraction % 10 == 0) {
            fraction /= 10;
            --decimals;
        }
        bytes memory digits = new bytes(decimals);
        for (uint256 i = decimals; i > 0; --i) {
            digits[i - 1] = _digit(fraction);
            fraction /= 10;
        }
        return string.concat(whole, ".", string(digits));
    }

    /// @notice Hexadecimal text with its middle left out: 0x12ab…cdef.
    /// @dev For text of ten bytes or more.
    function shortened(string memory text) internal pure returns (string memory) {
        bytes memory long = bytes(text);
        return string(abi.encodePacked(bytes6(long.slice(0, 6)), unicode"…", bytes4(long.slice(long.length - 4))));
    }

    function _grouped(uint256 value) private pure returns (string memory) {
        bytes memory digits = bytes(Strings.toString(value));
        bytes memory grouped = new bytes(digits.length + (digits.length - 1) / 3);
        uint256 position = grouped.length;
        for (uint256 i = 0; i < digits.length; ++i) {
            if (i != 0 && i % 3 == 0) grouped[--position] = ",";
            grouped[--position] = digits[digits.length - 1 - i];
        }
        return string(grouped);
    }

    /// @dev The last decimal digit.
    function _digit(uint256 value) private pure returns (bytes1) {
        return bytes("0123456789")[value % 10];
    }

    function _decimalsOf(address token) private view returns (bool known, uint256 decimals) {
        (uint256 size, bytes32[3] memory words) = _ask(token, IERC20Metadata.decimals.selector);
        decimals = uint256(words[0]);
        known = size >= 32 && decimals <= MAX_DECIMALS;
    }

    /// @dev Empty unless every byte is in the alphabet: leaving bytes out could turn one name into another. A single
    /// word is a symbol of bytes32, as some old tokens have it.
    function _symbolOf(address token) private view returns (string memory) {
        (uint256 size, bytes32[3] memory words) = _ask(token, IERC20Metadata.symbol.selector);
        (bytes32 text, uint256 length) = (words[2], uint256(words[1]));
        if (size == 32) {
            (text, length) = (words[0], 0);
            while (length < 32 && text[length] != 0) ++length;
        } else if (size < 96 || uint256(words[0]) != 32) {
            return "";
        }
        if (length > MAX_SYMBOL) return "";
        bytes memory symbol = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            if (!_isSafe(text[i])) return "";
            symbol[i] = text[i];
        }
        return string(symbol);
    }

    function _isSafe(bytes1 character) private pure returns (bool) {
        return (character >= "a" && character <= "z") || (character >= "A" && character <= "Z")
            || (character >= "0" && character <= "9") || character == "." || character == "-" || character == "_"
            || character == "$";
    }

    /// @dev The size of the answer and its first three words; size 0 if the call failed. No more is copied, however
    /// much comes back.
    function _ask(address token, bytes4 selector) private view returns (uint256 size, bytes32[3] memory words) {
        assembly ("memory-safe") {
            mstore(0x00, selector)
            if staticcall(ANSWER_GAS, token, 0x00, 0x04, words, 0x60) { size := returndatasize() }
        }
    }
}
