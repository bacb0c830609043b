//! Objective faults of a posted root: what anybody can prove to the attribution ledger from the leaves alone.
//!
//! - **Disorder**: the leaves do not ascend strictly by account; an account that stands there twice is one case of it.
//! - **Decrease**: an account's cumulative payout is lower than in the last active root.
//! - **Omission**: an account of the last active root is missing. In a tree that ascends, two neighbours around the
//!   place where it would stand show that, or the first or last leaf.
//!
//! A pending leaf may be anything, also the zero account or a zero amount: those are proven like any other. A leaf of
//! the active root counts only if it can be claimed, so that an old zero never stands against a later honest root.

#[cfg(test)]
mod tests;

use alloy::primitives::{Address, Bytes};

use crate::sum_tree::{Leaf, Node, PostedTree, root_from_proof};

/// One leaf of a posted tree, with the proof that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The leaf.
    pub leaf: Leaf,
    /// Where it stands.
    pub index: u64,
    /// Its packed siblings, 48 bytes each.
    pub proof: Bytes,
}

impl Evidence {
    fn of(tree: &PostedTree, index: usize) -> Option<Self> {
        let leaf = *tree.leaves().get(index)?;
        let index = index as u64;
        Some(Self { leaf, index, proof: tree.proof(index).ok()? })
    }

    fn is_in(&self, tree: Posted) -> bool {
        root_from_proof(self.leaf, self.index, tree.leaf_count, &self.proof) == Some(tree.root)
    }
}

/// Leaves of a tree that ascends, between which or beyond which an account is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// The first leaf, above the account, or the last one, below it.
    Edge(Evidence),
    /// Two neighbours with the account between them.
    Between(Evidence, Evidence),
}

impl Bracket {
    /// The leaves as the contract takes them: one or two, ascending.
    pub fn leaves(&self) -> Vec<&Evidence> {
        match self {
            Self::Edge(edge) => vec![edge],
            Self::Between(below, above) => vec![below, above],
        }
    }
}

/// What is wrong with a pending root, and the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two leaves of the pending root of which the later one is not above the earlier one.
    Disorder {
        /// The leaf with the lower index.
        first: Evidence,
        /// The leaf with the higher index, whose account is not higher.
        second: Evidence,
    },
    /// An account is allocated less than before.
    Decrease {
        /// Its leaf in the last active root.
        previous: Evidence,
        /// Its leaf in the pending root.
        current: Evidence,
    },
    /// An account was left out.
    Omission {
        /// Its leaf in the last active root.
        previous: Evidence,
        /// The leaves of the pending root around its place.
        bracket: Bracket,
    },
}

/// What the chain knows of a posted tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Root hash and sum.
    pub root: Node,
    /// How many leaves it was said to have.
    pub leaf_count: u64,
}

impl From<&PostedTree> for Posted {
    fn from(tree: &PostedTree) -> Self {
        Self { root: tree.root(), leaf_count: tree.leaf_count() }
    }
}

impl Fault {
    /// The first fault of `pending`, if it has one; `active` is the last active tree, nothing before the first.
    pub fn find(active: Option<&PostedTree>, pending: &PostedTree) -> Option<Self> {
        // Only in leaves that ascend can an account be looked up, and can neighbours show that it is missing.
        disorder(pending).or_else(|| {
            let active = active?;
            let claimable = active.leaves().iter().enumerate().filter(|(_, leaf)| is_claimable(leaf));
            claimable.into_iter().find_map(|(index, leaf)| against(active, index, leaf, pending))
        })
    }

    /// Whether the evidence proves the fault, by the rules of the attribution ledger.
    pub fn holds(&self, active: Option<Posted>, pending: Posted) -> bool {
        let was_active = |leaf: &Evidence| is_claimable(&leaf.leaf) && active.is_some_and(|tree| leaf.is_in(tree));
        match self {
            Self::Disorder { first, second } => {
                first.index < second.index
                    && first.leaf.account >= second.leaf.account
                    && first.is_in(pending)
                    && second.is_in(pending)
            }
            Self::Decrease { previous, current } => {
                previous.leaf.account == current.leaf.account
                    && previous.leaf.cumulative > current.leaf.cumulative
                    && was_active(previous)
                    && current.is_in(pending)
            }
            Self::Omission { previous, bracket } => {
                was_active(previous) && excludes(bracket, previous.leaf.account, pending)
            }
        }
    }
}

fn disorder(tree: &PostedTree) -> Option<Fault> {
    let second = tree.leaves().windows(2).position(|pair| pair[0].account >= pair[1].account)?.checked_add(1)?;
    Some(Fault::Disorder { first: Evidence::of(tree, second.checked_sub(1)?)?, second: Evidence::of(tree, second)? })
}

/// What the ascending leaves of `pending` do to one leaf of the active tree.
fn against(active: &PostedTree, index: usize, leaf: &Leaf, pending: &PostedTree) -> Option<Fault> {
    let leaves = pending.leaves();
    match leaves.binary_search_by_key(&leaf.account, |leaf| leaf.account) {
        Ok(found) if leaves.get(found)?.cumulative >= leaf.cumulative => None,
        Ok(found) => {
            Some(Fault::Decrease { previous: Evidence::of(active, index)?, current: Evidence::of(pending, found)? })
        }
        Err(place) => {
            let below = place.checked_sub(1).and_then(|below| Evidence::of(pending, below));
            let bracket = match (below, Evidence::of(pending, place)) {
                (Some(below), Some(above)) => Bracket::Between(below, above),
                (Some(edge), None) | (None, Some(edge)) => Bracket::Edge(edge),
                (None, None) => return None,
            };
            Some(Fault::Omission { previous: Evidence::of(active, index)?, bracket })
        }
    }
}

fn excludes(bracket: &Bracket, account: Address, pending: Posted) -> bool {
    match bracket {
        Bracket::Edge(edge) => {
            let is_first = edge.index == 0 && account < edge.leaf.account;
            let is_last = edge.index.checked_add(1) == Some(pending.leaf_count) && account > edge.leaf.account;
            (is_first || is_last) && edge.is_in(pending)
        }
        Bracket::Between(below, above) => {
            below.index.checked_add(1) == Some(above.index)
                && below.leaf.account < account
                && account < above.leaf.account
                && below.is_in(pending)
                && above.is_in(pending)
        }
    }
}

fn is_claimable(leaf: &Leaf) -> bool {
    leaf.account != Address::ZERO && leaf.cumulative != 0
}
