//! The Merkle-**sum** tree of cumulative payouts: a root says not only who gets what but what it all adds up to.
//!
//! - leaves strictly ascending by account, no zero account, no zero amount
//! - `leaf = keccak256(0x00 ‖ account:20 ‖ cumulative:16)`, its sum is `cumulative`
//! - `node = keccak256(0x01 ‖ leftHash:32 ‖ leftSum:16 ‖ rightHash:32 ‖ rightSum:16)`, its sum is checked in 128 bits
//! - an odd node is promoted unchanged
//!
//! A proof is the packed siblings, 48 bytes each (`hash:32 ‖ sum:16`), from the leaf upwards. The verifier derives every
//! turn and the exact length from `(index, leaf count)`.

mod posted;

use alloy::primitives::{Address, B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};

use crate::{merkle::MAX_LEAVES, money::decimal};

pub use posted::PostedTree;

/// What one account may have claimed in all, in base units of the vault's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Who is paid.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub account: Address,
    /// Everything allocated to the account since the first epoch.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "decimal")]
    pub cumulative: u128,
}

impl Leaf {
    fn node(&self) -> Node {
        let mut bytes = [0u8; 37];
        bytes[1..21].copy_from_slice(self.account.as_slice());
        bytes[21..].copy_from_slice(&self.cumulative.to_be_bytes());
        Node { hash: keccak256(bytes), sum: self.cumulative }
    }
}

/// A hash and the sum of all leaves under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Hash of the subtree.
    pub hash: B256,
    /// Sum of the subtree's leaves, in base units.
    pub sum: u128,
}

impl Node {
    fn join(left: &Self, right: &Self) -> Option<Self> {
        let mut bytes = [1u8; 97];
        bytes[1..33].copy_from_slice(left.hash.as_slice());
        bytes[33..49].copy_from_slice(&left.sum.to_be_bytes());
        bytes[49..81].copy_from_slice(right.hash.as_slice());
        bytes[81..].copy_from_slice(&right.sum.to_be_bytes());
        Some(Self { hash: keccak256(bytes), sum: left.sum.checked_add(right.sum)? })
    }
}

/// The leaves are not a payout list.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumTreeError {
    /// There is nobody to pay.
    #[error("a payout tree needs at least one leaf")]
    Empty,
    /// More than 2³² leaves.
    #[error("a payout tree holds at most 2^32 leaves")]
    TooLarge,
    /// Leaves must ascend strictly, which also says that no account appears twice.
    #[error("leaf {0} is not above the one before it: sort by account and merge equal accounts")]
    OutOfOrder(usize),
    /// Nobody owns the zero address.
    #[error("the zero address cannot be paid")]
    ZeroAccount,
    /// A leaf without money says nothing.
    #[error("leaf {0} is zero: leave accounts without money out")]
    ZeroAmount(usize),
    /// The total does not fit 128 bits.
    #[error("the leaves add up to more than 2^128 - 1 base units")]
    Overflow,
    /// The index is not below the leaf count.
    #[error("leaf {0} does not exist")]
    NoSuchLeaf(u64),
}

/// A payout tree with all its levels.
#[derive(Clone, Debug)]
pub struct SumTree(PostedTree);

impl SumTree {
    /// Builds the tree; the leaves must already be in order.
    pub fn new(leaves: Vec<Leaf>) -> Result<Self, SumTreeError> {
        check(&leaves)?;
        PostedTree::new(leaves).map(Self)
    }

    /// Root hash and total.
    pub fn root(&self) -> Node {
        self.0.root()
    }

    /// The leaves, ascending by account.
    pub fn leaves(&self) -> &[Leaf] {
        self.0.leaves()
    }

    /// Where an account's leaf stands.
    pub fn index_of(&self, account: Address) -> Option<u64> {
        self.leaves().binary_search_by_key(&account, |leaf| leaf.account).ok().map(|index| index as u64)
    }

    /// The packed siblings of the leaf at `index`: 48 bytes each.
    pub fn proof(&self, index: u64) -> Result<Bytes, SumTreeError> {
        self.0.proof(index)
    }

