//! A batch recomputed from nothing but its bytes and the chain: what attestors do before they sign, and what anyone can
//! do afterwards.

mod fault;
mod usage;

use alloy::primitives::{B256, U256, keccak256};
use tributary_sdk::{
    AssetId,
    batch::Batch,
    contracts::{AttributionLedger, ledger::RootStatement as PostedStatement},
    release::{Manifest, ReleaseManifest, VersionRef},
    sum_tree::SumTree,
    table::ContributorTable,
    typed_data::RootStatement,
};
use tributary_settlement::{Policy, Settlement};

use crate::{
    Chain, ChainError, assets, epoch,
    revenue::{self, Account},
    transact::ask,
};

pub use fault::Fault;
pub(crate) use usage::{Usage, problems};

/// A batch that holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The batch.
    pub batch: Batch,
    /// Who got what from which sub-pool.
    pub settlement: Settlement,
    /// The statement to attest, but for its deadline.
    pub statement: RootStatement,
    /// The payout tree.
    pub tree: SumTree,
}

/// Recomputes a batch that is about to be posted.
pub async fn before_posting(chain: &Chain, bytes: &[u8]) -> Result<Verified, ChainError> {
    let batch = Batch::from_bytes(bytes)?;
    let account = Account { vault: batch.vault, token: batch.token };
    let standing = epoch::standing(chain, account).await?;
    let before = Before { root: standing.root, period_end: standing.period_end };
    if batch.index != standing.next() || standing.newest != standing.active {
        let problem = format!("the next root has index {}, the batch {}", standing.next(), batch.index);
        return Err(Fault::NotPosted(problem).into());
    }
    recompute(chain, batch, bytes, before).await
}

/// Recomputes a batch whose root is on chain, and compares them field by field.
pub async fn after_posting(chain: &Chain, bytes: &[u8]) -> Result<(Verified, RootState), ChainError> {
    let batch = Batch::from_bytes(bytes)?;
    let posted = posted(chain, &batch).await?;
    let before = match batch.index.checked_sub(1) {
        None | Some(0) => Before { root: B256::ZERO, period_end: 0 },
        Some(index) => {
            let earlier = posted_at(chain, &batch, index).await?;
            Before { root: earlier.root, period_end: earlier.periodEnd }
        }
    };
    let verified = recompute(chain, batch, bytes, before).await?;
    compare(&verified.statement, &posted)?;
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let root = ask("the attribution ledger", ledger.rootOf(posted.vault, posted.token, posted.index)).await?;
    if root.root != verified.statement.root || root.sum != verified.statement.sum {
        return Err(Fault::RootDiffers("stored root or sum".into()).into());
    }
    Ok((verified, RootState::from(root.status)))
}

/// What a posted root may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootState {
    /// Its window is open; nobody can claim yet.
    Pending,
    /// Claims are good.
    Active,
    /// Anything else the ledger may say.
    Other(u8),
}

impl From<u8> for RootState {
    fn from(status: u8) -> Self {
        match status {
            1 => Self::Pending,
            2 => Self::Active,
            other => Self::Other(other),
        }
    }
}

struct Before {
    root: B256,
    period_end: u64,
}

async fn recompute(chain: &Chain, batch: Batch, bytes: &[u8], before: Before) -> Result<Verified, ChainError> {
    if batch.chain_id != chain.id() {
        return Err(Fault::WrongChain { found: batch.chain_id, expected: chain.id() }.into());
    }
    let head = chain.head().await?;
    if batch.period_end <= before.period_end || batch.period_end >= head.timestamp {
        return Err(Fault::BadPeriod { end: batch.period_end, after: before.period_end, now: head.timestamp }.into());
    }
    check_previous(&batch, &before)?;
    let (manifest, table) = check_release(chain, &batch, before.period_end).await?;
    check_order(&batch)?;
    let problems = problems(chain, usage_of(&batch, &manifest, &table, before.period_end)).await?;
    if let Some((id, problem)) = problems.into_iter().next() {
        return Err(Fault::Receipt { id, problem }.into());
    }
    let account = Account { vault: batch.vault, token: batch.token };
    let revenue = revenue::of_period(chain, account, before.period_end, batch.period_end).await?;
    let (settlement, leaves) = epoch::settle(&manifest, &table, &revenue, &batch.receipts, &batch.previous)?;
    let tree = SumTree::new(leaves).map_err(Fault::from)?;
    let claimed = SumTree::new(batch.leaves.clone()).map_err(Fault::from)?.root();
    if claimed != tree.root() {
        return Err(Fault::Leaves { recomputed: tree.root().hash, claimed: claimed.hash }.into());
    }
    let receipts = batch.receipts_tree().map_err(Fault::from)?;
    let statement = RootStatement {
        vault: batch.vault,
        token: batch.token,
        index: batch.index,
        attempt: batch.attempt,
        prevRoot: before.root,
        root: tree.root().hash,
        sum: tree.root().sum,
        leafCount: tree.leaves().len() as u64,
        receiptsRoot: receipts.map(|tree| tree.root()).unwrap_or_default(),
        receiptsCount: batch.receipts.len() as u64,
        dataHash: Batch::data_hash(bytes),
        settlementPolicy: settlement.policy.id(),
        periodEnd: batch.period_end,
        deadline: 0,
    };
    Ok(Verified { batch, settlement, statement, tree })
}

