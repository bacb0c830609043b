//! From receipts and revenue to a published batch.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, Bytes, U256};
use tributary_sdk::{
    batch::{Batch, ReceiptRow, Session},
    contracts::{AttributionLedger, RoyaltyVault},
    release::{Manifest, ReleaseManifest, VersionRef},
    sum_tree::{Leaf, SumTree},
    table::ContributorTable,
};
use tributary_settlement::{
    Policy, Settlement, SettlementError, SubPool, SubPoolId, Usage, cumulative_leaves, divide_credit,
};

use crate::{
    Account, Chain, ChainError,
    revenue::{self, Revenue},
    transact::{ask, send},
    verify::{self, Fault},
};

const LEDGER: &str = "the attribution ledger";
const VAULT: &str = "the vault";

/// What the host knows of an epoch that it closes.
#[derive(Clone, Debug)]
pub struct Closing {
    /// The model's vault and the token that is divided.
    pub account: revenue::Account,
    /// The release that served.
    pub release: VersionRef,
    /// Who signed the receipts.
    pub host: Address,
    /// The release manifest as published.
    pub manifest: String,
    /// The contributor table's encoding.
    pub table: Bytes,
    /// Sessions that signed requests.
    pub sessions: Vec<Session>,
    /// Earned receipts, in any order.
    pub receipts: Vec<ReceiptRow>,
    /// The leaves of the last active root; none before the first.
    pub previous: Vec<Leaf>,
    /// The last second of the epoch, in the chain's time.
    pub period_end: u64,
}

/// Where a (vault, token) stands, and what its next root must say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The next root's index; the first is 1.
    pub index: u64,
    /// How many roots were rejected at that index.
    pub attempt: u32,
    /// The root that the next one continues, or zero.
    pub root: B256,
    /// Its total.
    pub sum: u128,
    /// The last second of its period.
    pub period_end: u64,
    /// What roots may allot in all.
    pub allocatable: u128,
    /// Whether the next root may be posted: if not, the root it would continue is not active yet, and may be rejected.
    pub is_open: bool,
}

impl Standing {
    /// Index of the newest root, active or not; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.index.saturating_sub(1)
    }
}

/// Asks the ledger where a (vault, token) stands.
pub async fn standing(chain: &Chain, account: revenue::Account) -> Result<Standing, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let next = ask(LEDGER, ledger.nextOf(account.vault, account.token)).await?;
    Ok(Standing {
        index: next.index,
        attempt: next.attempt,
        root: next.prevRoot,
        sum: next.prevSum,
        period_end: next.periodEnd,
        allocatable: next.allocatable,
        is_open: next.open,
    })
}

/// Licenses released in one transaction: about 14,000 gas each, far from any block's limit.
const RELEASED_AT_ONCE: usize = 200;
/// Gas for such a transaction. An estimate would be no help: it costs more the moment a fee has earned something, and
/// that moment may lie between the estimate and the block. What is not used is not paid.
const RELEASE_GAS: u64 = 100_000;
/// More of it for every license.
const RELEASE_GAS_EACH: u64 = 20_000;

/// Makes the vault count what licenses earned by now, and credit everyone their share of it.
///
/// Returns the time of the block in which it did: a period that ends at or after it has this money.
pub async fn collect(account: &Account, on: revenue::Account, licenses: &[U256]) -> Result<u64, ChainError> {
    let vault = RoyaltyVault::new(on.vault, account.provider());
    let market = account.chain().deployment().market;
    for licenses in licenses.chunks(RELEASED_AT_ONCE) {
        let gas = RELEASE_GAS.saturating_add(RELEASE_GAS_EACH.saturating_mul(licenses.len() as u64));
        send(VAULT, vault.release(market, licenses.to_vec()).gas(gas)).await?;
    }
    match send(VAULT, vault.distribute(on.token)).await {
        Err(ChainError::Reverted { reason, .. }) if reason.contains("Vault_NothingToDistribute") => {}
        other => {
            other?;
        }
    }
    Ok(account.chain().head().await?.timestamp)
}

