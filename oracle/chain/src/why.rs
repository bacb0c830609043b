//! Why an account was paid what it was: the sub-pools, and the receipts and scores behind each.

use tributary_sdk::{
    Address, B256,
    release::{Manifest, ReleaseManifest},
    table::{ContributorTable, basis_points},
};
use tributary_settlement::{Basis, Policy, SettlementError, SubPool, SubPoolId, Usage};

use crate::{
    ChainError,
    epoch::subpool_of,
    verify::{Fault, Verified},
};

/// What an epoch paid an account, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Base units, over all sub-pools.
    pub paid: u128,
    /// Sub-pool by sub-pool; those that paid it nothing included.
    pub parts: Vec<Part>,
}

/// What one sub-pool paid the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose money.
    pub id: SubPoolId,
    /// Base units divided.
    pub amount: u128,
    /// By what.
    pub basis: Basis,
    /// Base units paid to the account.
    pub paid: u128,
    /// The receipts, those in which the account's data counted most first, for or against.
    pub because: Vec<Because>,
}

/// The account's part in one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Because {
    /// The receipt.
    pub receipt: B256,
    /// Its units.
    pub units: u64,
    /// The account's score: row · sketch, exactly.
    pub score: i64,
    /// Over the sum of all positive scores, in basis points, truncated; 0 where none is positive.
    pub bps: i64,
}

const OVERFLOW: SettlementError = SettlementError::Overflow { what: "an account's payouts" };

/// Why a batch whose division was recomputed pays an account what it does. What it says adds up to the account's payout.
pub fn why(verified: &Verified, account: Address) -> Result<Why, ChainError> {
    let manifest = ReleaseManifest::from_bytes(verified.batch.manifest.as_bytes())?;
    let table = ContributorTable::decode(&verified.batch.table).map_err(Fault::from)?;
    let policy = Policy::from_name(&manifest.settlement_policy)?;
    let place = table.rows().iter().position(|row| row.account == account);
    let (mut parts, mut paid) = (Vec::new(), 0u128);
    for settled in &verified.division()?.subpools {
        let rows = || verified.batch.receipts.iter().filter(|row| subpool_of(row) == settled.id);
        let sketched = || rows().filter_map(|row| Some((row, row.sketch.as_ref()?)));
        let receipts = sketched().map(|(row, sketch)| Usage { units: row.receipt.units, sketch }).collect();
        let alone = policy.settle(&table, &[SubPool { id: settled.id, amount: settled.amount, receipts }])?;
        let part = alone.payouts.iter().find(|(payee, _)| *payee == account).map_or(0, |(_, amount)| *amount);
        paid = paid.checked_add(part).ok_or(OVERFLOW)?;
        let mut because = Vec::new();
        for (row, sketch) in sketched() {
            let scores = table.scores(sketch).map_err(Fault::from)?;
            let bps = basis_points(&scores);
            let at = |all: &[i64]| place.and_then(|place| all.get(place)).copied().unwrap_or_default();
            let (score, bps) = (at(&scores), at(&bps));
            because.push(Because { receipt: row.receipt.id, units: row.receipt.units, score, bps });
        }
        because.sort_by_key(|because| std::cmp::Reverse(because.bps.unsigned_abs()));
        parts.push(Part { id: settled.id, amount: settled.amount, basis: settled.basis, paid: part, because });
    }
    Ok(Why { paid, parts })
}
