//! What a contributor prepares before anything leaves their machine: their records in parts, and what they will sign.
//!
//! A bundle is a folder: `bundle.json`, written last, and `part-00000.bin` and so on. It holds records and their seed: it is
//! the contributor's own, and what proves later which records were theirs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tributary_sdk::{AssetId, B256, U256, api::PartSummary, keccak256, records::contribution_root};

use super::{
    Entry,
    part::{LONGEST_PART, Parting},
};
use crate::{DatasetError, Record, durable, error::file};

const MANIFEST: &str = "bundle.json";

/// A prepared contribution.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    summary: BundleSummary,
}

/// What a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleSummary {
    /// `tributary-bundle/1`.
    pub format: String,
    /// The dataset it is for.
    pub dataset: AssetId,
    /// keccak-256 of the charter it is given under.
    pub terms_hash: B256,
    /// The root over the records' salted commitments: what is signed.
    pub commitment: B256,
    /// How many records.
    pub records: u64,
    /// The parts, in order.
    pub parts: Vec<PartSummary>,
}

/// Writes a bundle record by record.
#[derive(Debug)]
pub struct BundleWriter {
    folder: PathBuf,
    dataset: AssetId,
    terms_hash: B256,
    seed: B256,
    parting: Parting,
    parts: Vec<PartSummary>,
    commitments: Vec<B256>,
}

impl BundleSummary {
    const FORMAT: &str = "tributary-bundle/1";
}

impl std::fmt::Debug for Parting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parting")
    }
}

impl BundleWriter {
    /// Begins a bundle in a folder, which must not hold one. `seed` is 32 random bytes.
    ///
    /// # Errors
    /// [`DatasetError::File`], [`DatasetError::BundleExists`].
    pub fn new(folder: &Path, dataset: AssetId, terms_hash: B256, seed: B256) -> Result<Self, DatasetError> {
        if folder.join(MANIFEST).exists() {
            return Err(DatasetError::BundleExists { path: folder.to_owned() });
        }
        private(folder).map_err(file(folder))?;
        let (parting, parts, commitments) = (Parting::new(seed), Vec::new(), Vec::new());
        Ok(Self { folder: folder.to_owned(), dataset, terms_hash, seed, parting, parts, commitments })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`DatasetError::File`].
    pub fn push(&mut self, record: Record) -> Result<(), DatasetError> {
        let entry = Entry::Record(record);
        self.commitments.push(entry.commitment(self.seed, self.commitments.len() as u64));
        match self.parting.push(&entry) {
            Some(part) => self.keep(&part),
            None => Ok(()),
        }
    }

    /// The whole bundle.
    ///
    /// # Errors
    /// [`DatasetError::File`], [`DatasetError::Merkle`] if there is no record.
    pub fn finish(mut self) -> Result<Bundle, DatasetError> {
        let last = std::mem::replace(&mut self.parting, Parting::new(self.seed)).finish();
        if let Some(part) = last {
            self.keep(&part)?;
        }
        let summary = BundleSummary {
            format: BundleSummary::FORMAT.to_owned(),
            dataset: self.dataset,
            terms_hash: self.terms_hash,
            commitment: contribution_root(&self.commitments)?,
            records: self.commitments.len() as u64,
            parts: self.parts,
        };
        let json = serde_json::to_vec_pretty(&summary).map_err(|_| DatasetError::Part("it cannot be summed up"))?;
        let path = self.folder.join(MANIFEST);
        durable::write(&path, &json).map_err(file(&path))?;
        Ok(Bundle { folder: self.folder, summary })
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), DatasetError> {
        if part.len() > LONGEST_PART {
            return Err(DatasetError::Part("a record in it is longer than a part may be"));
        }
        let path = self.folder.join(name(self.parts.len()));
        durable::write(&path, part).map_err(file(&path))?;
        self.parts.push(PartSummary { hash: keccak256(part), bytes: part.len() as u64 });
        Ok(())
    }
}

/// The consent's nonce: `keccak256(commitment:32 ‖ (hash:32 ‖ bytes:8) of each part)`. So the contributor's one signature says
/// which parts come, and nobody else can announce others under it.
pub fn nonce(commitment: B256, parts: &[PartSummary]) -> U256 {
    let mut bytes = commitment.to_vec();
    for part in parts {
        bytes.extend_from_slice(part.hash.as_slice());
        bytes.extend_from_slice(&part.bytes.to_be_bytes());
    }
    keccak256(bytes).into()
}

impl Bundle {
    /// Opens a bundle that was finished.
    ///
    /// # Errors
    /// [`DatasetError::File`], [`DatasetError::Unreadable`].
    pub fn open(folder: &Path) -> Result<Self, DatasetError> {
        let path = folder.join(MANIFEST);
        let json = fs::read(&path).map_err(file(&path))?;
        let unreadable = |reason: String| DatasetError::Unreadable { path: path.clone(), reason };
        let summary: BundleSummary = serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))?;
        match summary.format == BundleSummary::FORMAT {
            true => Ok(Self { folder: folder.to_owned(), summary }),
            false => Err(unreadable(format!("its format is `{}`", summary.format))),
        }
    }

    /// What it holds.
    pub fn summary(&self) -> &BundleSummary {
        &self.summary
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bytes of a part, as they were written.
    ///
    /// # Errors
    /// [`DatasetError::File`], [`DatasetError::Unreadable`] if they have changed since.
    pub fn part(&self, index: usize) -> Result<Vec<u8>, DatasetError> {
        let path = self.folder.join(name(index));
        let bytes = fs::read(&path).map_err(file(&path))?;
        match self.summary.parts.get(index) {
            Some(part) if part.hash == keccak256(&bytes) => Ok(bytes),
            _ => Err(DatasetError::Unreadable {
                path,
                reason: "it has changed since it was prepared: prepare the contribution again".to_owned(),
            }),
        }
    }
}

fn name(index: usize) -> String {
    format!("part-{index:05}.bin")
}

/// A folder that nobody else reads.
fn private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
