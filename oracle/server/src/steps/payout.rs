//! Payouts: claim, withdraw, audit.

use alloy::primitives::Address;
use tributary_chain::{
    Account, Chain, revenue, root,
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

/// Recomputes a posted epoch from nothing but the chain and the batch's bytes.
pub async fn audit(chain: &Chain, batch_url: &str) -> Result<(Verified, RootState), StepError> {
    let bytes = client::fetch(batch_url).await?;
    Ok(verify::after_posting(chain, &bytes).await?)
}
