use alloy::primitives::{Address, B256};
use tributary_sdk::{AssetId, merkle::MerkleError, sum_tree::SumTreeError, table::TableError};

use crate::posted::Rejection;

/// Why a batch does not hold. Nothing is signed on any of these.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The batch is for another chain.
    #[error("the batch is for chain {found}, this is chain {expected}")]
    WrongChain {
        /// In the batch.
        found: u64,
        /// Of the node asked.
        expected: u64,
    },
    /// The batch names a vault that is not the model's.
    #[error("the batch divides vault {found}, the model's vault is {expected}")]
    WrongVault {
        /// In the batch.
        found: Address,
        /// In the registry.
        expected: Address,
    },
    /// The signing host is not the one the model's share table pays.
    #[error("the batch's host is {found}, the model's host is {expected}")]
    WrongHost {
        /// In the batch.
        found: Address,
        /// In the registry.
        expected: Address,
    },
    /// The weights of the manifest are not the release's.
    #[error("the manifest's weights {found} are not the release's {expected}")]
    WrongWeights {
        /// In the manifest.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// The table is not the one committed with the release.
    #[error("the table's hash is {found}, the release commits to {expected}")]
    WrongTable {
        /// Of the batch's table.
        found: B256,
        /// In the manifest.
        expected: B256,
    },
    /// The release was published while the epoch ran; only the first one may be.
    #[error(
        "version {version} was published at {published_at}, after the epoch began at {after}: it can serve from the next epoch on"
    )]
    ReleasedTooLate {
        /// The batch's version.
        version: u32,
        /// In seconds since 1970.
        published_at: u64,
        /// End of the period before.
        after: u64,
    },
    /// The manifest's snapshot is not a parent that the registry knows of.
    #[error("the release's snapshot {snapshot} of dataset {dataset} is not the lineage on chain")]
    WrongLineage {
        /// The dataset's version.
        snapshot: u32,
        /// The dataset.
        dataset: AssetId,
    },
    /// The release's settlement policy is not the one the vault is bound to.
    #[error("the release settles by {found}, the vault is bound to {expected}")]
    WrongPolicy {
        /// In the manifest.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// The batch does not continue the last active root.
    #[error("the batch continues root {found}, the last active root is {expected}")]
    WrongPrevious {
        /// In the batch.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// The epoch does not end after the one before, or its last second may still get blocks.
    #[error("the epoch ends at {end}, it must be after {after} and before the chain's time {now}")]
    BadPeriod {
        /// In the batch.
        end: u64,
        /// End of the period before.
        after: u64,
        /// The chain's time.
        now: u64,
    },
    /// More was allocated before than the pool was ever credited.
    #[error("earlier roots allocate more than the vault credited to the pool")]
    OverAllocated,
    /// Receipts are not strictly ascending by id: one may be counted twice.
    #[error("receipt {0} is out of order or counted twice")]
    ReceiptOrder(B256),
    /// A batch has a sketch that its release lets only attestors read, or leaves one out that is everybody's.
    #[error("receipt {0} has its sketch where the release withholds it, or lacks it where the release publishes it")]
    SketchReaders(B256),
    /// The payouts fit no division of the pool, whatever the sketches are.
    #[error("its payouts fit no division of the pool: {0}")]
    NoDivision(String),
    /// A receipt, its request, its session or its sketch do not fit together.
    #[error("receipt {id}: {problem}")]
    Receipt {
        /// Which receipt.
        id: B256,
        /// What does not fit.
        problem: String,
    },
    /// The payouts in the batch are not what the settlement gives.
    #[error("recomputing gives root {recomputed}, the batch's leaves give {claimed}")]
    Leaves {
        /// Recomputed.
        recomputed: B256,
        /// In the batch.
        claimed: B256,
    },
    /// No root on chain commits to these bytes.
    #[error("no root on chain commits to this batch: {0}")]
    NotPosted(String),
    /// The root on chain that committed to these bytes was rejected.
    #[error("root {index}, attempt {attempt}, was rejected: {reason}; look for the batch of a later attempt")]
    Rejected {
        /// The root's index.
        index: u64,
        /// How many roots were rejected at that index before.
        attempt: u32,
        /// Why.
        reason: Rejection,
    },
    /// A root on chain says something else than the batch.
    #[error("the root on chain differs from the recomputed one in: {0}")]
    RootDiffers(String),
    /// The table does not decode, or a sketch does not fit it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The leaves are not a payout list.
    #[error(transparent)]
    SumTree(#[from] SumTreeError),
    /// The receipts are not a tree.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
}
