//! What a host publishes of an epoch, as much of it as somebody may read.

use alloy::{primitives::Bytes, signers::local::PrivateKeySigner, sol_types::SolStruct};
use tributary_chain::{Chain, verify::Published};
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
    sketches: Option<Vec<Sketch>>,
}

impl Fetched {
    /// What there is to recompute it from.
    pub(super) fn published(&self) -> Published<'_> {
        Published { batch: &self.batch, sketches: self.sketches.as_deref() }
    }
}

/// Fetches a batch, and with an attestor's key the sketches that it leaves out.
pub(super) async fn fetch(
    chain: &Chain,
    batch_url: &str,
    key: Option<&PrivateKeySigner>,
) -> Result<Fetched, StepError> {
    complete(chain, batch_url, client::fetch(batch_url).await?, key).await
}

/// A batch that was fetched, with the sketches that it leaves out, if this is the key of somebody who may read them.
pub(super) async fn complete(
    chain: &Chain,
    batch_url: &str,
    batch: Bytes,
    key: Option<&PrivateKeySigner>,
) -> Result<Fetched, StepError> {
    // A batch that does not read is for those to judge who recompute it.
    let withholds = |batch: &Batch| batch.receipts.iter().any(|row| row.sketch.is_none());
    let sketches = match key {
        Some(key) if Batch::from_bytes(&batch).is_ok_and(|batch| withholds(&batch)) => {
            let data_hash = Batch::data_hash(&batch);
            let reader = reader(chain, key, |until| SketchAccess { dataHash: data_hash, until }).await?;
            match client::sketches(batch_url, &reader).await {
                Ok(read) => Some(read.sketches),
                Err(ClientError::Refused { code, .. }) if code == "no_reader" => None,
                Err(other) => return Err(other.into()),
            }
        }
        _ => None,
    };
    Ok(Fetched { batch, sketches })
}

/// Signs that the key's account reads what `access` names, for an hour.
pub(super) async fn reader<A: SolStruct>(
    chain: &Chain,
    key: &PrivateKeySigner,
    access: impl FnOnce(u64) -> A,
) -> Result<Reader, StepError> {
    let until = chain.head().await?.timestamp.saturating_add(READING);
    let signature = typed_data::sign(&access(until), &chain.ledger_domain(), key)?.into();
    Ok(Reader { signer: key.address(), until, signature })
}
