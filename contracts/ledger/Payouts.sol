// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { IPool } from "../interfaces/IPool.sol";
import { Books } from "./Books.sol";

/// @title Payouts
/// @notice How one claim is paid.
abstract contract Payouts is Books {
    /// @dev Pays one claim; 0, and nothing done, if the account has claimed as much already.
    function _claim(IAttributionLedger.Claim calldata claim_, address recipient) internal returns (uint128 amount) {
        Book storage book = _books[claim_.vault][claim_.token];

        // Check: the root is active and has the leaf, and its leaves sum to what the attestors signed.
        uint64 rootIndex = claim_.rootIndex;
        StoredRoot storage stored = book.roots[rootIndex];
        if (!_isActive(stored)) revert IAttributionLedger.Ledger_RootNotActive(claim_.vault, claim_.token, rootIndex);
        (address account, uint128 cumulative) = (claim_.account, claim_.cumulative);
        uint128 limit = _checkLeaf(stored, account, cumulative, claim_.leafIndex, claim_.proof);

        // Check: something is left.
        uint128 already = book.claimedBy[account];
        if (cumulative <= already) return 0;
        amount = cumulative - already;

        // Effect.
        book.claimedBy[account] = cumulative;

        // Interaction: all claims together stay within the newest active sum.
        if (rootIndex != book.count) limit = book.roots[_newestActive(book)].sum;
        uint128 paid = _pay(claim_, recipient, amount, limit);

        // Effect: what could not be paid is not claimed. Taken off, for a vault that calls back may have claimed more.
        if (paid < amount) book.claimedBy[account] -= amount - paid;
        return paid;
    }

    function _pay(IAttributionLedger.Claim calldata claim_, address recipient, uint128 amount, uint128 limit)
        private
        returns (uint128 paid)
    {
        // Interaction.
        paid =
            IPool(claim_.vault).payFromPool({ token: claim_.token, account: recipient, amount: amount, limit: limit });
        if (paid == 0) revert IAttributionLedger.Ledger_ClaimsExceedSum(claim_.account, limit);

        // Log.
        emit IAttributionLedger.Claimed({
            vault: claim_.vault,
            token: claim_.token,
            account: claim_.account,
            recipient: recipient,
            rootIndex: claim_.rootIndex,
            cumulative: claim_.cumulative,
            amount: paid
        });
    }

    /// @dev Who is paid when an account is.
    function _recipientOf(address account) internal view returns (address recipient) {
        recipient = _recipients[account];
        if (recipient == address(0)) recipient = account;
    }
}
