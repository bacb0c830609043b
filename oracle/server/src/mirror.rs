//! Published batches in a bucket, so that they outlive the host: `batches/{data hash}.json` under a prefix.
//!
//! Batches never change and are named by their hash, so a bucket that everybody may read is as good as the host: whoever
//! fetches one compares the hash. What is missing there is copied again and again until it is there; nothing is ever removed
//! or written over.

use std::{future::Future, sync::Arc, time::Duration};

use alloy::primitives::B256;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, path::Path};
use tributary_sdk::client;
use url::Url;

use crate::host::{Host, Refusal};

/// How often it is looked whether something is missing.
const EVERY: Duration = Duration::from_secs(30);

/// A bucket that has what the host publishes.
#[derive(Debug)]
pub struct Mirror {
    host: Arc<Host>,
    store: Box<dyn ObjectStore>,
    prefix: Path,
}

/// Nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Not a bucket.
    #[error("`mirror` is no bucket: write it as s3://bucket/prefix, with AWS_REGION and what else AWS_* says ({0})")]
    NoBucket(String),
    /// The bucket refused.
    #[error("the bucket did not take a batch: {0}")]
    Bucket(String),
    /// A batch of the host's.
    #[error(transparent)]
    Batch(#[from] Refusal),
}

impl Mirror {
    /// A bucket by its URL, `s3://bucket/prefix`. Region, endpoint and credentials are in the environment, under the names
    /// that AWS gives them.
    pub fn open(host: Arc<Host>, url: &str) -> Result<Self, MirrorError> {
        let no_bucket = |error: String| MirrorError::NoBucket(error);
        let parsed = url.parse::<Url>().map_err(|error| no_bucket(error.to_string()))?;
        if parsed.scheme() != "s3" {
            return Err(no_bucket(format!("it begins with `{}:`", parsed.scheme())));
        }
        // Makes this process's TLS known to whoever opens connections.
        drop(client::http());
        let environment = std::env::vars().filter(|(name, _)| name.starts_with("AWS_"));
        let options = environment.map(|(name, value)| (name.to_lowercase(), value));
        let (store, prefix) =
            object_store::parse_url_opts(&parsed, options).map_err(|error| no_bucket(error.to_string()))?;
        Ok(Self { host, store, prefix })
    }

    /// Copies until `stop` ends. What fails is logged and tried again.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            match self.look().await {
                Ok(0) => {}
                Ok(copied) => tracing::info!(copied, "batches are in the bucket"),
                Err(error) => tracing::warn!(%error, "batches are not in the bucket yet"),
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = &mut stop => return,
            }
        }
    }

    /// Copies what the bucket lacks; how many batches that was.
    pub async fn look(&self) -> Result<usize, MirrorError> {
        let mut copied = 0;
        for service in self.host.services() {
            for (_, hash) in service.batches().list().map_err(Refusal::from)? {
                let place = self.place(hash);
                match self.store.head(&place).await {
                    Ok(_) => continue,
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(other) => return Err(MirrorError::Bucket(other.to_string())),
                }
                let bytes = service.batches().bytes(hash)?;
                let create = PutOptions::from(PutMode::Create);
                match self.store.put_opts(&place, bytes.into(), create).await {
                    // Somebody else was first; the name says that it is the same.
                    Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => copied += 1,
                    Err(other) => return Err(MirrorError::Bucket(other.to_string())),
                }
            }
        }
        Ok(copied)
    }

    fn place(&self, hash: B256) -> Path {
        self.prefix.clone().join("batches").join(format!("{hash}.json"))
    }
}
