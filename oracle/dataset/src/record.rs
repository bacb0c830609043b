//! One record.

use tributary_sdk::{B256, keccak256};

/// A record of some schema, as its canonical bytes. Equal records have equal bytes, whoever gives them, in whatever file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record(Box<[u8]>);

impl Record {
    /// Of bytes that a schema has checked.
    pub(crate) fn of_checked(bytes: Vec<u8>) -> Self {
        Self(bytes.into_boxed_slice())
    }

    /// The canonical bytes: the features', then the label's. [`crate::schema::Features`] and [`crate::schema::Label`] say
    /// how.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// keccak-256 of the canonical bytes.
    pub fn hash(&self) -> B256 {
        keccak256(&self.0)
    }
}

/// What a record says is nobody's business but the dataset's.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({} bytes)", self.0.len())
    }
}

/// keccak-256 of the records' hashes, one after another: how a held-out set is committed to.
pub fn records_hash(records: &[Record]) -> B256 {
    keccak256(records.iter().flat_map(|record| record.hash().0).collect::<Vec<u8>>())
}
