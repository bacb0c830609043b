//! A whole epoch: every sub-pool by the policy, then added up by account.

use std::num::NonZero;

use tributary_sdk::{Address, table::ContributorTable};

use crate::{
    Policy, SettlementError, SubPool, SubPoolId, crew, divide, epoch_signed::EpochSigned, per_inference::PerInference,
    subpool, total::Total, weigh,
};

const OVERFLOW: SettlementError = SettlementError::Overflow { what: "the epoch's total" };

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

/// How one sub-pool was divided. Sub-pools do not touch each other: to see who got what of one, settle it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubPoolSettlement {
    /// Whose money.
    pub id: SubPoolId,
    /// Base units divided, to the last one.
    pub amount: u128,
    /// By what.
    pub basis: Basis,
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
    subpool::check(table, subpools)?;
    let total = subpools.iter().try_fold(0_u128, |sum, subpool| sum.checked_add(subpool.amount)).ok_or(OVERFLOW)?;
    let (settled, paid) = match policy {
        Policy::EpochSigned1 => crew::settle::<EpochSigned>(table, subpools, threads),
        Policy::PerInference1 => crew::settle::<PerInference>(table, subpools, threads),
    }?;
    let accounts = table.rows().iter().map(|row| row.account);
    let payouts = accounts.zip(paid).filter(|(_, amount)| *amount > 0).collect();
    Ok(Settlement { policy, payouts, total, subpools: settled })
}

/// Divides one sub-pool's money by what its receipts add up to, `[contributors]`; by the release's own division if that
/// is nothing. Adds the base units to `paid`, `[contributors]`.
pub(crate) fn divide_subpool(
    table: &ContributorTable,
    subpool: &SubPool<'_>,
    totals: &[Total],
    paid: &mut [u128],
) -> Result<SubPoolSettlement, SettlementError> {
    let (basis, weights) = match weigh::weights(table, totals)? {
        Some(weights) => (Basis::Attribution, weights),
        None => default_weights(table),
    };
    add(paid, &divide(subpool.amount, &weights)?)?;
    Ok(SubPoolSettlement { id: subpool.id, amount: subpool.amount, basis })
}

/// Adds base units to base units, `[contributors]` both.
pub(crate) fn add(paid: &mut [u128], amounts: &[u128]) -> Result<(), SettlementError> {
    paid.iter_mut().zip(amounts).try_for_each(|(sum, amount)| {
        *sum = sum.checked_add(*amount).ok_or(OVERFLOW)?;
        Ok(())
    })
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
