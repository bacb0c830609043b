// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAttributionLedger } from "../../interfaces/IAttributionLedger.sol";
import { ILedgerExtension } from "../../interfaces/ILedgerExtension.sol";
import { IPool } from "../../interfaces/IPool.sol";
import { PayOrders } from "../../libraries/PayOrders.sol";
import { Signatures } from "../../libraries/Signatures.sol";
import { Payouts } from "../Payouts.sol";

/// @title Orders
/// @notice How accounts get all that is theirs at once: what roots allot and vaults credit to them, to themselves, to
/// whom they named, or to whom an order they signed says.
abstract contract Orders is ILedgerExtension, Payouts {
    using BitMaps for BitMaps.BitMap;

    /// @inheritdoc ILedgerExtension
    function claimTo(
        IAttributionLedger.Claim[] calldata claims,
        IAttributionLedger.ClaimOrder calldata order,
        bytes calldata signature
    ) external returns (uint128[] memory amounts) {
        _useOrder(order.account, order.recipient, order.nonce, order.deadline);
        _checkSigned(order.account, PayOrders.hash(order, claims), signature);

        amounts = new uint128[](claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            if (claims[i].account != order.account) {
                revert IAttributionLedger.Ledger_WrongAccount(claims[i].account, order.account);
            }
            amounts[i] = _claim(claims[i], order.recipient);
        }
    }

    /// @inheritdoc ILedgerExtension
    function withdrawMany(IAttributionLedger.Withdrawal[] calldata withdrawals)
        external
        returns (uint128[] memory amounts)
    {
        amounts = new uint128[](withdrawals.length);
        for (uint256 i = 0; i < withdrawals.length; ++i) {
            IAttributionLedger.Withdrawal calldata withdrawal = withdrawals[i];
            address account = withdrawal.account;
            amounts[i] = IPool(withdrawal.vault).withdrawTo(withdrawal.token, account, _recipientOf(account));
        }
    }

    /// @inheritdoc ILedgerExtension
    function withdrawTo(IAttributionLedger.WithdrawOrder calldata order, bytes calldata signature)
        external
        returns (uint128[] memory amounts)
    {
        _useOrder(order.account, order.recipient, order.nonce, order.deadline);
        _checkSigned(order.account, PayOrders.hash(order), signature);

        amounts = new uint128[](order.sources.length);
        for (uint256 i = 0; i < order.sources.length; ++i) {
            IAttributionLedger.Source calldata source = order.sources[i];
            amounts[i] = IPool(source.vault).withdrawTo(source.token, order.account, order.recipient);
        }
    }

    /// @inheritdoc ILedgerExtension
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
    }

    /// @dev Checks all of an order but its signature, and uses its nonce up.
    function _useOrder(address account, address recipient, uint256 nonce, uint64 deadline) private {
        if (recipient == address(0)) revert IAttributionLedger.Ledger_ZeroRecipient();
        if (block.timestamp > deadline) revert IAttributionLedger.Ledger_OrderExpired(deadline, Time.timestamp());
        _useNonce(account, nonce);
    }

    function _useNonce(address account, uint256 nonce) private {
        // Check.
        if (_nonces[account].get(nonce)) revert IAttributionLedger.Ledger_NonceUsed(account, nonce);

        // Effect.
        _nonces[account].set(nonce);

        // Log.
        emit IAttributionLedger.NonceUsed({ account: account, nonce: nonce });
    }

    function _checkSigned(address account, bytes32 structHash, bytes calldata signature) private view {
        if (!Signatures.isValid(account, _hashTypedDataV4(structHash), signature)) {
            revert IAttributionLedger.Ledger_BadSignature(account);
        }
    }
}
