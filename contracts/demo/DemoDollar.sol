// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title DemoDollar
/// @notice A stand-in for a stablecoin on development chains: six decimals, ERC-2612, and anyone may mint any amount.
/// It is worth nothing and must not be deployed where money is.
contract DemoDollar is ERC20, ERC20Permit {
    constructor() ERC20("Demo Dollar", "DEMO") ERC20Permit("Demo Dollar") { }

    /// @notice Six, as the dollar tokens have it.
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @notice Makes `amount` base units for `to`, out of nothing.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
