//! Where published releases lie: each in a folder of its manifest's hash, in a local folder or in a bucket that speaks the
//! S3 protocol. Beside them, in `texts/`, the legal texts of their licenses.
//!
//! Everything is named by a hash that the chain commits to, so it does not matter who keeps a store: whoever reads checks.
//! The manifest is written last; where it is, the release is whole.

#[cfg(feature = "s3")]
mod bucket;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::{B256, keccak256};
use tributary_dataset::durable;
use tributary_factory::release::{MANIFEST_FILE, file_names};

#[cfg(feature = "s3")]
use bucket::Bucket;

const TEXTS: &str = "texts";

/// A store of releases.
#[derive(Clone, Debug)]
pub struct ReleaseStore {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    #[cfg(feature = "s3")]
    Bucket(Bucket),
}

/// A store of releases could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file of it.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not a store.
    #[error("no store of releases: {0}; give a folder, or s3://bucket/prefix")]
    NoStore(String),
    /// This program knows no buckets.
    #[error("this program was built without buckets: build it with --features s3, or give a folder")]
    NoS3,
    /// The bucket refused.
    #[error("the store of releases does not answer as it should: {0}")]
    Bucket(String),
    /// A text that is not what its name says.
    #[error("the text in the store is not the one named {name}: its hash is {found}")]
    OtherText {
        /// Its name.
        name: B256,
        /// Of the bytes there.
        found: B256,
    },
}

impl StoreError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

impl ReleaseStore {
    /// A local folder, which need not be there yet.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self { place: Place::Folder(path.into()) }
    }

    /// A store as people write it: `s3://bucket/prefix`, whose releases are copied into `copies` when they are read, or a
    /// folder.
    ///
    /// # Errors
    /// [`StoreError::NoStore`], [`StoreError::NoS3`].
    pub fn open(location: &str, copies: &Path) -> Result<Self, StoreError> {
        match location.split_once("://") {
            #[cfg(feature = "s3")]
            Some(("s3", _)) => Ok(Self { place: Place::Bucket(Bucket::open(location, copies)?) }),
            #[cfg(not(feature = "s3"))]
            Some(("s3", _)) => {
                let _ = copies;
                Err(StoreError::NoS3)
            }
            Some((other, _)) => Err(StoreError::NoStore(format!("`{other}://` is not known"))),
            None if location.is_empty() => Err(StoreError::NoStore("nothing is named".to_owned())),
            None => Ok(Self::folder(location)),
        }
    }

    /// Keeps a release that lies in a run folder, under its manifest's hash.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Bucket`].
    pub async fn put(&self, run: &Path, manifest_hash: B256) -> Result<(), StoreError> {
        for name in file_names() {
            let from = run.join(name);
            match fs::read(&from) {
                Ok(bytes) => self.keep(&format!("{manifest_hash}/{name}"), bytes).await?,
                // Which papers there are depends on what was measured.
                Err(error) if error.kind() == io::ErrorKind::NotFound && name != MANIFEST_FILE => {}
                Err(source) => return Err(StoreError::File { path: from, source }),
            }
        }
        Ok(())
    }

    /// The folder that has the release with this manifest, if it is in the store. Whoever opens it checks it.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Bucket`].
    pub async fn find(&self, manifest_hash: B256) -> Result<Option<PathBuf>, StoreError> {
        match &self.place {
            Place::Folder(folder) => {
                let folder = folder.join(manifest_hash.to_string());
                Ok(folder.join(MANIFEST_FILE).is_file().then_some(folder))
            }
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.copy(manifest_hash).await,
        }
    }

    /// Keeps a license's legal text under its hash, which is returned.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Bucket`].
    pub async fn put_text(&self, text: &str) -> Result<B256, StoreError> {
        let name = keccak256(text);
        self.keep(&text_name(name), text.as_bytes().to_vec()).await?;
        Ok(name)
    }

    /// The legal text with this hash, if the store has it.
    ///
    /// # Errors
    /// [`StoreError::OtherText`], [`StoreError::File`], [`StoreError::Bucket`].
    pub async fn text(&self, name: B256) -> Result<Option<String>, StoreError> {
        let bytes = match &self.place {
            Place::Folder(folder) => {
                let path = folder.join(text_name(name));
                match fs::read(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    other => Some(other.map_err(StoreError::file(&path))?),
                }
            }
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.get(&text_name(name)).await?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        match keccak256(&bytes) {
            found if found == name => Ok(String::from_utf8(bytes).ok()),
            found => Err(StoreError::OtherText { name, found }),
        }
    }

    async fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        match &self.place {
            Place::Folder(folder) => {
                let path = folder.join(name);
                durable::write(&path, &bytes).map_err(StoreError::file(&path))
            }
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.put(name, bytes).await,
        }
    }
}

