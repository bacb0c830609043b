//! A store of releases in a bucket. What is read is copied to this machine, where models are loaded from.

use std::{
    ffi::OsString,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use alloy::primitives::{B256, keccak256};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use tributary_dataset::durable;
use tributary_factory::{
    card::CARD_FILE,
    release::{MANIFEST_FILE, MODEL_FILE, TABLE_FILE, file_names},
};
use tributary_sdk::{
    client,
    release::{Manifest, ReleaseManifest},
};
use url::Url;

use super::StoreError;

/// Longest file that is taken from a store, in bytes.
const LONGEST: u64 = 4 << 30;

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    copies: PathBuf,
}

impl Bucket {
    /// Region, endpoint and credentials are in the environment, under the names that AWS gives them.
    pub(super) fn open(location: &str, copies: &FilePath) -> Result<Self, StoreError> {
        let no_store = |reason: String| StoreError::NoStore(reason);
        let parsed = location.parse::<Url>().map_err(|error| no_store(error.to_string()))?;
        if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() {
            return Err(no_store("its address has more than a bucket and a prefix: credentials go into AWS_*".into()));
        }
        // Makes this process's TLS known to whoever opens connections.
        drop(client::http());
        let text =
            |variable: (OsString, OsString)| Some((variable.0.into_string().ok()?, variable.1.into_string().ok()?));
        let environment = std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with("AWS_"));
        let environment: Vec<(String, String)> = environment.collect();
        // What an address has in it, errors repeat.
        let is_telling =
            |value: &str| value.parse::<Url>().is_ok_and(|url| !url.username().is_empty() || url.password().is_some());
        if let Some((name, _)) = environment.iter().find(|(_, value)| is_telling(value)) {
            return Err(no_store(format!("{name} has credentials in it: give them in variables of their own")));
        }
        let options = environment.into_iter().map(|(name, value)| (name.to_lowercase(), value));
        let (objects, prefix) =
            object_store::parse_url_opts(&parsed, options).map_err(|error| no_store(error.to_string()))?;
        Ok(Self { objects: objects.into(), prefix, copies: copies.to_owned() })
    }

    #[cfg(test)]
    pub(super) fn memory(copies: &FilePath) -> Self {
        let objects = Arc::new(object_store::memory::InMemory::new());
        Self { objects, prefix: Path::from("releases"), copies: copies.to_owned() }
    }

    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.objects.put(&self.of(name), bytes.into()).await;
        put.map(drop).map_err(|error| StoreError::Bucket(error.to_string()))
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let refused = |error: object_store::Error| StoreError::Bucket(error.to_string());
        match self.objects.get(&self.of(name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(refused(other)),
            Ok(found) if found.meta.size > LONGEST => {
                Err(StoreError::Bucket(format!("{name} is over {LONGEST} bytes")))
            }
            Ok(found) => Ok(Some(found.bytes().await.map_err(refused)?.into())),
        }
    }

    /// The folder of copies that has a release, copied now if it was not.
    pub(super) async fn copy(&self, manifest_hash: B256) -> Result<Option<PathBuf>, StoreError> {
        let folder = self.copies.join(manifest_hash.to_string());
        if folder.join(MANIFEST_FILE).is_file() {
            return Ok(Some(folder));
        }
        let Some(manifest) = self.get(&format!("{manifest_hash}/{MANIFEST_FILE}")).await? else { return Ok(None) };
        // What is damaged there is not kept here: a copy is made once.
        let damaged = |what: &str| StoreError::Bucket(format!("{what} of release {manifest_hash} is not what it was"));
        let known = ReleaseManifest::from_committed(&manifest, manifest_hash).map_err(|_| damaged(MANIFEST_FILE))?;
        let expected = [(MODEL_FILE, known.weights_hash), (TABLE_FILE, known.table_hash), (CARD_FILE, known.card_hash)];
        for name in file_names().filter(|name| *name != MANIFEST_FILE) {
            if let Some(bytes) = self.get(&format!("{manifest_hash}/{name}")).await? {
                if expected.iter().any(|(file, hash)| *file == name && keccak256(&bytes) != *hash) {
                    return Err(damaged(name));
                }
                let path = folder.join(name);
                durable::write(&path, &bytes).map_err(StoreError::file(&path))?;
            }
        }
        let path = folder.join(MANIFEST_FILE);
        durable::write(&path, &manifest).map_err(StoreError::file(&path))?;
        Ok(Some(folder))
    }

    fn of(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}
