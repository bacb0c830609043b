//! Orders: one signature of an account, by which anybody may send what is the account's to whom the account says.

use alloy::{
    primitives::{Address, Bytes, U256},
    signers::local::PrivateKeySigner,
};
use tributary_sdk::{
    contracts::{
        AttributionLedger, RoyaltyVault,
        ledger::{
            Claim, ClaimOrder as OnChainClaimOrder, Source as OnChainSource, WithdrawOrder as OnChainWithdrawOrder,
        },
    },
    typed_data::{self, ClaimOrder, Payout, Source, WithdrawOrder},
};

use crate::{Account, ChainError, assets::event, revenue, transact::send};

const CONTRACT: &str = "the attribution ledger";

/// What an order says beside what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'k> {
    /// Whose order it is: this key signs it.
    pub key: &'k PrivateKeySigner,
    /// Who is paid.
    pub recipient: Address,
    /// Any number that the account has not used before.
    pub nonce: U256,
    /// The last second at which the order may be executed, in the chain's time.
    pub deadline: u64,
}

/// Claims a payout of the account to whom its order says. Returns what was paid, in base units.
pub async fn claim(sender: &Account, claim: Claim, terms: Terms<'_>) -> Result<u128, ChainError> {
    let account = terms.key.address();
    let order = ClaimOrder {
        account,
        recipient: terms.recipient,
        payouts: vec![Payout { vault: claim.vault, token: claim.token, cumulative: claim.cumulative }],
        nonce: terms.nonce,
        deadline: terms.deadline,
    };
    let signature: Bytes = typed_data::sign(&order, &sender.chain().ledger_domain(), terms.key)?.into();
    let order = OnChainClaimOrder { account, recipient: order.recipient, nonce: order.nonce, deadline: order.deadline };
    let ledger = AttributionLedger::new(sender.chain().deployment().ledger, sender.provider());
    let receipt = send(CONTRACT, ledger.claimTo(vec![claim], order, signature)).await?;
    Ok(event::<AttributionLedger::Claimed>(&receipt)?.amount)
}

/// Withdraws the account's credit in a vault to whom its order says. Returns what was paid, in base units; 0 if there is
/// none.
pub async fn withdraw(sender: &Account, on: revenue::Account, terms: Terms<'_>) -> Result<u128, ChainError> {
    let account = terms.key.address();
    let order = WithdrawOrder {
        account,
        recipient: terms.recipient,
        sources: vec![Source { vault: on.vault, token: on.token }],
        nonce: terms.nonce,
        deadline: terms.deadline,
    };
    let signature: Bytes = typed_data::sign(&order, &sender.chain().ledger_domain(), terms.key)?.into();
    let order = OnChainWithdrawOrder {
        account,
        recipient: order.recipient,
        sources: vec![OnChainSource { vault: on.vault, token: on.token }],
        nonce: order.nonce,
        deadline: order.deadline,
    };
    let ledger = AttributionLedger::new(sender.chain().deployment().ledger, sender.provider());
    let receipt = send(CONTRACT, ledger.withdrawTo(order, signature)).await?;
    Ok(event::<RoyaltyVault::Withdrawn>(&receipt).map_or(0, |withdrawn| withdrawn.amount))
}
