//! An attestor: fetches what a host closed, recomputes it against a node of its own, signs or refuses, and tells the host.

use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use tributary_chain::{
    Chain, ChainError, epoch, revenue,
    root::{self, Attestation},
};
use tributary_sdk::{
    AssetId,
    api::{Attested, Finding, ModelInfo, Quorum, Refused},
    client::Client,
    typed_data::{self, AttestationRefusal},
};

use super::{StepError, ask::check_host, published};

/// What an attestor did about a model.
#[derive(Clone, Debug)]
pub enum Looked {
    /// Nothing is closed that is not posted.
    Nothing,
    /// The account is not among the vault's attestors.
    NoAttestor,
    /// It had said its word before.
    Before(Quorum),
    /// It recomputed the epoch and signed.
    Signed {
        /// The epoch.
        index: u64,
        /// Everybody's words.
        quorum: Quorum,
    },
    /// It recomputed the epoch, which does not hold, and said so.
    Refused {
        /// The epoch.
        index: u64,
        /// Why.
        reason: String,
    },
}

/// What came of looking at each model.
pub type All = Vec<(AssetId, Result<Looked, StepError>)>;

/// Looks at every model that a host serves; what is closed and not posted is recomputed, and signed or refused. What fails
/// of one model is said of that one: the others are looked at all the same.
///
/// # Errors
/// If the host does not say what it serves.
pub async fn look(chain: &Chain, url: &str, key: &PrivateKeySigner) -> Result<All, StepError> {
    let client = Client::connect(url).await?;
    let mut all = Vec::new();
    for model in &client.host().models {
        all.push((model.asset, look_at(chain, &client, model, key).await));
    }
    Ok(all)
}

async fn look_at(
    chain: &Chain,
    client: &Client,
    model: &ModelInfo,
    key: &PrivateKeySigner,
) -> Result<Looked, StepError> {
    check_host(chain, client, model.asset).await?;
    let on = revenue::Account { vault: model.vault, token: model.token };
    let next = epoch::standing(chain, on).await?;
    let closed = client.epochs(model.asset).await?;
    let Some(waiting) = closed.into_iter().find(|closed| closed.index == next.index) else {
        return Ok(Looked::Nothing);
    };
    if !root::policy(chain, on.vault).await?.signers.contains(&key.address()) {
        return Ok(Looked::NoAttestor);
    }
    let index = waiting.index;
    let quorum = client.quorum(model.asset, index).await?;
    if has_spoken(&quorum, key.address()) {
        return Ok(Looked::Before(quorum));
    }
    let fetched = published::fetch(chain, &client.batch_url(waiting.data_hash), None, Some(key)).await?.whole()?;
    let finding = match root::attest(chain, fetched.published(), quorum.statement.deadline, key).await {
        Ok((_, statement, Attestation { signer, signature })) => {
            Finding::Attested(Box::new(Attested { statement, signer, signature }))
        }
        Err(error) if error.is_about_the_batch() => refuse(chain, waiting.data_hash, &error, key)?,
        Err(error) => return Err(error.into()),
    };
    let quorum = client.tell(model.asset, index, &finding).await?;
    Ok(match finding {
        Finding::Attested(_) => Looked::Signed { index, quorum },
        Finding::Refused(word) => Looked::Refused { index, reason: word.refusal.reason },
    })
}

fn has_spoken(quorum: &Quorum, attestor: Address) -> bool {
    let attested = quorum.attested.iter().map(|word| word.signer);
    attested.chain(quorum.refused.iter().map(|word| word.signer)).any(|signer| signer == attestor)
}

fn refuse(chain: &Chain, batch: B256, error: &ChainError, key: &PrivateKeySigner) -> Result<Finding, StepError> {
    let refusal = AttestationRefusal { dataHash: batch, reason: error.to_string() };
    let signature = typed_data::sign(&refusal, &chain.ledger_domain(), key)?.into();
    Ok(Finding::Refused(Box::new(Refused { refusal, signer: key.address(), signature })))
}
