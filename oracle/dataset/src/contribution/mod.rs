//! Records given under one signed consent.

pub mod bundle;
pub mod part;

use tributary_sdk::{
    Address, B256,
    records::{contribution_root, record_commitment, record_salt},
};

pub use bundle::Bundle;
pub use part::Part;

use crate::{DatasetError, Record};

/// Records given under one signed consent, as the dataset's host keeps them.
#[derive(Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The consent's EIP-712 digest: its id in the consent registry.
    pub id: B256,
    /// Who gave the records and is paid for them.
    pub contributor: Address,
    /// What the salts of the records' commitments are made of. Whoever knows it can guess small records.
    pub seed: B256,
    /// The records, in the order the consent commits to.
    pub entries: Vec<Entry>,
}

/// A place in a contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The record.
    Record(Record),
    /// The record was erased; its commitment is what is left of it.
    Erased(B256),
}

impl Entry {
    /// The commitment to the record at `place` of a contribution with this seed.
    pub fn commitment(&self, seed: B256, place: u64) -> B256 {
        match self {
            Self::Record(record) => record_commitment(record_salt(seed, place), record.hash()),
            Self::Erased(commitment) => *commitment,
        }
    }

    /// The record, if it is still there.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) => Some(record),
            Self::Erased(_) => None,
        }
    }
}

impl Contribution {
    /// The commitments to the records, in order.
    pub fn commitments(&self) -> Vec<B256> {
        (0..).zip(&self.entries).map(|(place, entry)| entry.commitment(self.seed, place)).collect()
    }

    /// The root that the consent signs.
    ///
    /// # Errors
    /// [`DatasetError::Merkle`] for no records.
    pub fn root(&self) -> Result<B256, DatasetError> {
        Ok(contribution_root(&self.commitments())?)
    }
}

/// Neither records nor their seed are anybody's business.
impl std::fmt::Debug for Contribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contribution")
            .field("id", &self.id)
            .field("contributor", &self.contributor)
            .field("records", &self.entries.len())
            .finish_non_exhaustive()
    }
}
