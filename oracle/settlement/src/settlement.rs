//! A whole epoch: every sub-pool by the policy, then added up by account.

use std::{collections::BTreeMap, num::NonZero};

use tributary_sdk::{Address, table::ContributorTable};

use crate::{
    Policy, SettlementError, SubPool, SubPoolId, crew, divide, epoch_signed::EpochSigned, per_inference::PerInference,
    subpool, total::Total, weigh,
};

/// By what a sub-pool's money was divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// By the attribution of its own receipts.
    Attribution,
    /// By the release's baseline weights: no receipts, or no positive attribution.
    Baseline,
    /// By record counts: as for the baseline, and the release commits to no baseline.
    Records,
}

/// One sub-pool's payouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubPoolSettlement {
    /// Whose money.
    pub id: SubPoolId,
    /// Base units divided; exactly the sum of `payouts`.
    pub amount: u128,
    /// By what.
    pub basis: Basis,
    /// Base units for each account, ascending by account, without zeros.
    pub payouts: Vec<(Address, u128)>,
}

/// An epoch's payouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The policy that was followed.
    pub policy: Policy,
    /// Base units for each account over all sub-pools, ascending by account, without zeros.
    pub payouts: Vec<(Address, u128)>,
    /// Base units divided in all; exactly the sum of `payouts`.
    pub total: u128,
    /// Every sub-pool by itself, in the order given.
    pub subpools: Vec<SubPoolSettlement>,
}

pub(crate) fn settle(
    policy: Policy,
    table: &ContributorTable,
    subpools: &[SubPool<'_>],
    threads: NonZero<usize>,
) -> Result<Settlement, SettlementError> {
    const OVERFLOW: SettlementError = SettlementError::Overflow { what: "the epoch's total" };

    subpool::check(table, subpools)?;
    let settled = match policy {
        Policy::EpochSigned1 => crew::settle::<EpochSigned>(table, subpools, threads),
        Policy::PerInference1 => crew::settle::<PerInference>(table, subpools, threads),
    }?;
    let mut by_account = BTreeMap::<Address, u128>::new();
    let mut total = 0_u128;
    for part in &settled {
        total = total.checked_add(part.amount).ok_or(OVERFLOW)?;
        for (account, amount) in &part.payouts {
            let sum = by_account.entry(*account).or_default();
            *sum = sum.checked_add(*amount).ok_or(OVERFLOW)?;
        }
    }
    Ok(Settlement { policy, payouts: by_account.into_iter().collect(), total, subpools: settled })
}

/// Divides one sub-pool's money by what its receipts add up to, `[contributors]`; by the release's own division if that
/// is nothing.
pub(crate) fn divide_subpool(
    table: &ContributorTable,
    subpool: &SubPool<'_>,
    totals: &[Total],
) -> Result<SubPoolSettlement, SettlementError> {
    let (basis, weights) = match weigh::weights(table, totals)? {
        Some(weights) => (Basis::Attribution, weights),
        None => default_weights(table),
    };
    let amounts = divide(subpool.amount, &weights)?;
    let accounts = table.rows().iter().map(|row| row.account);
    let payouts = accounts.zip(amounts).filter(|(_, amount)| *amount > 0).collect();
    Ok(SubPoolSettlement { id: subpool.id, amount: subpool.amount, basis, payouts })
}

/// The release's own division.
fn default_weights(table: &ContributorTable) -> (Basis, Vec<u128>) {
    let rows = table.rows();
    if rows.iter().any(|row| row.baseline > 0) {
        (Basis::Baseline, rows.iter().map(|row| u128::from(row.baseline)).collect())
    } else {
        (Basis::Records, rows.iter().map(|row| u128::from(row.records)).collect())
    }
}
