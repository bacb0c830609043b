//! What a dataset's snapshot commits to, and proofs of it: a record is in, or it is not.
//!
//! The root is a plain Merkle tree ([`crate::merkle`]) over the accepted records' salted commitments in **ascending order**,
//! so that a commitment that is not there is proven absent by its two neighbours. How many records each contributor has in
//! the snapshot is a sum tree ([`crate::sum_tree`]) whose sum is the snapshot's records.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::{
    merkle::{self, MerkleError, MerkleTree},
    sum_tree::{Leaf, SumTree, SumTreeError},
};

/// The tree over a snapshot's records.
#[derive(Clone, Debug)]
pub struct SnapshotTree {
    commitments: Vec<B256>,
    tree: MerkleTree,
}

/// A leaf of a snapshot's tree, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    /// Place of the leaf, from 0.
    pub index: u64,
    /// The record's commitment.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub commitment: B256,
    /// The siblings, from the leaf upwards.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub siblings: Vec<B256>,
}

/// That a record is in a snapshot, or that it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum RecordProof {
    /// It is, here.
    In(Place),
    /// It is not: these two stand next to each other, and it belongs between them. One is missing at either end.
    Out {
        /// The last below it.
        before: Option<Place>,
        /// The first above it.
        after: Option<Place>,
    },
}

/// A snapshot, or a proof about one, is not what it should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// One record came twice.
    #[error("the commitment {0} comes twice: a snapshot takes a record once")]
    Twice(B256),
    /// No tree.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
    /// No tree of counts.
    #[error(transparent)]
    Counts(#[from] SumTreeError),
    /// It proves nothing of the kind.
    #[error("the proof does not hold: {0}; fetch it again, and if it stays so, do not believe who gave it")]
    Proof(&'static str),
}

impl SnapshotTree {
    /// Over the accepted records' commitments, in any order.
    ///
    /// # Errors
    /// [`SnapshotError::Twice`], [`SnapshotError::Merkle`] for none.
    pub fn new(mut commitments: Vec<B256>) -> Result<Self, SnapshotError> {
        commitments.sort_unstable();
        if let Some(twice) = commitments.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(SnapshotError::Twice(twice[0]));
        }
        let tree = MerkleTree::new(&commitments)?;
        Ok(Self { commitments, tree })
    }

    /// The root: the version's content hash.
    pub fn root(&self) -> B256 {
        self.tree.root()
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.tree.leaf_count()
    }

    /// The commitments, ascending.
    pub fn commitments(&self) -> &[B256] {
        &self.commitments
    }

    /// Proves that a record is in the snapshot, or that it is not.
    ///
    /// # Errors
    /// None that a caller can bring about.
    pub fn prove(&self, commitment: B256) -> Result<RecordProof, SnapshotError> {
        match self.commitments.binary_search(&commitment) {
            Ok(index) => Ok(RecordProof::In(self.place(index)?)),
            Err(after) => Ok(RecordProof::Out {
                before: after.checked_sub(1).map(|before| self.place(before)).transpose()?,
                after: (after < self.commitments.len()).then(|| self.place(after)).transpose()?,
            }),
        }
    }

    fn place(&self, index: usize) -> Result<Place, MerkleError> {
        Ok(Place { index: index as u64, commitment: self.commitments[index], siblings: self.tree.proof(index as u64)? })
    }
}

impl RecordProof {
    /// Whether the record with this commitment is in the snapshot with this root and so many records, if the proof holds.
    ///
    /// # Errors
    /// [`SnapshotError::Proof`].
    pub fn verify(&self, root: B256, records: u64, commitment: B256) -> Result<bool, SnapshotError> {
        let stands = |place: &Place| {
            merkle::verify(root, place.commitment, place.index, records, &place.siblings)
                .then_some(place.index)
                .ok_or(SnapshotError::Proof("a leaf is not under the root"))
        };
        match self {
            Self::In(place) if place.commitment == commitment => stands(place).map(|_| true),
            Self::In(_) => Err(SnapshotError::Proof("it is about another record")),
            Self::Out { before, after } => {
                let below = before.as_ref().is_none_or(|before| before.commitment < commitment);
                let above = after.as_ref().is_none_or(|after| after.commitment > commitment);
                if !below || !above {
                    return Err(SnapshotError::Proof("the record does not belong between these two"));
                }
                // The first leaf has nothing before it and the last nothing after it.
                let follows =
                    before.as_ref().map_or(Ok(Some(0)), |before| stands(before).map(|at| at.checked_add(1)))?;
                let next = after.as_ref().map_or(Ok(records), stands)?;
                match follows == Some(next) {
                    true => Ok(false),
                    false => Err(SnapshotError::Proof("there is room for a record between these two")),
                }
            }
        }
    }
}

/// The sum tree of how many records each account has in a snapshot; accounts with none are left out.
///
/// # Errors
/// [`SnapshotError::Counts`] for nobody, or the zero address.
pub fn counts_tree(counts: &BTreeMap<Address, u64>) -> Result<SumTree, SnapshotError> {
    let leaves = counts.iter().filter(|(_, count)| **count > 0);
    let leaves = leaves.map(|(account, count)| Leaf { account: *account, cumulative: u128::from(*count) }).collect();
    Ok(SumTree::new(leaves)?)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::keccak256;
    use proptest::prelude::*;

    use super::*;

    fn word(of: u64) -> B256 {
        keccak256(of.to_be_bytes())
    }

    #[test]
    fn a_record_comes_once_and_there_is_one() {
        assert!(
            matches!(SnapshotTree::new(vec![word(1), word(2), word(1)]), Err(SnapshotError::Twice(twice)) if twice == word(1))
        );
        assert!(matches!(SnapshotTree::new(vec![]), Err(SnapshotError::Merkle(MerkleError::Empty))));
    }

    proptest! {
        #[test]
        fn what_is_in_is_proven_in_and_what_is_not_is_proven_out(count in 1u64..40, asked in 0u64..80) {
            let tree = SnapshotTree::new((0..count).map(word).collect()).unwrap();
            let proof = tree.prove(word(asked)).unwrap();
            prop_assert_eq!(proof.verify(tree.root(), count, word(asked)), Ok(asked < count));
            prop_assert!(proof.verify(word(99), count, word(asked)).is_err());
            let other = word(asked + 1_000);
            if asked < count {
                prop_assert!(proof.verify(tree.root(), count, other).is_err());
            }
        }

        #[test]
        fn nobody_proves_that_a_record_is_out_that_is_in(count in 2u64..40, hidden: prop::sample::Index) {
            let tree = SnapshotTree::new((0..count).map(word).collect()).unwrap();
            let hidden = hidden.index(count as usize);
            let commitment = tree.commitments()[hidden];
            let place = |at: usize| (at < count as usize).then(|| tree.place(at).unwrap());
            for before in [None, hidden.checked_sub(1).and_then(place)] {
                for after in [None, place(hidden + 1)] {
                    let proof = RecordProof::Out { before: before.clone(), after };
                    prop_assert!(proof.verify(tree.root(), count, commitment).is_err());
                }
            }
        }
    }
}
