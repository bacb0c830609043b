// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BondPayments } from "./extension/BondPayments.sol";
import { Challenges } from "./extension/Challenges.sol";
import { Fallbacks } from "./extension/Fallbacks.sol";
import { Faults } from "./extension/Faults.sol";
import { Orders } from "./extension/Orders.sol";
import { PolicyChanges } from "./extension/PolicyChanges.sol";

/// @title LedgerExtension
/// @notice See {ILedgerExtension}. The code for it; the state is the ledger's. Called by itself it has no root, no vault
/// and no money to do anything with.
contract LedgerExtension is PolicyChanges, BondPayments, Faults, Challenges, Fallbacks, Orders { }
