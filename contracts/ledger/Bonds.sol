// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { Policies } from "./Policies.sol";

/// @title Bonds
/// @notice What accounts have here in native coin, beside what is staked on roots and challenges. This contract holds
/// exactly the sum of all three, and what was forced on it.
abstract contract Bonds is Policies {
    /// @dev Adds to what an account has here.
    function _creditBond(address account, uint256 amount) internal {
        if (amount == 0) return;
        _bonds[account] += amount;
        emit IAttributionLedger.BondCredited({ account: account, amount: amount });
    }

    /// @dev Takes a stake out of what an account has here.
    function _stakeBond(address account, uint256 amount) internal {
        if (amount == 0) return;
        uint256 available = _bonds[account];
        if (available < amount) revert IAttributionLedger.Ledger_BondTooSmall(account, available, amount);
        _bonds[account] = available - amount;
        emit IAttributionLedger.BondStaked({ account: account, amount: amount });
    }

    /// @dev Divides a bond that was lost: half of it, rounded down, to the winner, and the rest to the vault's pool.
    function _forfeitBond(address winner, address vault, uint256 amount) internal {
        _creditBond(winner, amount / 2);
        _creditBond(vault, amount - amount / 2);
    }
}
