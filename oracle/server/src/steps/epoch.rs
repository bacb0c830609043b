//! Epochs: close, attest, post.

use alloy::{primitives::Bytes, signers::local::PrivateKeySigner};
use serde::{Deserialize, Serialize};
use tributary_chain::{
    Account, Chain,
    root::{self, Attestation},
};
use tributary_sdk::{
    Address,
    api::EpochInfo,
    client::{self, Client},
    typed_data::RootStatement,
};

use super::StepError;
use crate::secret::Secret;

/// An attestor's word, as it travels to whoever posts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attested {
    /// What was recomputed.
    pub statement: RootStatement,
    /// Who recomputed it.
    pub signer: Address,
    /// Their EIP-712 signature of the statement.
    pub signature: Bytes,
}

/// Asks the host to close its open epoch.
pub async fn close(url: &str, token: &Secret) -> Result<EpochInfo, StepError> {
    Ok(Client::connect(url).await?.close_epoch(token.reveal()).await?)
}

/// Fetches a batch, recomputes it against the chain, and signs what came out; `deadline` in the chain's time.
pub async fn attest(
    chain: &Chain,
    batch_url: &str,
    deadline: u64,
    key: &PrivateKeySigner,
) -> Result<Attested, StepError> {
    let bytes = client::fetch(batch_url).await?;
    let (_, statement, Attestation { signer, signature }) = root::attest(chain, &bytes, deadline, key).await?;
    Ok(Attested { statement, signer, signature })
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
