// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

import { IAttributionLedger } from "../../interfaces/IAttributionLedger.sol";
import { ILedgerExtension } from "../../interfaces/ILedgerExtension.sol";
import { IPool } from "../../interfaces/IPool.sol";
import { Currency } from "../../libraries/Currency.sol";
import { Rejections } from "../Rejections.sol";

/// @title BondPayments
/// @notice How bonds that are not staked any more leave.
abstract contract BondPayments is ILedgerExtension, Rejections {
    /// @inheritdoc ILedgerExtension
    function releaseBond(address vault, address token) external {
        // Check.
        Book storage book = _books[vault][token];
        _checkResolved(vault, token, book);
        address poster = book.poster;
        uint256 bond = poster == address(0) ? 0 : _posterBond(vault, book);
        if (bond == 0) revert IAttributionLedger.Ledger_NoBond(poster);

        // Effect.
        book.poster = address(0);
        _creditBond(poster, bond);
    }

    /// @inheritdoc ILedgerExtension
    function withdrawBond(address account) external returns (uint256 amount) {
        // Check.
        amount = _bonds[account];
        if (amount == 0) revert IAttributionLedger.Ledger_NoBond(account);

        // Effect.
        _bonds[account] = 0;

        // Log.
        emit IAttributionLedger.BondWithdrawn({ account: account, amount: amount });

        // Interaction.
        if (_hasPolicy(account)) IPool(account).fundPool{ value: amount }({ token: Currency.NATIVE, amount: amount });
        else Address.sendValue(payable(account), amount);
    }
}
