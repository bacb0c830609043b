//! Asking a host: sign in once, then send records.

use alloy::{
    primitives::{B256, U256},
    signers::local::PrivateKeySigner,
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use tributary_chain::Chain;
use tributary_sdk::{
    AssetId,
    api::Inferred,
    client::{Client, Session},
};

use super::StepError;

/// How long a session lasts, in seconds of the chain's time.
const SESSION: u64 = 60 * 60;

/// Connects to a host and authorises a fresh session key with the license holder's key.
pub async fn sign_in(
    chain: &Chain,
    url: &str,
    holder: &PrivateKeySigner,
    license: U256,
) -> Result<(Client, Session), StepError> {
    let client = Client::connect(url).await?;
    let expires_at = chain.head().await?.timestamp.saturating_add(SESSION);
    let session = client.sign_in(holder, license, PrivateKeySigner::random(), expires_at).await?;
    Ok((client, session))
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
    let issued_at = chain.head().await?.timestamp;
    let mut answers = Vec::new();
    for features in inputs {
        let request = session.request(model, features, random(), random(), issued_at)?;
        let answer = session.infer(&request).await?;
        on_answer(&answer);
        answers.push(answer);
    }
    Ok(answers)
}
