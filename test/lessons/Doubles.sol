// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice USDT as it is on mainnet: it returns nothing, an allowance can only be set from or to zero, an allowance for
/// ever stays, a fee can be switched on, and who is blacklisted can send nothing.
contract TetherLike {
    uint8 public constant decimals = 6;
    string public constant symbol = "USDT";
    address public immutable owner = msg.sender;

    uint256 public basisPointsRate;
    uint256 public maximumFee;
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;
    mapping(address account => bool) public isBlackListed;

    function issue(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function setParams(uint256 newBasisPoints, uint256 newMaxFee) external {
        (basisPointsRate, maximumFee) = (newBasisPoints, newMaxFee);
    }

    function addBlackList(address account) external {
        isBlackListed[account] = true;
    }

    function approve(address spender, uint256 value) external {
        require(value == 0 || allowance[msg.sender][spender] == 0);
        allowance[msg.sender][spender] = value;
    }

    function transfer(address to, uint256 value) external {
        _transfer(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < type(uint256).max) allowance[from][msg.sender] = allowed - value;
        _transfer(from, to, value);
    }

    function _transfer(address from, address to, uint256 value) private {
        require(!isBlackListed[from]);
        uint256 fee = value * basisPointsRate / 10_000;
        if (fee > maximumFee) fee = maximumFee;
        balanceOf[from] -= value;
        balanceOf[to] += value - fee;
        balanceOf[owner] += fee;
    }
}

/// @notice The code a key's account may delegate to under EIP-7702: it says that its own key's signatures are good.
contract DelegatedAccount is IERC1271 {
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recover(hash, signature) == address(this) ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