fn text_name(name: B256) -> String {
    format!("{TEXTS}/{name}.md")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_factory::release::MODEL_FILE;

    /// A manifest of these weights.
    fn manifest(weights: &str) -> Vec<u8> {
        let manifest = serde_json::json!({
            "format": "tributary-release/1", "weightsHash": keccak256(weights), "tableHash": B256::ZERO,
            "snapshot": { "asset": "0x00000000000000000000000000000007", "version": 1 }, "snapshotRoot": B256::ZERO,
            "settlementPolicy": "epoch-signed/1", "input": "features", "inputWidth": 64, "classes": 10, "sketchWidth": 4,
            "records": 9, "recipe": { "hash": B256::ZERO, "start": "linear", "method": "converge", "seed": 1, "iterations": 5 },
            "evaluation": { "accuracy": "0.9500", "records": 20 }, "cardHash": B256::ZERO, "sketchReaders": "public",
        });
        serde_json::to_vec(&manifest).unwrap()
    }

    /// A run folder with a model and a manifest.
    fn run() -> tempfile::TempDir {
        let run = tempfile::tempdir().unwrap();
        fs::write(run.path().join(MODEL_FILE), "weights").unwrap();
        fs::write(run.path().join(MANIFEST_FILE), manifest("weights")).unwrap();
        run
    }

    async fn keeps(store: &ReleaseStore) {
        let name = keccak256(manifest("weights"));
        assert!(store.find(name).await.unwrap().is_none());
        store.put(run().path(), name).await.unwrap();
        store.put(run().path(), name).await.unwrap();
        let found = store.find(name).await.unwrap().unwrap();
        assert_eq!(fs::read(found.join(MODEL_FILE)).unwrap(), b"weights");
        let text = store.put_text("You may ask.").await.unwrap();
        assert_eq!(store.text(text).await.unwrap().as_deref(), Some("You may ask."));
        assert_eq!(store.text(name).await.unwrap(), None);
        let half = tempfile::tempdir().unwrap();
        assert!(matches!(store.put(half.path(), B256::ZERO).await, Err(StoreError::File { .. })));
        assert!(store.find(B256::ZERO).await.unwrap().is_none(), "what has no manifest is not whole");
    }

    #[tokio::test]
    async fn a_folder_keeps_releases_and_texts_by_their_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let store = ReleaseStore::open(&folder.path().display().to_string(), folder.path()).unwrap();
        keeps(&store).await;
        let name = store.put_text("You may ask.").await.unwrap();
        fs::write(folder.path().join(text_name(name)), "You may do anything.").unwrap();
        assert!(matches!(store.text(name).await, Err(StoreError::OtherText { .. })));
    }

    #[cfg(feature = "s3")]
    #[tokio::test]
    async fn a_bucket_keeps_the_same_and_is_read_through_copies() {
        let copies = tempfile::tempdir().unwrap();
        let store = ReleaseStore { place: Place::Bucket(Bucket::memory(copies.path())) };
        keeps(&store).await;
        // What is damaged there is not taken for whole, now or later.
        let damaged = run();
        fs::write(damaged.path().join(MANIFEST_FILE), manifest("other weights")).unwrap();
        let name = keccak256(manifest("other weights"));
        store.put(damaged.path(), name).await.unwrap();
        assert!(matches!(store.find(name).await, Err(StoreError::Bucket(_))));
        fs::write(damaged.path().join(MODEL_FILE), "other weights").unwrap();
        store.put(damaged.path(), name).await.unwrap();
        assert!(store.find(name).await.unwrap().is_some());
    }

    #[test]
    fn what_is_no_store_says_what_one_is() {
        let refused = |location: &str| ReleaseStore::open(location, Path::new("")).unwrap_err().to_string();
        assert!(refused("ftp://there").contains("give a folder"));
        assert!(refused("").contains("nothing is named"));
        #[cfg(not(feature = "s3"))]
        assert!(refused("s3://bucket").contains("--features s3"));
        #[cfg(feature = "s3")]
        assert!(!refused("s3://who:hushhush@bucket").contains("hushhush"));
    }
}
