// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../interfaces/IAttributionLedger.sol";
import { Payouts } from "./Payouts.sol";

/// @title Claims
/// @notice How accounts get what active roots allot to them: themselves, or whom they named.
abstract contract Claims is IAttributionLedger, Payouts {
    /// @inheritdoc IAttributionLedger
    function claim(Claim calldata claim_) external returns (uint128 amount) {
        amount = _claim(claim_, _recipientOf(claim_.account));
        if (amount == 0) {
            uint128 already = _books[claim_.vault][claim_.token].claimedBy[claim_.account];
            revert Ledger_NothingToClaim(claim_.account, claim_.cumulative, already);
        }
    }

    /// @inheritdoc IAttributionLedger
    function claimMany(Claim[] calldata claims) external returns (uint128[] memory amounts) {
        amounts = new uint128[](claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            amounts[i] = _claim(claims[i], _recipientOf(claims[i].account));
        }
    }

    /// @inheritdoc IAttributionLedger
    function setRecipient(address recipient) external {
        // Effect.
        _recipients[msg.sender] = recipient;

        // Log.
        emit RecipientSet({ account: msg.sender, recipient: recipient });
    }

    /// @inheritdoc IAttributionLedger
    function recipientOf(address account) external view returns (address) {
        return _recipientOf(account);
    }
}
