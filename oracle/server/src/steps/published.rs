//! What a host publishes of an epoch, as much of it as somebody may read.

use alloy::{primitives::Bytes, signers::local::PrivateKeySigner, sol_types::SolStruct};
use tributary_chain::{Chain, root, verify::Published};
use tributary_sdk::{
    api::Reader,
    batch::Batch,
    client::{self, ClientError},
    release::Manifest,
    sketch::Sketch,
    typed_data::{self, SketchAccess},
};

use super::StepError;

/// How long a signature to read with is good, in seconds of the chain's time.
const READING: u64 = 60 * 60;

/// An epoch as somebody could fetch it.
#[derive(Debug)]
pub(super) struct Fetched {
    batch: Bytes,
    sketches: Sketches,
}

/// The sketches that a batch leaves out, as far as somebody came by them.
#[derive(Debug)]
pub(super) enum Sketches {
    /// They were not asked for: the batch has them, or nobody asked who may read them.
    NotAsked,
    /// They were given, and are the batch's.
    Given(Vec<Sketch>),
    /// They were not given to somebody who may read them. What the host says of why is its word alone.
    Refused(ClientError),
}

impl Fetched {
    /// What there is to recompute it from.
    pub(super) fn published(&self) -> Published<'_> {
        let sketches = match &self.sketches {
            Sketches::Given(sketches) => Some(sketches.as_slice()),
            Sketches::NotAsked | Sketches::Refused(_) => None,
        };
        Published { batch: &self.batch, sketches }
    }

    /// Itself, if there is nothing more that this reader may read.
    ///
    /// # Errors
    /// [`StepError::NoSketches`] if sketches were refused to somebody who may read them.
    pub(super) fn whole(self) -> Result<Self, StepError> {
        match self.sketches {
            Sketches::Refused(why) => Err(StepError::NoSketches(why)),
            _ => Ok(self),
        }
    }

    /// Why there are no sketches, if they were refused to somebody who may read them.
    pub(super) fn refused(self) -> Option<ClientError> {
        match self.sketches {
            Sketches::Refused(why) => Some(why),
            Sketches::NotAsked | Sketches::Given(_) => None,
        }
    }
}

/// Fetches a batch, and with an attestor's key the sketches that it leaves out: from where it is, or from `host`, where a
/// copy of the batch was fetched from somebody who has nothing else.
pub(super) async fn fetch(
    chain: &Chain,
    batch_url: &str,
    host: Option<&str>,
    key: Option<&PrivateKeySigner>,
) -> Result<Fetched, StepError> {
    let batch = client::fetch(batch_url).await?;
    let at = host.map(|host| client::batch_url(host, Batch::data_hash(&batch)));
    let sketches = sketches(chain, at.as_deref().unwrap_or(batch_url), &batch, key).await?;
    Ok(Fetched { batch, sketches })
}

/// The sketches that the batch at `batch_url` leaves out, if this is the key of an attestor of its vault.
///
/// Who may read is asked of the chain and not of the host, whose refusal would else be believed.
pub(super) async fn sketches(
    chain: &Chain,
    batch_url: &str,
    batch: &[u8],
    key: Option<&PrivateKeySigner>,
) -> Result<Sketches, StepError> {
    let Some(key) = key else { return Ok(Sketches::NotAsked) };
    // A batch that does not read is for those to judge who recompute it.
    let Ok(parsed) = Batch::from_bytes(batch) else { return Ok(Sketches::NotAsked) };
    let withholds = parsed.receipts.iter().any(|row| row.sketch.is_none());
    if !withholds || !root::policy(chain, parsed.vault).await?.signers.contains(&key.address()) {
        return Ok(Sketches::NotAsked);
    }
    let data_hash = Batch::data_hash(batch);
    let access = |authority, until| SketchAccess { dataHash: data_hash, authority, until };
    let reader = reader(chain, batch_url, key, access).await?;
    Ok(match client::sketches(batch_url, parsed, &reader).await {
        Ok(given) => Sketches::Given(given),
        Err(why) => Sketches::Refused(why),
    })
}

/// Signs that the key's account reads what `access` names, for an hour, of the host at `url` and of no other.
pub(super) async fn reader<A: SolStruct>(
    chain: &Chain,
    url: &str,
    key: &PrivateKeySigner,
    access: impl FnOnce(String, u64) -> A,
) -> Result<Reader, StepError> {
    let until = chain.head().await?.timestamp.saturating_add(READING);
    let authority = client::authority(url);
    let signature = typed_data::sign(&access(authority.clone(), until), &chain.ledger_domain(), key)?.into();
    Ok(Reader { signer: key.address(), authority, until, signature })
}
