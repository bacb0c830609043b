//! What is on disk of each contribution: `contributions/{id}/`.
//!
//! | file | what it is |
//! |---|---|
//! | `consent.json` | what was agreed to, its signature, the parts that were announced |
//! | `part-00000.json` | the sealed blob that holds the part, written when the blob is durable |
//! | `part-00000.commitments` | the commitments to its records, 32 bytes each: neither secret nor revealing |
//! | `receipt.json` | the host's receipt, once all has come and fits the consent |

use std::{fs, io};

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use tributary_sdk::api::{NewContribution, SignedReceipt};

use super::Collection;
use crate::steps::StepError;

const CONTRIBUTIONS: &str = "contributions";

/// A contribution as far as it has come.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The consent's id.
    pub id: B256,
    /// What was agreed to, and the parts that were announced.
    pub consent: NewContribution,
    /// The parts that came.
    pub parts: Vec<Option<KeptPart>>,
    /// The receipt, once all has come.
    pub receipt: Option<SignedReceipt>,
}

/// A part that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptPart {
    /// The sealed blob.
    pub blob: B256,
    /// Place of its first record in the contribution.
    pub first: u64,
    /// How many records.
    pub records: u64,
    /// keccak-256 of the seed that its commitments were made with: all parts have one.
    pub seed_hash: B256,
}

impl Kept {
    /// Places of the parts that have not come.
    pub fn missing(&self) -> Vec<u32> {
        (0..).zip(&self.parts).filter(|(_, part)| part.is_none()).map(|(place, _)| place).collect()
    }
}

impl Collection {
    /// What is here of a contribution.
    ///
    /// # Errors
    /// [`StepError::File`], [`StepError::Unreadable`].
    pub fn kept(&self, id: B256) -> Result<Option<Kept>, StepError> {
        let Some(consent) = self.announced(id)? else { return Ok(None) };
        let parts = (0..consent.parts.len()).map(|place| self.kept_part(id, place)).collect::<Result<_, _>>()?;
        let receipt = self.data.maybe(name(id, "receipt.json"))?;
        Ok(Some(Kept { id, consent, parts, receipt }))
    }

    /// What was announced of a contribution.
    pub(super) fn announced(&self, id: B256) -> Result<Option<NewContribution>, StepError> {
        self.data.maybe(name(id, "consent.json"))
    }

    /// A part, if it came.
    pub(super) fn kept_part(&self, id: B256, place: usize) -> Result<Option<KeptPart>, StepError> {
        self.data.maybe(name(id, &part_file(place)))
    }

    /// The ids of what is here, ascending.
    ///
    /// # Errors
    /// [`StepError::File`].
    pub fn kept_ids(&self) -> Result<Vec<B256>, StepError> {
        let folder = self.data.join(CONTRIBUTIONS);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|source| StepError::File { path: folder.clone(), source })?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| StepError::File { path: folder.clone(), source })?;
            ids.extend(entry.file_name().to_str().and_then(|name| name.parse::<B256>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    pub(super) fn keep_consent(&self, id: B256, consent: &NewContribution) -> Result<(), StepError> {
        self.data.write(name(id, "consent.json"), consent)
    }

    pub(super) fn keep_part(
        &self,
        id: B256,
        place: usize,
        part: &KeptPart,
        commitments: &[B256],
    ) -> Result<(), StepError> {
        self.data.keep_bytes(&name(id, &commitments_file(place)), &commitments.concat())?;
        self.data.write(name(id, &part_file(place)), part)
    }

    /// The commitments to the records of a part that came.
    pub(super) fn commitments(&self, id: B256, place: usize) -> Result<Vec<B256>, StepError> {
        let path = self.data.join(name(id, &commitments_file(place)));
        let bytes = fs::read(&path).map_err(|source| StepError::File { path, source })?;
        Ok(bytes.chunks_exact(32).map(B256::from_slice).collect())
    }

    pub(super) fn keep_receipt(&self, id: B256, receipt: &SignedReceipt) -> Result<(), StepError> {
        self.data.write(name(id, "receipt.json"), receipt)
    }

    /// Forgets a part, so that it is asked for again. The receipt goes first: there is none for what is not whole.
    pub(super) fn forget_part(&self, id: B256, place: usize) -> Result<(), StepError> {
        for file in ["receipt.json".to_owned(), part_file(place), commitments_file(place)] {
            self.data.remove(name(id, &file))?;
        }
        Ok(())
    }
}

fn name(id: B256, file: &str) -> String {
    format!("{CONTRIBUTIONS}/{id}/{file}")
}

fn part_file(place: usize) -> String {
    format!("part-{place:05}.json")
}

fn commitments_file(place: usize) -> String {
    format!("part-{place:05}.commitments")
}
