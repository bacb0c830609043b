//! Payouts: claim, withdraw, audit.

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_chain::{
    Account, Chain, orders, revenue, root,
    verify::{self, RootState, Verified},
};
use tributary_sdk::client::{self, Client};

use super::StepError;

/// Claims for `of` against the root of an epoch: the proof comes from the host, the money goes to `of`.
pub async fn claim(
    sender: &Account,
    host: &Client,
    on: revenue::Account,
    epoch: u64,
    of: Address,
) -> Result<u128, StepError> {
    let proof = host.proof(epoch, of).await?;
    Ok(root::claim(sender, on, proof.index, proof.leaf, proof.leaf_index, proof.proof).await?)
}

/// As [`claim`], for the account of `key`, to whom that says.
pub async fn claim_to(
    sender: &Account,
    host: &Client,
    on: revenue::Account,
    epoch: u64,
    key: &PrivateKeySigner,
    recipient: Address,
) -> Result<u128, StepError> {
    let proof = host.proof(epoch, key.address()).await?;
    let claim = root::claim_of(on, proof.index, proof.leaf, proof.leaf_index, proof.proof);
    Ok(orders::claim(sender, claim, terms(sender.chain(), key, recipient).await?).await?)
}

/// Withdraws what the share table has credited to `of`; the money goes to `of`. Returns what it was.
pub async fn withdraw(sender: &Account, on: revenue::Account, of: Address) -> Result<u128, StepError> {
    let credit = root::credit(sender.chain(), on, of).await?;
    root::withdraw(sender, on, of).await?;
    Ok(credit)
}

/// Withdraws what the share table has credited to the account of `key`, to whom that says.
pub async fn withdraw_to(
    sender: &Account,
    on: revenue::Account,
    key: &PrivateKeySigner,
    recipient: Address,
) -> Result<u128, StepError> {
    Ok(orders::withdraw(sender, on, terms(sender.chain(), key, recipient).await?).await?)
}

/// Orders are sent at once; the deadline is for a node that is slow.
const ORDER_SECONDS: u64 = 3_600;

async fn terms<'k>(
    chain: &Chain,
    key: &'k PrivateKeySigner,
    recipient: Address,
) -> Result<orders::Terms<'k>, StepError> {
    let nonce = U256::from(StdRng::from_os_rng().random::<u128>());
    let deadline = chain.head().await?.timestamp.saturating_add(ORDER_SECONDS);
    Ok(orders::Terms { key, recipient, nonce, deadline })
}

/// Recomputes a posted epoch from nothing but the chain and the batch's bytes.
pub async fn audit(chain: &Chain, batch_url: &str) -> Result<(Verified, RootState), StepError> {
    let bytes = client::fetch(batch_url).await?;
    Ok(verify::after_posting(chain, &bytes).await?)
}
