//! Epochs: close, attest, post.

use alloy::signers::local::PrivateKeySigner;
use tributary_chain::{
    Account, Chain,
    root::{self, Attestation},
};
use tributary_sdk::{
    AssetId,
    api::{Attested, EpochInfo},
    client::Client,
    typed_data::RootStatement,
};

use super::{StepError, published};
use crate::secret::Secret;

/// Asks the host to close a model's open epoch; the only model's, if none is named.
pub async fn close(url: &str, model: Option<AssetId>, token: &Secret) -> Result<EpochInfo, StepError> {
    let client = Client::connect(url).await?;
    let model = which(&client, model)?;
    Ok(client.close_epoch(model, token.reveal()).await?)
}

/// The model that is meant: the only one, if none is named.
pub fn which(client: &Client, model: Option<AssetId>) -> Result<AssetId, StepError> {
    match (model, client.host().models.as_slice()) {
        (Some(model), _) => Ok(model),
        (None, [only]) => Ok(only.asset),
        (None, models) => Err(StepError::WhichModel(models.iter().map(|model| model.asset).collect())),
    }
}

/// Fetches a batch, recomputes it against the chain, and signs what came out; `deadline` in the chain's time.
pub async fn attest(
    chain: &Chain,
    batch_url: &str,
    deadline: u64,
    key: &PrivateKeySigner,
) -> Result<Attested, StepError> {
    let fetched = published::fetch(chain, batch_url, None, Some(key)).await?.whole()?;
    let attested = root::attest(chain, fetched.published(), deadline, key).await?;
    let (_, statement, Attestation { signer, signature }) = attested;
    Ok(Attested { statement, signer, signature })
}

/// Posts the root of an epoch that a host closed, with what attestors told the host. Returns its statement and when claims
/// become good, in the chain's time; none while too few have signed.
pub async fn post_quorum(
    poster: &Account,
    client: &Client,
    model: AssetId,
    index: u64,
) -> Result<Option<(RootStatement, u64)>, StepError> {
    let quorum = client.quorum(model, index).await?;
    let needed = usize::from(root::policy(poster.chain(), quorum.statement.vault).await?.threshold);
    if quorum.attested.len() < needed {
        return Ok(None);
    }
    Ok(Some(post(poster, &quorum.attested).await?))
}

/// Posts a root that enough attestors signed. Returns its statement and when claims become good, in the chain's time.
pub async fn post(poster: &Account, attested: &[Attested]) -> Result<(RootStatement, u64), StepError> {
    let Some(first) = attested.first() else {
        return Err(StepError::TooFewAttestations { given: 0, needed: 1 });
    };
    if attested.iter().any(|other| other.statement != first.statement) {
        return Err(StepError::StatementsDiffer);
    }
    let policy = root::policy(poster.chain(), first.statement.vault).await?;
    let needed = usize::from(policy.threshold);
    if attested.len() < needed {
        return Err(StepError::TooFewAttestations { given: attested.len(), needed });
    }
    let attestations: Vec<Attestation> = attested
        .iter()
        .map(|attested| Attestation { signer: attested.signer, signature: attested.signature.clone() })
        .collect();
    let active_at = root::post(poster, &first.statement, &attestations).await?;
    Ok((first.statement.clone(), active_at))
}
