//! Payouts: claim, withdraw, audit.

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_chain::{
    Account, Chain, ChainError, orders, revenue, root,
    verify::{self, RootState, Verified},
    why::{self, Why},
};
use tributary_sdk::{
    AssetId,
    client::{Client, ClientError},
};

use super::{StepError, published};

/// Claims for `of` against the root of an epoch: the proof comes from the host, the money goes to `of`.
pub async fn claim(
    sender: &Account,
    host: &Client,
    on: revenue::Account,
    epoch: u64,
    of: Address,
) -> Result<u128, StepError> {
    let proof = host.proof(asset(host, on)?, epoch, of).await?;
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
    let proof = host.proof(asset(host, on)?, epoch, key.address()).await?;
    let claim = root::claim_of(on, proof.index, proof.leaf, proof.leaf_index, proof.proof);
    Ok(orders::claim(sender, claim, terms(sender.chain(), key, recipient).await?).await?)
}

/// The model whose vault this is.
fn asset(host: &Client, on: revenue::Account) -> Result<AssetId, StepError> {
    Ok(host.model_of(on.vault).ok_or(StepError::NotServedHere(on.vault))?.asset)
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

/// Why an epoch pays an account what it does, recomputed from the batch that its host publishes and the chain; whether or
/// not its root is posted.
///
/// `key` is whose who may read sketches, where the release publishes none.
pub async fn why(
    chain: &Chain,
    host: &Client,
    model: AssetId,
    epoch: u64,
    of: Address,
    key: Option<&PrivateKeySigner>,
) -> Result<Why, StepError> {
    let closed = host.epochs(model).await?.into_iter().find(|closed| closed.index == epoch);
    let closed = closed.ok_or(StepError::NotClosed(epoch))?;
    let fetched = published::fetch(chain, &host.batch_url(closed.data_hash), None, key).await?.whole()?;
    let verified = match verify::after_posting(chain, fetched.published()).await {
        Err(ChainError::Fault(verify::Fault::NotPosted(_))) => {
            verify::before_posting(chain, fetched.published()).await?
        }
        other => other?.0,
    };
    Ok(why::why(&verified, of)?)
}

/// A posted epoch that holds, as far as it could be read.
#[derive(Debug)]
pub struct Audited {
    /// What was recomputed.
    pub verified: Verified,
    /// What its root may be used for.
    pub state: RootState,
    /// Why an attestor was not given the sketches that the batch leaves out: the division is not recomputed then.
    pub unread: Option<ClientError>,
}

/// Recomputes a posted epoch from nothing but the chain and the batch's bytes. Where the release withholds sketches, that is
/// all but its division, unless `key` is an attestor's and they are given to it: by `host`, or by whoever has the batch.
pub async fn audit(
    chain: &Chain,
    batch_url: &str,
    host: Option<&str>,
    key: Option<&PrivateKeySigner>,
) -> Result<Audited, StepError> {
    let fetched = published::fetch(chain, batch_url, host, key).await?;
    let (verified, state) = verify::after_posting(chain, fetched.published()).await?;
    Ok(Audited { verified, state, unread: fetched.refused() })
}
