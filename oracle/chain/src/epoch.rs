//! From receipts and revenue to a published batch.

use alloy::primitives::{Address, B256, Bytes};
use tributary_sdk::{
    batch::{Batch, ReceiptRow, Session},
    contracts::{AttributionLedger, RoyaltyVault},
    release::{Manifest, ReleaseManifest, VersionRef},
    sum_tree::{Leaf, SumTree},
    table::ContributorTable,
};
use tributary_settlement::{Policy, Settlement, SubPool, SubPoolId, Usage, cumulative_leaves, divide_credit};

use crate::{
    Account, Chain, ChainError,
    revenue::{self, Revenue},
    transact::{ask, send},
    verify::Fault,
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

/// Where a (vault, token) stands: the roots posted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Index of the newest root, active or not; 0 before the first.
    pub newest: u64,
    /// Index of the newest active root; 0 before the first.
    pub active: u64,
    /// The newest active root, or zero.
    pub root: B256,
    /// Its total.
    pub sum: u128,
    /// The last second of the newest root's period.
    pub period_end: u64,
}

/// Asks the ledger where a (vault, token) stands.
pub async fn standing(chain: &Chain, account: revenue::Account) -> Result<Standing, ChainError> {
    let ledger = AttributionLedger::new(chain.deployment().ledger, chain.provider());
    let revenue::Account { vault, token } = account;
    let active = ask(LEDGER, ledger.newestActive(vault, token)).await?;
    Ok(Standing {
        newest: ask(LEDGER, ledger.rootCount(vault, token)).await?,
        active: active.index,
        root: active.root.root,
        sum: active.root.sum,
        period_end: ask(LEDGER, ledger.periodEnd(vault, token)).await?,
    })
}

/// Makes the vault count what licenses earned by now, and credit everyone their share of it.
///
/// Returns the time of the block in which it did: the earliest end of a period that has this money.
pub async fn collect(
    account: &Account,
    on: revenue::Account,
    licenses: &[alloy::primitives::U256],
) -> Result<u64, ChainError> {
    let vault = RoyaltyVault::new(on.vault, account.provider());
    let market = account.chain().deployment().market;
    send(VAULT, vault.release(market, licenses.to_vec())).await?;
    match send(VAULT, vault.distribute(on.token)).await {
        Err(ChainError::Reverted { reason, .. }) if reason.contains("Vault_NothingToDistribute") => {}
        other => {
            other?;
        }
    }
    Ok(account.chain().head().await?.timestamp)
}

/// Settles an epoch into a batch. Nothing is posted.
pub async fn close(chain: &Chain, closing: Closing) -> Result<Batch, ChainError> {
    let standing = standing(chain, closing.account).await?;
    let mut receipts = closing.receipts;
    receipts.sort_by_key(|row| row.receipt.id);
    let manifest = ReleaseManifest::from_bytes(closing.manifest.as_bytes())?;
    let table = ContributorTable::decode(&closing.table).map_err(Fault::from)?;
    let after = standing.period_end;
    let revenue = revenue::of_period(chain, closing.account, after, closing.period_end).await?;
    let (_, leaves) = settle(&manifest, &table, &revenue, &receipts, &closing.previous)?;
    Ok(Batch {
        format: Batch::FORMAT.into(),
        chain_id: chain.id(),
        vault: closing.account.vault,
        token: closing.account.token,
        release: closing.release,
        host: closing.host,
        index: standing.newest + 1,
        attempt: 0,
        prev_root: standing.root,
        previous: closing.previous,
        period_end: closing.period_end,
        manifest: closing.manifest,
        table: closing.table,
        sessions: closing.sessions,
        receipts,
        leaves,
    })
}

/// Divides a period's pool: each license's money only over its own receipts, the rest by baseline shares.
pub(crate) fn settle(
    manifest: &ReleaseManifest,
    table: &ContributorTable,
    revenue: &Revenue,
    receipts: &[ReceiptRow],
    previous: &[Leaf],
) -> Result<(Settlement, Vec<Leaf>), ChainError> {
    let allocated =
        if previous.is_empty() { 0 } else { SumTree::new(previous.to_vec()).map_err(Fault::from)?.root().sum };
    let pool = revenue.pool_credited.checked_sub(allocated).ok_or(Fault::OverAllocated)?;
    let usage = |id: SubPoolId| -> Vec<Usage<'_>> {
        let own = |row: &&ReceiptRow| match id {
            SubPoolId::License(license) => row.receipt.licenseId == license && row.receipt.paymentId == B256::ZERO,
            SubPoolId::Payment(payment) => row.receipt.paymentId == payment,
            SubPoolId::WithoutReceipts => false,
        };
        receipts.iter().filter(own).map(|row| Usage { units: row.receipt.units, sketch: &row.sketch }).collect()
    };
    let subpools: Vec<SubPool<'_>> = divide_credit(pool, &revenue.earned)?
        .into_iter()
        .map(|(id, amount)| SubPool { id, amount, receipts: usage(id) })
        .collect();
    let settlement = Policy::from_name(&manifest.settlement_policy)?.settle(table, &subpools)?;
    let leaves = cumulative_leaves(previous, &settlement.payouts)?;
    Ok((settlement, leaves))
}