    /// The same tree, where it does not matter that its leaves were checked.
    pub fn as_posted(&self) -> &PostedTree {
        &self.0
    }
}

fn check(leaves: &[Leaf]) -> Result<(), SumTreeError> {
    if leaves.is_empty() {
        return Err(SumTreeError::Empty);
    }
    if leaves[0].account == Address::ZERO {
        return Err(SumTreeError::ZeroAccount);
    }
    let mut last = None;
    for (index, leaf) in leaves.iter().enumerate() {
        if leaf.cumulative == 0 {
            return Err(SumTreeError::ZeroAmount(index));
        }
        if last.is_some_and(|last| last >= leaf.account) {
            return Err(SumTreeError::OutOfOrder(index));
        }
        last = Some(leaf.account);
    }
    Ok(())
}

/// The root that a leaf and its proof lead to, or nothing if the proof does not fit `(index, leaf count)`.
///
/// The caller compares both hash and sum with the posted root.
pub fn root_from_proof(leaf: Leaf, index: u64, leaf_count: u64, proof: &[u8]) -> Option<Node> {
    if index >= leaf_count || leaf_count > MAX_LEAVES {
        return None;
    }
    let (mut node, mut position, mut width) = (leaf.node(), index, leaf_count);
    let mut siblings = proof.chunks(48);
    while width > 1 {
        if position ^ 1 < width {
            let sibling = sibling(siblings.next()?)?;
            node = if position % 2 == 0 { Node::join(&node, &sibling) } else { Node::join(&sibling, &node) }?;
        }
        position /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none().then_some(node)
}

fn sibling(packed: &[u8]) -> Option<Node> {
    let (hash, sum) = packed.split_at_checked(32)?;
    Some(Node { hash: B256::from_slice(hash), sum: u128::from_be_bytes(sum.try_into().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves() -> impl Strategy<Value = Vec<Leaf>> {
        prop::collection::btree_map(any::<[u8; 20]>(), 1u128..1 << 100, 1..70).prop_map(|map| {
            map.into_iter()
                .filter(|(account, _)| *account != [0; 20])
                .map(|(account, cumulative)| Leaf { account: account.into(), cumulative })
                .collect()
        })
    }

    #[test]
    fn lists_that_are_no_payout_list_are_refused() {
        let leaf = |byte: u8, cumulative| Leaf { account: Address::repeat_byte(byte), cumulative };
        let refused = |leaves: Vec<Leaf>| SumTree::new(leaves).err().unwrap();
        assert_eq!(refused(vec![]), SumTreeError::Empty);
        assert_eq!(refused(vec![leaf(0, 1)]), SumTreeError::ZeroAccount);
        assert_eq!(refused(vec![leaf(1, 0)]), SumTreeError::ZeroAmount(0));
        assert_eq!(refused(vec![leaf(2, 1), leaf(1, 1)]), SumTreeError::OutOfOrder(1));
        assert_eq!(refused(vec![leaf(1, 1), leaf(1, 1)]), SumTreeError::OutOfOrder(1));
        assert_eq!(refused(vec![leaf(1, u128::MAX), leaf(2, 1)]), SumTreeError::Overflow);
    }

    proptest! {
        #[test]
        fn every_proof_leads_to_hash_and_sum(leaves in leaves().prop_filter("not empty", |l| !l.is_empty())) {
            let tree = SumTree::new(leaves.clone()).unwrap();
            prop_assert_eq!(tree.root().sum, leaves.iter().map(|leaf| leaf.cumulative).sum::<u128>());
            let count = leaves.len() as u64;
            for (index, leaf) in leaves.iter().enumerate() {
                let index = index as u64;
                let proof = tree.proof(index).unwrap();
                prop_assert_eq!(root_from_proof(*leaf, index, count, &proof), Some(tree.root()));
                let more = Leaf { cumulative: leaf.cumulative + 1, ..*leaf };
                prop_assert_ne!(root_from_proof(more, index, count, &proof), Some(tree.root()));
                let mut longer = proof.to_vec();
                longer.push(0);
                prop_assert_eq!(root_from_proof(*leaf, index, count, &longer), None);
            }
        }
    }
}
