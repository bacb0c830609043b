// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A token that keeps one percent of every transfer between accounts.
contract FeeOnTransferToken is ERC20 {
    constructor() ERC20("Fee", "FEE") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) super._update(to, address(0), value / 100);
    }
}

/// @notice A token that says false instead of reverting.
contract FalseToken is ERC20 {
    constructor() ERC20("False", "FALSE") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @notice A token that refuses transfers to blocked accounts.
contract BlockingToken is ERC20 {
    mapping(address account => bool) public blocked;

    error Blocked(address account);

    constructor() ERC20("Blocking", "BLOCK") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setBlocked(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (blocked[to]) revert Blocked(to);
        super._update(from, to, value);
    }
}

/// @notice A token that makes one call of the test's choosing in the middle of a transfer.
contract CallingToken is ERC20 {
    address private _target;
    bytes private _data;
    bool public failed;

    constructor() ERC20("Calling", "CALL") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setCall(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_target == address(0) || from == address(0)) return;
        address target = _target;
        _target = address(0);
        (bool success,) = target.call(_data);
        failed = !success;
    }
}

/// @notice A wallet that signs by ERC-1271 for its owner's key, until told to stop.
contract ContractWallet is IERC1271 {
    address private immutable OWNER;
    bool public stopped;

    constructor(address owner) {
        OWNER = owner;
    }

    function setStopped(bool isStopped) external {
        stopped = isStopped;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return !stopped && ECDSA.recover(hash, signature) == OWNER ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice An account that takes no native coin.
contract RefusesCoin { }

/// @notice An account that makes one call of the test's choosing when it is paid native coin.
contract CallsWhenPaid {
    address private _target;
    bytes private _data;
    bool public called;
    bool public failed;

    function setCall(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    receive() external payable {
        if (_target == address(0)) return;
        (bool success,) = _target.call(_data);
        called = true;
        failed = !success;
    }
}

/// @notice A token that answers `symbol()` and `decimals()` with bytes of the test's choosing.
contract AnsweringToken {
    bytes private _symbol;
    bytes private _decimals;

    function setSymbol(bytes calldata answer) external {
        _symbol = answer;
    }

    function setDecimals(bytes calldata answer) external {
        _decimals = answer;
    }

    function symbol() external view {
        _answer(_symbol);
    }

    function decimals() external view {
        _answer(_decimals);
    }

    function _answer(bytes memory answer) private pure {
        assembly ("memory-safe") {
            return(add(answer, 0x20), mload(answer))
        }
    }
}

/// @notice A token that burns all gas whatever it is asked.
contract BurningToken {
    fallback() external {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @notice A token that answers anything with a hundred kilobytes.
contract FloodingToken {
    fallback() external {
        assembly ("memory-safe") {
            return(0x00, 0x19000)
        }
    }
}
