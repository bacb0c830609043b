//! The plain Merkle tree, for things that carry no money: records, contributions, receipts.
//!
//! The shape and the two prefixes are RFC 6962's, the hash is keccak-256:
//!
//! - `leaf = keccak256(0x00 ‖ data:32)`
//! - `node = keccak256(0x01 ‖ left:32 ‖ right:32)`; an odd node is promoted unchanged.
//!
//! A proof is the siblings from the leaf upwards. The verifier derives every turn, and how many siblings there must be,
//! from `(index, leaf count)`, so one leaf has one proof.

use alloy::primitives::{B256, keccak256};

/// No tree is larger.
pub const MAX_LEAVES: u64 = 1 << 32;

/// A tree cannot be built or a proof cannot be given.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    /// There is nothing to commit to.
    #[error("a tree needs at least one leaf")]
    Empty,
    /// The index is not below the leaf count.
    #[error("leaf {index} does not exist: the tree has {leaves} leaves")]
    NoSuchLeaf {
        /// The index asked for.
        index: u64,
        /// How many leaves there are.
        leaves: u64,
    },
    /// More than 2³² leaves.
    #[error("a tree holds at most 2^32 leaves, not {0}: split the batch")]
    TooLarge(u64),
}

/// Hash of one leaf.
pub fn leaf_hash(data: B256) -> B256 {
    let mut bytes = [0u8; 33];
    bytes[1..].copy_from_slice(data.as_slice());
    keccak256(bytes)
}

/// Hash of two siblings.
pub fn node_hash(left: B256, right: B256) -> B256 {
    let mut bytes = [1u8; 65];
    bytes[1..33].copy_from_slice(left.as_slice());
    bytes[33..].copy_from_slice(right.as_slice());
    keccak256(bytes)
}

/// A tree with all its levels, leaves first.
#[derive(Clone, Debug)]
pub struct MerkleTree {
    levels: Vec<Vec<B256>>,
}

impl MerkleTree {
    /// Builds the tree over the leaves' data, in the given order.
    pub fn new(data: &[B256]) -> Result<Self, MerkleError> {
        if data.is_empty() {
            return Err(MerkleError::Empty);
        }
        if data.len() as u64 > MAX_LEAVES {
            return Err(MerkleError::TooLarge(data.len() as u64));
        }
        let mut level: Vec<B256> = data.iter().copied().map(leaf_hash).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let next = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node_hash(*left, *right),
                    promoted => promoted[0],
                })
                .collect();
            levels.push(std::mem::replace(&mut level, next));
        }
        levels.push(level);
        Ok(Self { levels })
    }

    /// The root.
    pub fn root(&self) -> B256 {
        // The last level holds the root alone.
        self.levels.iter().flatten().last().copied().unwrap_or_default()
    }

    /// How many leaves the tree has.
    pub fn leaf_count(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// The siblings of the leaf at `index`, from the leaf upwards.
    pub fn proof(&self, index: u64) -> Result<Vec<B256>, MerkleError> {
        if index >= self.leaf_count() {
            return Err(MerkleError::NoSuchLeaf { index, leaves: self.leaf_count() });
        }
        let mut position = index as usize;
        let mut siblings = Vec::new();
        for level in &self.levels {
            siblings.extend(level.get(position ^ 1));
            position /= 2;
        }
        Ok(siblings)
    }
}

/// Whether `data` is the leaf at `index` of the tree with this root and leaf count.
pub fn verify(root: B256, data: B256, index: u64, leaf_count: u64, proof: &[B256]) -> bool {
    if index >= leaf_count || leaf_count > MAX_LEAVES {
        return false;
    }
    let (mut hash, mut position, mut width) = (leaf_hash(data), index, leaf_count);
    let mut siblings = proof.iter();
    while width > 1 {
        if position ^ 1 < width {
            let Some(sibling) = siblings.next() else { return false };
            hash = if position % 2 == 0 { node_hash(hash, *sibling) } else { node_hash(*sibling, hash) };
        }
        position /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none() && hash == root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(count: u64) -> Vec<B256> {
        (0..count).map(|i| keccak256(i.to_be_bytes())).collect()
    }

    #[test]
    fn no_tree_without_leaves() {
        assert_eq!(MerkleTree::new(&[]).err(), Some(MerkleError::Empty));
    }

    #[test]
    fn three_leaves_promote_the_third() {
        let d = data(3);
        let expected = node_hash(node_hash(leaf_hash(d[0]), leaf_hash(d[1])), leaf_hash(d[2]));
        assert_eq!(MerkleTree::new(&d).unwrap().root(), expected);
    }

    proptest! {
        #[test]
        fn every_leaf_verifies_at_its_own_index_only(count in 1u64..70, pick in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
            let d = data(count);
            let tree = MerkleTree::new(&d).unwrap();
            let (i, j) = (pick.index(d.len()), other.index(d.len()));
            let proof = tree.proof(i as u64).unwrap();
            prop_assert!(verify(tree.root(), d[i], i as u64, count, &proof));
            if i != j {
                prop_assert!(!verify(tree.root(), d[i], j as u64, count, &proof));
                prop_assert!(!verify(tree.root(), d[j], i as u64, count, &proof));
            }
            let mut longer = proof.clone();
            longer.push(B256::ZERO);
            prop_assert!(!verify(tree.root(), d[i], i as u64, count, &longer));
            if !proof.is_empty() {
                prop_assert!(!verify(tree.root(), d[i], i as u64, count, &proof[1..]));
            }
        }
    }
}