fn check_order(batch: &Batch) -> Result<(), Fault> {
    let ids = batch.receipts.iter().map(|row| row.receipt.id);
    match ids.clone().zip(ids.skip(1)).find(|(a, b)| a >= b) {
        Some((_, id)) => Err(Fault::ReceiptOrder(id)),
        None => Ok(()),
    }
}

pub(crate) fn usage_of<'b>(
    batch: &'b Batch,
    manifest: &ReleaseManifest,
    table: &ContributorTable,
    after: u64,
) -> Usage<'b> {
    Usage {
        receipts: &batch.receipts,
        sessions: &batch.sessions,
        release: batch.release,
        weights_hash: manifest.weights_hash,
        host: batch.host,
        sketch_width: table.k(),
        after,
        until: batch.period_end,
    }
}

/// A release must be older than the epoch that it serves, so that nobody can choose a table when the receipts are known.
/// The first release of a model has no epoch to wait for.
pub fn check_published(version: u32, published_at: u64, after: u64) -> Result<(), Fault> {
    if version == 1 || published_at <= after {
        return Ok(());
    }
    Err(Fault::ReleasedTooLate { version, published_at, after })
}

/// The manifest's snapshot must be a version of its dataset with that root, and a parent of the model on chain.
async fn check_lineage(chain: &Chain, model: AssetId, manifest: &ReleaseManifest) -> Result<(), ChainError> {
    let VersionRef { asset: dataset, version } = manifest.snapshot;
    let snapshot = assets::version(chain, dataset, version).await?;
    let edges = assets::edges(chain, model).await?;
    let is_parent = edges.iter().any(|edge| edge.parent == dataset.0 && edge.parentVersion <= version);
    if snapshot.contentHash != manifest.snapshot_root || !is_parent {
        return Err(Fault::WrongLineage { snapshot: version, dataset }.into());
    }
    Ok(())
}

fn check_previous(batch: &Batch, before: &Before) -> Result<(), Fault> {
    let found = match batch.previous.is_empty() {
        true => B256::ZERO,
        false => SumTree::new(batch.previous.clone())?.root().hash,
    };
    if found != before.root || batch.prev_root != before.root {
        return Err(Fault::WrongPrevious { found, expected: before.root });
    }
    Ok(())
}

async fn check_release(
    chain: &Chain,
    batch: &Batch,
    after: u64,
) -> Result<(ReleaseManifest, ContributorTable), ChainError> {
    let asset = assets::asset(chain, batch.release.asset).await?;
    if asset.vault != batch.vault {
        return Err(Fault::WrongVault { found: batch.vault, expected: asset.vault }.into());
    }
    if asset.shares.host != batch.host {
        return Err(Fault::WrongHost { found: batch.host, expected: asset.shares.host }.into());
    }
    let version = assets::version(chain, batch.release.asset, batch.release.version).await?;
    let manifest = ReleaseManifest::from_committed(batch.manifest.as_bytes(), version.manifestHash)?;
    if manifest.weights_hash != version.contentHash {
        return Err(Fault::WrongWeights { found: manifest.weights_hash, expected: version.contentHash }.into());
    }
    check_published(batch.release.version, version.publishedAt, after)?;
    check_lineage(chain, batch.release.asset, &manifest).await?;
    let found = keccak256(&batch.table);
    if found != manifest.table_hash {
        return Err(Fault::WrongTable { found, expected: manifest.table_hash }.into());
    }
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let bound = ask("the attribution ledger", ledger.policyOf(batch.vault)).await?;
    let policy = Policy::from_name(&manifest.settlement_policy)?.id();
    if policy != bound.settlementPolicy {
        return Err(Fault::WrongPolicy { found: policy, expected: bound.settlementPolicy }.into());
    }
    Ok((manifest, ContributorTable::decode(&batch.table).map_err(Fault::from)?))
}

/// The statement on chain whose data hash is this batch's.
async fn posted(chain: &Chain, batch: &Batch) -> Result<PostedStatement, ChainError> {
    posted_at(chain, batch, batch.index).await
}

async fn posted_at(chain: &Chain, batch: &Batch, index: u64) -> Result<PostedStatement, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let events = ledger
        .RootPosted_filter()
        .topic1(batch.vault)
        .topic2(batch.token)
        .topic3(U256::from(index))
        .from_block(0u64)
        .query()
        .await
        .map_err(ChainError::rpc)?;
    let newest = events.into_iter().next_back();
    let newest =
        newest.ok_or_else(|| Fault::NotPosted(format!("there is no root {index} for this vault and token")))?;
    Ok(newest.0.statement)
}

fn compare(ours: &RootStatement, posted: &PostedStatement) -> Result<(), Fault> {
    let fields = [
        ("data hash", ours.dataHash == posted.dataHash),
        ("attempt", ours.attempt == posted.attempt),
        ("previous root", ours.prevRoot == posted.prevRoot),
        ("root", ours.root == posted.root),
        ("sum", ours.sum == posted.sum),
        ("leaf count", ours.leafCount == posted.leafCount),
        ("receipts root", ours.receiptsRoot == posted.receiptsRoot),
        ("receipts count", ours.receiptsCount == posted.receiptsCount),
        ("settlement policy", ours.settlementPolicy == posted.settlementPolicy),
        ("period end", ours.periodEnd == posted.periodEnd),
    ];
    let differing: Vec<&str> = fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect();
    if differing.is_empty() { Ok(()) } else { Err(Fault::RootDiffers(differing.join(", "))) }
}
