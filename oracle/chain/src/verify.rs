//! A batch recomputed from nothing but its bytes and the chain: what attestors do before they sign, and what anyone can
//! do afterwards.

mod division;
mod fault;
mod usage;

use alloy::primitives::{Address, B256, keccak256};
use tributary_sdk::{
    AssetId,
    batch::Batch,
    contracts::{
        AttributionLedger,
        ledger::{self, RootStatement as PostedStatement},
    },
    release::{Manifest, ReleaseManifest, SketchReaders, VersionRef},
    sketch::Sketch,
    sum_tree::SumTree,
    table::ContributorTable,
    typed_data::RootStatement,
};
use tributary_settlement::{Policy, Settlement};

use crate::{
    Chain, ChainError, assets, epoch, posted,
    revenue::{self, Account, Revenue},
    transact::ask,
};

pub use fault::Fault;
pub(crate) use usage::{Usage, problems};

/// What somebody has of an epoch: its batch, and the sketches that this may leave out.
#[derive(Clone, Copy, Debug)]
pub struct Published<'p> {
    /// The batch's bytes.
    pub batch: &'p [u8],
    /// Where the release lets only attestors read them, and they were read.
    pub sketches: Option<&'p [Sketch]>,
}

impl<'p, B: AsRef<[u8]> + ?Sized> From<&'p B> for Published<'p> {
    fn from(batch: &'p B) -> Self {
        Self { batch: batch.as_ref(), sketches: None }
    }
}

/// A batch that holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The batch, with the sketches that were given.
    pub batch: Batch,
    /// Who got what from which sub-pool; see [`Verified::division`].
    settlement: Option<Settlement>,
    /// The statement to attest, but for its deadline.
    pub statement: RootStatement,
    /// The payout tree.
    pub tree: SumTree,
}

impl Verified {
    /// Who got what from which sub-pool.
    ///
    /// # Errors
    /// [`ChainError::SketchesWithheld`] if that was not recomputed: everything else was.
    pub fn division(&self) -> Result<&Settlement, ChainError> {
        self.settlement.as_ref().ok_or(ChainError::SketchesWithheld)
    }
}

/// Recomputes a batch that is about to be posted.
pub async fn before_posting(chain: &Chain, published: impl Into<Published<'_>>) -> Result<Verified, ChainError> {
    let published = published.into();
    let batch = read(chain, published.batch).await?;
    let standing = epoch::standing(chain, account(&batch)).await?;
    if !standing.is_open || (batch.index, batch.attempt) != (standing.index, standing.attempt) {
        let problem = format!(
            "the next root has index {} and follows {} rejected ones, the batch's has index {} and follows {}",
            standing.index, standing.attempt, batch.index, batch.attempt
        );
        return Err(Fault::NotPosted(problem).into());
    }
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let policy = ask("the attribution ledger", ledger.policyOf(batch.vault)).await?.settlementPolicy;
    let seen = chain.head().await?.number;
    let before = Before { root: standing.root, period_end: standing.period_end, policy, seen };
    recompute(chain, batch, published, before).await
}

/// Recomputes a batch whose root is on chain, and compares them field by field.
pub async fn after_posting(
    chain: &Chain,
    published: impl Into<Published<'_>>,
) -> Result<(Verified, RootState), ChainError> {
    let published = published.into();
    let batch = read(chain, published.batch).await?;
    let on = account(&batch);
    let (index, attempt) = (batch.index, batch.attempt);
    let attempts = posted::attempts(chain, on, index).await?;
    let posted = attempts.into_iter().find(|posted| posted.statement.attempt == attempt);
    let posted = posted.ok_or_else(|| {
        Fault::NotPosted(format!("there is no root {index}, attempt {attempt}, for this vault and token"))
    })?;
    if let Some(reason) = posted::rejection(chain, on, index, attempt).await? {
        return Err(Fault::Rejected { index, attempt, reason }.into());
    }
    let earlier = match index.checked_sub(1) {
        None | Some(0) => None,
        Some(index) => posted::attempts(chain, on, index).await?.pop(),
    };
    let before = Before {
        root: earlier.as_ref().map(|earlier| earlier.statement.root).unwrap_or_default(),
        period_end: earlier.map(|earlier| earlier.statement.periodEnd).unwrap_or_default(),
        policy: posted.statement.settlementPolicy,
        seen: posted.block,
    };
    let verified = recompute(chain, batch, published, before).await?;
    compare(&verified.statement, &posted.statement)?;
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let root = ask("the attribution ledger", ledger.rootOf(on.vault, on.token, index)).await?;
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
    /// Its arbiter has to rule on it; nobody can claim yet.
    Challenged,
    /// Claims are good.
    Active,
    /// Anything else the ledger may say.
    Other(u8),
}

impl From<u8> for RootState {
    fn from(status: u8) -> Self {
        match status {
            ledger::PENDING => Self::Pending,
            ledger::CHALLENGED => Self::Challenged,
            ledger::ACTIVE => Self::Active,
            other => Self::Other(other),
        }
    }
}

/// What a root is judged by beside its batch.
struct Before {
    /// The root that it continues.
    root: B256,
    /// The end of that root's period.
    period_end: u64,
    /// The settlement policy that it is bound to.
    policy: B256,
    /// The last block that counts.
    seen: u64,
}