/// Settles an epoch into a batch. Nothing is posted.
///
/// Receipts that would not survive an audit are left out, and said so in the log: one of them would make the whole batch
/// worthless. So are sessions that no receipt needs.
pub async fn close(chain: &Chain, closing: Closing) -> Result<Batch, ChainError> {
    let standing = standing(chain, closing.account).await?;
    let mut receipts = closing.receipts;
    receipts.sort_by_key(|row| row.receipt.id);
    let manifest = ReleaseManifest::from_bytes(closing.manifest.as_bytes())?;
    let table = ContributorTable::decode(&closing.table).map_err(Fault::from)?;
    let after = standing.period_end;
    let mut batch = Batch {
        format: Batch::FORMAT.into(),
        chain_id: chain.id(),
        vault: closing.account.vault,
        token: closing.account.token,
        release: closing.release,
        host: closing.host,
        index: standing.index,
        attempt: standing.attempt,
        prev_root: standing.root,
        previous: closing.previous,
        period_end: closing.period_end,
        manifest: closing.manifest,
        table: closing.table,
        sessions: closing.sessions,
        receipts,
        leaves: Vec::new(),
    };
    let problems = verify::problems(chain, verify::usage_of(&batch, &manifest, &table, after)).await?;
    for (id, problem) in &problems {
        tracing::error!(%id, problem, "a receipt is left out of the epoch");
    }
    batch.receipts.retain(|row| !problems.contains_key(&row.receipt.id));
    let used: BTreeSet<_> =
        batch.receipts.iter().map(|row| (row.credential, row.receipt.licenseId, row.receipt.payer)).collect();
    let domain = chain.ledger_domain();
    batch.sessions.retain(|session| {
        let permission = session.authorization.permission(&domain);
        permission.is_ok_and(|said| used.contains(&(said.credential, said.license_id, session.holder)))
    });
    let seen = chain.head().await?.number;
    let revenue = revenue::of_period(chain, closing.account, after, closing.period_end, seen).await?;
    (_, batch.leaves) = settle(&manifest, &table, &revenue, &batch.receipts, &batch.previous)?;
    Ok(batch)
}

/// Divides a period's pool: each license's money only over its own receipts, everything else by baseline shares.
pub(crate) fn settle(
    manifest: &ReleaseManifest,
    table: &ContributorTable,
    revenue: &Revenue,
    receipts: &[ReceiptRow],
    previous: &[Leaf],
) -> Result<(Settlement, Vec<Leaf>), ChainError> {
    let subpools = subpools(revenue, receipts, previous)?;
    let settlement = Policy::from_name(&manifest.settlement_policy)?.settle(table, &subpools)?;
    let leaves = cumulative_leaves(previous, &settlement.payouts)?;
    Ok((settlement, leaves))
}

/// The sub-pool whose money a receipt divides.
pub(crate) fn subpool_of(row: &ReceiptRow) -> SubPoolId {
    match row.receipt.paymentId {
        B256::ZERO => SubPoolId::License(row.receipt.licenseId),
        payment => SubPoolId::Payment(payment),
    }
}

/// A period's pool, divided among those whose money it is, each with their receipts.
pub(crate) fn subpools<'r>(
    revenue: &Revenue,
    receipts: &'r [ReceiptRow],
    previous: &[Leaf],
) -> Result<Vec<SubPool<'r>>, ChainError> {
    let allocated =
        if previous.is_empty() { 0 } else { SumTree::new(previous.to_vec()).map_err(Fault::from)?.root().sum };
    let pool = revenue.allocatable.checked_sub(allocated).ok_or(Fault::OverAllocated)?;
    let mut usage: BTreeMap<SubPoolId, Vec<Usage<'_>>> = BTreeMap::new();
    for row in receipts {
        let sketch = row.sketch.as_ref().ok_or(ChainError::SketchesWithheld)?;
        usage.entry(subpool_of(row)).or_default().push(Usage { units: row.receipt.units, sketch });
    }
    let divided = divide_pool(pool, revenue, |id| usage.contains_key(id))?;
    let with_receipts = |(id, amount)| SubPool { id, amount, receipts: usage.remove(&id).unwrap_or_default() };
    Ok(divided.into_iter().map(with_receipts).collect())
}

/// What of the pool is whose: of each share table's part, as much as they earned of it. What was paid to the pool alone,
/// and what earlier roots left, is nobody's; so is what was earned by somebody who has no receipts.
fn divide_pool(
    pool: u128,
    revenue: &Revenue,
    has_receipts: impl Fn(&SubPoolId) -> bool,
) -> Result<BTreeMap<SubPoolId, u128>, SettlementError> {
    const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a sub-pool's revenue" };
    fn add(amounts: &mut BTreeMap<SubPoolId, u128>, id: SubPoolId, amount: u128) -> Result<(), SettlementError> {
        let total = amounts.entry(id).or_default();
        *total = total.checked_add(amount).ok_or(OVERFLOW)?;
        Ok(())
    }
    let (mut amounts, mut left) = (BTreeMap::new(), pool);
    for distributed in &revenue.distributed {
        let mut earned = BTreeMap::new();
        for (id, amount) in &distributed.earned {
            add(&mut earned, if has_receipts(id) { *id } else { SubPoolId::WithoutReceipts }, *amount)?;
        }
        let earned: Vec<(SubPoolId, u128)> = earned.into_iter().filter(|(_, amount)| *amount > 0).collect();
        if earned.is_empty() {
            continue;
        }
        let part = distributed.pool.min(left);
        left = left.saturating_sub(part);
        for (id, amount) in divide_credit(part, &earned)? {
            add(&mut amounts, id, amount)?;
        }
    }
    if left > 0 {
        add(&mut amounts, SubPoolId::WithoutReceipts, left)?;
    }
    Ok(amounts)
}
