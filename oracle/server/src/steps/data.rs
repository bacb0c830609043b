//! The data folder: what one step leaves for the next.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tributary_chain::Chain;
use tributary_dataset::durable;
use tributary_factory::release::MANIFEST_FILE;
use tributary_sdk::{AssetId, release::VersionRef};

use super::StepError;
use crate::dataset::CHARTER_FILE;

/// A data folder bound to one chain.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Binding {
    chain_id: u64,
    genesis: B256,
}

impl Binding {
    fn words(&self) -> String {
        format!("{} (genesis {})", self.chain_id, self.genesis)
    }
}

/// `dataset.json`: a registered dataset. Its rules are in `charter.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetState {
    /// The dataset.
    pub asset: AssetId,
    /// Its vault.
    pub vault: Address,
    /// keccak-256 of the charter.
    pub terms_hash: B256,
    /// Where its records are kept, sealed; in this folder if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

/// What is published with a snapshot, under `snapshots/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotFile {
    /// The manifest.
    Manifest,
    /// The commitments to its records, ascending, 32 bytes each.
    Commitments,
    /// Why each record was accepted, held or rejected.
    Screening,
}

impl SnapshotFile {
    fn name(self, manifest: B256) -> String {
        let kind = match self {
            Self::Manifest => "json",
            Self::Commitments => "commitments",
            Self::Screening => "screening.json",
        };
        format!("snapshots/{manifest}.{kind}")
    }
}

/// `model.json`: a published release.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelState {
    /// The release.
    pub version: VersionRef,
    /// The model's vault.
    pub vault: Address,
}

impl DataFolder {
    /// Opens the folder for a chain, making it if need be; a folder of another chain is refused.
    pub fn open(path: &Path, chain: &Chain) -> Result<Self, StepError> {
        match Self::existing(path, chain) {
            Err(StepError::Missing { .. }) => {
                let folder = Self { path: path.to_owned() };
                folder.write("chain.json", &binding(chain))?;
                Ok(folder)
            }
            other => other,
        }
    }

    /// Opens a folder that was opened for the chain before. It changes nothing.
    pub fn existing(path: &Path, chain: &Chain) -> Result<Self, StepError> {
        let folder = Self { path: path.to_owned() };
        let (found, expected) = (folder.read::<Binding>("chain.json", "tributary deploy")?, binding(chain));
        if found != expected {
            return Err(StepError::WrongChain {
                path: path.to_owned(),
                found: found.words(),
                expected: expected.words(),
            });
        }
        Ok(folder)
    }

    /// A path inside the folder.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The folders of training runs.
    pub fn runs(&self) -> PathBuf {
        self.join("runs")
    }

    /// The card of a model that was measured and is not released.
    pub fn measured(&self) -> PathBuf {
        self.join("measured")
    }

    /// The folder of the trained release.
    pub fn release(&self) -> PathBuf {
        self.join("release")
    }

    /// The registered dataset.
    pub fn dataset(&self) -> Result<DatasetState, StepError> {
        self.read("dataset.json", "tributary dataset create")
    }

    /// Keeps the registered dataset.
    pub fn keep_dataset(&self, state: &DatasetState) -> Result<(), StepError> {
        self.write("dataset.json", state)
    }

    /// What was published with a snapshot: its manifest's hash names it.
    pub fn snapshot(&self, manifest: B256, what: SnapshotFile) -> Result<Vec<u8>, StepError> {
        self.bytes(&self.join(what.name(manifest)), "tributary dataset snapshot")
    }

    /// Keeps what is published with a snapshot.
    pub(crate) fn keep_snapshot(&self, manifest: B256, what: SnapshotFile, bytes: &[u8]) -> Result<(), StepError> {
        self.keep_bytes(&what.name(manifest), bytes).map(|_| ())
    }

    /// The manifest of the trained release.
    pub fn release_manifest(&self) -> Result<Vec<u8>, StepError> {
        self.bytes(&self.release().join(MANIFEST_FILE), "tributary train")
    }

    /// The published model.
    pub fn model(&self) -> Result<ModelState, StepError> {
        self.read("model.json", "tributary publish")
    }

    /// Keeps the published model.
    pub fn keep_model(&self, state: &ModelState) -> Result<(), StepError> {
        self.write("model.json", state)
    }

    /// Where the text of an offer is kept: under its keccak-256.
    pub fn text_name(hash: B256) -> String {
        format!("texts/{hash}.md")
    }

    /// Keeps the text of an offer; returns its keccak-256.
    pub fn keep_text(&self, text: &str) -> Result<B256, StepError> {
        let hash = keccak256(text);
        self.keep_bytes(&Self::text_name(hash), text.as_bytes())?;
        Ok(hash)
    }

    /// The text of an offer with this keccak-256, if it is kept here.
    pub fn text(&self, hash: B256) -> Result<Option<String>, StepError> {
        let path = self.join(Self::text_name(hash));
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|source| StepError::File { path: path.clone(), source })?,
        };
        match keccak256(&bytes) {
            found if found == hash => Ok(String::from_utf8(bytes).ok()),
            found => Err(StepError::Unreadable { path, reason: format!("its keccak-256 is {found}") }),
        }
    }

    /// The dataset's charter, as it was registered.
    pub fn charter(&self) -> Result<Vec<u8>, StepError> {
        self.bytes(&self.join(CHARTER_FILE), "tributary dataset create")
    }

    /// Keeps bytes as they are, durably, whole or not at all.
    pub fn keep_bytes(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, StepError> {
        let path = self.join(name);
        let file = |source| StepError::File { path: path.clone(), source };
        durable::write(&path, bytes).map_err(file)?;
        Ok(path)
    }

    /// Keeps a value as JSON.
    pub(crate) fn write(&self, name: impl AsRef<Path>, value: &impl Serialize) -> Result<(), StepError> {
        let path = self.join(&name);
        let unreadable = |error: serde_json::Error| StepError::Unreadable { path, reason: error.to_string() };
        let mut bytes = serde_json::to_vec_pretty(value).map_err(unreadable)?;
        bytes.push(b'\n');
        self.keep_bytes(&name.as_ref().to_string_lossy(), &bytes)?;
        Ok(())
    }

    /// A value that was kept, if it was.
    pub(crate) fn maybe<T: DeserializeOwned>(&self, name: impl AsRef<Path>) -> Result<Option<T>, StepError> {
        match self.read(name, "") {
            Err(StepError::Missing { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: impl AsRef<Path>) -> Result<(), StepError> {
        let path = self.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|source| StepError::File { path, source }),
        }
    }

    fn read<T: DeserializeOwned>(&self, name: impl AsRef<Path>, command: &'static str) -> Result<T, StepError> {
        let path = self.join(name);
        let bytes = self.bytes(&path, command)?;
        serde_json::from_slice(&bytes).map_err(|error| StepError::Unreadable { path, reason: error.to_string() })
    }

    fn bytes(&self, path: &Path, command: &'static str) -> Result<Vec<u8>, StepError> {
        fs::read(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StepError::Missing { path: path.to_owned(), command },
            _ => StepError::File { path: path.to_owned(), source },
        })
    }
}

fn binding(chain: &Chain) -> Binding {
    Binding { chain_id: chain.id(), genesis: chain.genesis() }
}