/// A batch of this chain and of its model's vault.
async fn read(chain: &Chain, bytes: &[u8]) -> Result<Batch, ChainError> {
    let batch = Batch::from_bytes(bytes)?;
    if batch.chain_id != chain.id() {
        return Err(Fault::WrongChain { found: batch.chain_id, expected: chain.id() }.into());
    }
    let vault = assets::asset(chain, batch.release.asset).await?.vault;
    if vault != batch.vault {
        return Err(Fault::WrongVault { found: batch.vault, expected: vault }.into());
    }
    Ok(batch)
}

fn account(batch: &Batch) -> Account {
    Account { vault: batch.vault, token: batch.token }
}

async fn recompute(
    chain: &Chain,
    batch: Batch,
    published: Published<'_>,
    before: Before,
) -> Result<Verified, ChainError> {
    let head = chain.head().await?;
    if batch.period_end <= before.period_end || batch.period_end >= head.timestamp {
        return Err(Fault::BadPeriod { end: batch.period_end, after: before.period_end, now: head.timestamp }.into());
    }
    check_previous(&batch, &before)?;
    check_host(chain, &batch, before.period_end).await?;
    let (manifest, table) = check_release(chain, &batch, &before).await?;
    check_order(&batch)?;
    let batch = with_sketches(batch, manifest.sketch_readers, published.sketches)?;
    let problems = problems(chain, usage_of(&batch, &manifest, &table, before.period_end)).await?;
    if let Some((id, problem)) = problems.into_iter().next() {
        return Err(Fault::Receipt { id, problem }.into());
    }
    let revenue = revenue::of_period(chain, account(&batch), before.period_end, batch.period_end, before.seen).await?;
    let tree = SumTree::new(batch.leaves.clone()).map_err(Fault::from)?;
    let settlement = match batch.receipts.iter().all(|row| row.sketch.is_some()) {
        true => Some(check_division(&batch, &manifest, &table, &revenue, &tree)?),
        false => {
            division::check_possible(&batch, &table, &revenue, &tree)?;
            None
        }
    };
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
        dataHash: Batch::data_hash(published.batch),
        settlementPolicy: before.policy,
        periodEnd: batch.period_end,
        deadline: 0,
    };
    Ok(Verified { batch, settlement, statement, tree })
}

/// The batch with the sketches that it leaves out, if they were given. A release says who may read them, and its batches
/// keep to it.
fn with_sketches(batch: Batch, readers: SketchReaders, given: Option<&[Sketch]>) -> Result<Batch, ChainError> {
    let published = readers == SketchReaders::Public;
    if let Some(row) = batch.receipts.iter().find(|row| row.sketch.is_some() != published) {
        return Err(Fault::SketchReaders(row.receipt.id).into());
    }
    match given {
        Some(sketches) if !published => Ok(batch.with_sketches(sketches.to_vec())?),
        _ => Ok(batch),
    }
}

/// The division, if it gives the batch's leaves.
fn check_division(
    batch: &Batch,
    manifest: &ReleaseManifest,
    table: &ContributorTable,
    revenue: &Revenue,
    claimed: &SumTree,
) -> Result<Settlement, ChainError> {
    let (settlement, leaves) = epoch::settle(manifest, table, revenue, &batch.receipts, &batch.previous)?;
    let recomputed = SumTree::new(leaves).map_err(Fault::from)?.root();
    if recomputed != claimed.root() {
        return Err(Fault::Leaves { recomputed: recomputed.hash, claimed: claimed.root().hash }.into());
    }
    Ok(settlement)
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

/// The host must be the one that the share table names when the period ends, or named when it began: a table may change
/// in between.
async fn check_host(chain: &Chain, batch: &Batch, after: u64) -> Result<(), ChainError> {
    let named = async |time| -> Result<Address, ChainError> {
        let block = chain.block_at(time).await?;
        Ok(assets::asset_at(chain, batch.release.asset, block).await?.shares.host)
    };
    let expected = named(batch.period_end).await?;
    if expected == batch.host || (after > 0 && named(after).await? == batch.host) {
        return Ok(());
    }
    Err(Fault::WrongHost { found: batch.host, expected }.into())
}

async fn check_release(
    chain: &Chain,
    batch: &Batch,
    before: &Before,
) -> Result<(ReleaseManifest, ContributorTable), ChainError> {
    let version = assets::version(chain, batch.release.asset, batch.release.version).await?;
    let manifest = ReleaseManifest::from_committed(batch.manifest.as_bytes(), version.manifestHash)?;
    if manifest.weights_hash != version.contentHash {
        return Err(Fault::WrongWeights { found: manifest.weights_hash, expected: version.contentHash }.into());
    }
    check_published(batch.release.version, version.publishedAt, before.period_end)?;
    check_lineage(chain, batch.release.asset, &manifest).await?;
    let found = keccak256(&batch.table);
    if found != manifest.table_hash {
        return Err(Fault::WrongTable { found, expected: manifest.table_hash }.into());
    }
    let policy = Policy::from_name(&manifest.settlement_policy)?.id();
    if policy != before.policy {
        return Err(Fault::WrongPolicy { found: policy, expected: before.policy }.into());
    }
    Ok((manifest, ContributorTable::decode(&batch.table).map_err(Fault::from)?))
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
