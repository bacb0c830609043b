// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { Stage } from "./Stage.sol";

/// @title Payers
/// @notice Money that comes in, but for license fees.
abstract contract Payers is Stage {
    function pay(uint256 seed, uint256 amount) external step {
        _pay(_pair(seed), seed, amount);
    }

    function transferBare(uint256 seed, uint256 amount) external step {
        uint256 pair = _pair(seed);
        address target = address(_vaultOfPair(pair));
        (address payer, address token) = (payers[seed % PAYERS], _tokenOf(pair));
        amount = _bound(amount, 1, 1e12);
        _fund(payer, token, amount);
        vm.prank(payer);
        if (token == NATIVE) {
            (bool success,) = target.call{ value: amount }("");
            _require(success, "a vault refused coin");
        } else {
            IERC20(token).transfer(target, amount);
        }
        _land(target, pair % TOKENS, amount);
    }

    function fundPool(uint256 seed, uint256 amount) external step {
        uint256 pair = _pair(seed);
        (address payer, address token) = (payers[seed % PAYERS], _tokenOf(pair));
        amount = _bound(amount, 1, 1e12);
        _fund(payer, token, amount);
        vm.prank(payer);
        uint256 received =
            _vaultOfPair(pair).fundPool{ value: token == NATIVE ? amount : 0 }({ token: token, amount: amount });
        _require(received == _net(token, amount), "not what was paid");
        _books[pair].arrived += received;
        _books[pair].pool += received;
    }

    /// @dev Every other payment is so small that rounding shows.
    function _pay(uint256 pair, uint256 seed, uint256 amount) internal {
        (address payer, address token) = (payers[seed % PAYERS], _tokenOf(pair));
        amount = _bound(amount, 1, _mix(seed, "size") % 2 == 0 ? 300 : 1e12);
        _fund(payer, token, amount);
        vm.prank(payer);
        uint256 received = _vaultOfPair(pair).pay{ value: token == NATIVE ? amount : 0 }("payment", token, amount);
        _require(received == _net(token, amount), "not what was paid");
        _books[pair].arrived += received;
        _books[pair].revenue += received;
    }
}
