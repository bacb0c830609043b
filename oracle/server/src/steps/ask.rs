//! Asking a host: sign in once, then send records.

use alloy::{
    primitives::{B256, U256},
    signers::local::PrivateKeySigner,
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use tributary_chain::{Chain, assets};
use tributary_sdk::{
    AssetId,
    api::Inferred,
    client::{Client, Session},
};

use super::StepError;

/// How long a session lasts, in seconds of the chain's time.
const SESSION: u64 = 60 * 60;

/// Connects to the host of a model and authorises a fresh session key with the license holder's key.
///
/// What the host says about itself is compared with the chain first: receipts of somebody else would prove nothing.
pub async fn sign_in(
    chain: &Chain,
    url: &str,
    model: AssetId,
    holder: &PrivateKeySigner,
    license: U256,
) -> Result<(Client, Session), StepError> {
    let client = Client::connect(url).await?;
    check_host(chain, &client, model).await?;
    let expires_at = chain.head().await?.timestamp.saturating_add(SESSION);
    let session = client.sign_in(holder, license, PrivateKeySigner::random(), expires_at).await?;
    Ok((client, session))
}

/// Connects to a host that is, of every model it serves, the one that the chain names.
pub(crate) async fn connect(chain: &Chain, url: &str) -> Result<Client, StepError> {
    let client = Client::connect(url).await?;
    for model in &client.host().models {
        check_host(chain, &client, model.asset).await?;
    }
    Ok(client)
}

/// That a host is the one that the chain names for a model, with the release that the chain has of it.
pub(super) async fn check_host(chain: &Chain, client: &Client, model: AssetId) -> Result<(), StepError> {
    let host = client.host();
    let served = client.model(model)?;
    let version = assets::version(chain, model, served.version).await?;
    let facts = [
        ("chain", host.chain_id == chain.id()),
        ("attribution ledger", host.ledger == chain.deployment().ledger),
        ("key", host.host == assets::asset(chain, model).await?.shares.host),
        ("weights", served.weights_hash == version.contentHash),
    ];
    match facts.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(StepError::NotTheHost { what }),
        None => Ok(()),
    }
}

/// Sends records one after the other, each under a signed request; `on_answer` hears of every checked answer.
pub async fn infer(
    chain: &Chain,
    session: &Session,
    model: AssetId,
    inputs: impl IntoIterator<Item = Vec<f32>>,
    mut on_answer: impl FnMut(&Inferred),
) -> Result<Vec<Inferred>, StepError> {
    let mut rng = StdRng::from_os_rng();
    let mut random = || {
        let mut bytes = B256::ZERO;
        rng.fill_bytes(bytes.as_mut_slice());
        bytes
    };
    let mut answers = Vec::new();
    for features in inputs {
        let issued_at = chain.head().await?.timestamp;
        let request = session.request(model, features, random(), random(), issued_at)?;
        let answer = session.infer(&request).await?;
        on_answer(&answer);
        answers.push(answer);
    }
    Ok(answers)
}
