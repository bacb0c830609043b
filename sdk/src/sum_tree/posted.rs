use alloy::primitives::Bytes;

use super::{Leaf, Node, SumTreeError};
use crate::merkle::MAX_LEAVES;

/// The tree over leaves as somebody posted them, in any order and with any amounts.
///
/// A root can be posted over leaves that are no payout list; to show what is wrong with them one needs their tree.
/// [`SumTree`](super::SumTree) is the same tree over leaves that were checked.
#[derive(Clone, Debug)]
pub struct PostedTree {
    leaves: Vec<Leaf>,
    levels: Vec<Vec<Node>>,
}

impl PostedTree {
    /// Builds the tree. Refuses only what no root can be computed of: no leaves, too many, a sum beyond 128 bits.
    pub fn new(leaves: Vec<Leaf>) -> Result<Self, SumTreeError> {
        if leaves.is_empty() {
            return Err(SumTreeError::Empty);
        }
        if leaves.len() as u64 > MAX_LEAVES {
            return Err(SumTreeError::TooLarge);
        }
        let mut level: Vec<Node> = leaves.iter().map(Leaf::node).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let mut next = Vec::with_capacity(level.len().div_ceil(2));
            for pair in level.chunks(2) {
                next.push(match pair {
                    [left, right] => Node::join(left, right).ok_or(SumTreeError::Overflow)?,
                    promoted => promoted[0],
                });
            }
            levels.push(std::mem::replace(&mut level, next));
        }
        levels.push(level);
        Ok(Self { leaves, levels })
    }

    /// Root hash and total.
    pub fn root(&self) -> Node {
        // The last level holds the root alone.
        self.levels.iter().flatten().last().copied().unwrap_or_default()
    }

    /// The leaves, in their order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// How many leaves there are.
    pub fn leaf_count(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The packed siblings of the leaf at `index`: 48 bytes each.
    pub fn proof(&self, index: u64) -> Result<Bytes, SumTreeError> {
        if index >= self.leaf_count() {
            return Err(SumTreeError::NoSuchLeaf(index));
        }
        let mut position = index as usize;
        let mut packed = Vec::new();
        for level in &self.levels {
            if let Some(sibling) = level.get(position ^ 1) {
                packed.extend_from_slice(sibling.hash.as_slice());
                packed.extend_from_slice(&sibling.sum.to_be_bytes());
            }
            position /= 2;
        }
        Ok(packed.into())
    }
}
