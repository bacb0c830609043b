//! Keys of a license at a host: who may ask beside its holder.

use alloy::{hex, primitives::U256, signers::local::PrivateKeySigner};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_chain::Chain;
use tributary_sdk::{
    api::{KeyInfo, LicenseUsage, SignedIn},
    client::Client,
    sign_in::{Credential, Permission},
};

use super::{StepError, ask::connect};
use crate::secret::Secret;

/// What a license's holder allows.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The license.
    pub license: U256,
    /// What may ask.
    pub credential: Credential,
    /// What its holder calls it.
    pub label: Option<String>,
    /// For how long, in seconds.
    pub seconds: u64,
}

/// How long the sign-in lasts by which keys are listed and revoked, in seconds.
const GLANCE: u64 = 60;

/// A new bearer key. Only its hash is signed and sent.
pub fn bearer() -> Secret {
    Secret::new(format!("trb_{}", hex::encode(StdRng::from_os_rng().random::<[u8; 32]>())))
}

/// Lets a key ask.
pub async fn allow(chain: &Chain, url: &str, holder: &PrivateKeySigner, new: NewKey) -> Result<SignedIn, StepError> {
    let client = connect(chain, url).await?;
    let NewKey { license, credential, label, seconds } = new;
    let expires_at = chain.head().await?.timestamp.saturating_add(seconds);
    let permission = Permission { license_id: license, credential, begins_at: 0, expires_at, holder: None, label };
    Ok(client.allow(holder, &permission).await?)
}

/// The keys of a license, oldest first, and what was asked with all of them.
pub async fn list(
    chain: &Chain,
    url: &str,
    holder: &PrivateKeySigner,
    license: U256,
) -> Result<(Vec<KeyInfo>, LicenseUsage), StepError> {
    let (client, token) = glance(chain, url, holder, license).await?;
    Ok((client.keys(license, token.reveal()).await?, client.usage(license, token.reveal()).await?))
}

/// Revokes a key.
pub async fn revoke(
    chain: &Chain,
    url: &str,
    holder: &PrivateKeySigner,
    license: U256,
    key: Credential,
) -> Result<KeyInfo, StepError> {
    let (client, token) = glance(chain, url, holder, license).await?;
    Ok(client.revoke(license, key, token.reveal()).await?)
}

/// A sign-in for its token alone.
async fn glance(
    chain: &Chain,
    url: &str,
    holder: &PrivateKeySigner,
    license: U256,
) -> Result<(Client, Secret), StepError> {
    let client = connect(chain, url).await?;
    let permission = Permission {
        license_id: license,
        credential: Credential::Key(PrivateKeySigner::random().address()),
        begins_at: 0,
        expires_at: chain.head().await?.timestamp.saturating_add(GLANCE),
        holder: None,
        label: Some("keys".into()),
    };
    let token = Secret::new(client.allow(holder, &permission).await?.token.unwrap_or_default());
    Ok((client, token))
}
