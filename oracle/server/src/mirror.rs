//! Published batches in a bucket, so that they outlive the host: `batches/{data hash}.json` under a prefix.
//!
//! Batches never change and are named by their hash, so a bucket that everybody may read is as good as the host: whoever
//! fetches one compares the hash. What is missing there is copied again and again until it is there; nothing is ever removed
//! or written over.

use std::{collections::HashSet, ffi::OsString, future::Future, sync::Arc, time::Duration};

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
    /// What was found there or put there: nothing is removed, so it is not asked for again.
    there: HashSet<B256>,
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
        let text =
            |variable: (OsString, OsString)| Some((variable.0.into_string().ok()?, variable.1.into_string().ok()?));
        let environment = std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with("AWS_"));
        let options = environment.map(|(name, value)| (name.to_lowercase(), value));
        let (store, prefix) =
            object_store::parse_url_opts(&parsed, options).map_err(|error| no_bucket(error.to_string()))?;
        Ok(Self { host, store, prefix, there: HashSet::new() })
    }

    /// Copies until `stop` ends. What fails is logged and tried again.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let look = async {
                match self.look().await {
                    Ok(0) => {}
                    Ok(copied) => tracing::info!(copied, "batches are in the bucket"),
                    Err(error) => tracing::warn!(%error, "batches are not in the bucket yet"),
                }
                tokio::time::sleep(EVERY).await;
            };
            tokio::select! {
                () = look => {}
                () = &mut stop => return,
            }
        }
    }

    /// Copies what the bucket lacks; how many batches that was. One that cannot be read here keeps no other from being
    /// copied.
    pub async fn look(&mut self) -> Result<usize, MirrorError> {
        let mut copied = 0;
        for asset in self.host.services().iter().map(|service| service.asset()) {
            let Ok(service) = self.host.service(asset) else { continue };
            let published = service.batches().list().map_err(Refusal::from)?;
            // Nobody may have to wait for a bucket before the model can be taken away.
            drop(service);
            for (_, hash) in published.into_iter().filter(|(_, hash)| !self.there.contains(hash)).collect::<Vec<_>>() {
                if !self.has(hash).await? {
                    match self.host.batch(hash) {
                        Ok(batch) => self.put(hash, batch).await?,
                        Err(error) => {
                            tracing::error!(batch = %hash, %error, "a batch cannot be copied");
                            continue;
                        }
                    }
                    copied += 1;
                }
                self.there.insert(hash);
            }
        }
        Ok(copied)
    }

    async fn has(&self, hash: B256) -> Result<bool, MirrorError> {
        match self.store.head(&self.place(hash)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(other) => Err(MirrorError::Bucket(other.to_string())),
        }
    }

    async fn put(&self, hash: B256, batch: Vec<u8>) -> Result<(), MirrorError> {
        match self.store.put_opts(&self.place(hash), batch.into(), PutOptions::from(PutMode::Create)).await {
            // Somebody else was first; the name says that it is the same.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(other) => Err(MirrorError::Bucket(other.to_string())),
        }
    }

    fn place(&self, hash: B256) -> Path {
        self.prefix.clone().join("batches").join(format!("{hash}.json"))
    }
}
