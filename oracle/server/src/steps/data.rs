//! The data folder: what one step leaves for the next.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tributary_chain::Chain;
use tributary_factory::{Contribution, Schema, release::MANIFEST_FILE};
use tributary_sdk::{AssetId, release::VersionRef};

use super::StepError;

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

/// `dataset.json`: a registered dataset.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetState {
    /// The dataset.
    pub asset: AssetId,
    /// Its vault.
    pub vault: Address,
    /// What its records look like.
    pub schema: Schema,
    /// keccak-256 of the contribution terms.
    pub terms_hash: B256,
    /// keccak-256 of the held-out records, committed on chain at registration.
    pub held_out_hash: B256,
    /// Name of the settlement policy that contributors agree to.
    pub pay_policy: String,
    /// The newest published snapshot.
    pub snapshot: Option<u32>,
}

/// `contributions/{id}.json`: records under a consent. Whether the consent is recorded, and with which priority, is the
/// chain's to say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredContribution {
    /// The records and whose they are.
    pub contribution: Contribution,
    /// How many commitments it was committed with.
    pub commit_count: u64,
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
        let folder = Self { path: path.to_owned() };
        let binding = Binding { chain_id: chain.id(), genesis: chain.genesis() };
        match folder.read::<Binding>("chain.json", "tributary deploy") {
            Ok(found) if found == binding => Ok(folder),
            Ok(found) => {
                Err(StepError::WrongChain { path: path.to_owned(), found: found.words(), expected: binding.words() })
            }
            Err(StepError::Missing { .. }) => {
                folder.write("chain.json", &binding)?;
                Ok(folder)
            }
            Err(other) => Err(other),
        }
    }

    /// A path inside the folder.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The run folder of the trained release.
    pub fn release(&self) -> PathBuf {
        self.join("release")
    }

    /// The registered dataset.
    pub fn dataset(&self) -> Result<DatasetState, StepError> {
        self.read("dataset.json", "tributary dataset register")
    }

    /// Keeps the registered dataset.
    pub fn keep_dataset(&self, state: &DatasetState) -> Result<(), StepError> {
        self.write("dataset.json", state)
    }

    /// The manifest of a published snapshot, as it was published.
    pub fn snapshot(&self, version: u32) -> Result<Vec<u8>, StepError> {
        self.bytes(&self.join(format!("snapshots/{version}.json")), "tributary dataset snapshot")
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

    /// Every stored contribution, in no order.
    pub fn contributions(&self) -> Result<Vec<StoredContribution>, StepError> {
        let folder = self.join("contributions");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StepError::Missing { path: folder, command: "tributary dataset contribute" });
            }
            other => other.map_err(|source| StepError::File { path: folder.clone(), source })?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| StepError::File { path: folder.clone(), source })?;
            if entry.path().extension().is_some_and(|extension| extension == "json") {
                let name = Path::new("contributions").join(entry.file_name());
                found.push(self.read(name, "tributary dataset contribute")?);
            }
        }
        Ok(found)
    }

    /// Keeps a contribution.
    pub fn keep_contribution(&self, stored: &StoredContribution) -> Result<(), StepError> {
        self.write(format!("contributions/{}.json", stored.contribution.id), stored)
    }

    /// Keeps bytes as they are.
    pub fn keep_bytes(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, StepError> {
        let path = self.join(name);
        let file = |source| StepError::File { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(file)?;
        }
        let part = path.with_extension("part");
        fs::write(&part, bytes).map_err(file)?;
        fs::rename(&part, &path).map_err(file)?;
        Ok(path)
    }

    fn write(&self, name: impl AsRef<Path>, value: &impl Serialize) -> Result<(), StepError> {
        let path = self.join(&name);
        let unreadable = |error: serde_json::Error| StepError::Unreadable { path, reason: error.to_string() };
        let mut bytes = serde_json::to_vec_pretty(value).map_err(unreadable)?;
        bytes.push(b'\n');
        self.keep_bytes(&name.as_ref().to_string_lossy(), &bytes)?;
        Ok(())
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
