//! What can be said of a division without the sketches that decide it.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use tributary_sdk::{
    batch::Batch,
    faults,
    sum_tree::{PostedTree, SumTree},
    table::ContributorTable,
};

use super::Fault;
use crate::{ChainError, revenue::Revenue};

/// Payouts that some sketches could have given: to contributors of the release, nothing taken back from anybody, and in all
/// exactly what the vault credited. Which contributor got how much of it stays the attestors' word.
pub(super) fn check_possible(
    batch: &Batch,
    table: &ContributorTable,
    revenue: &Revenue,
    claimed: &SumTree,
) -> Result<(), ChainError> {
    let posted = |leaves: &[_]| PostedTree::new(leaves.to_vec()).map_err(Fault::from);
    let previous = if batch.previous.is_empty() { None } else { Some(posted(&batch.previous)?) };
    if let Some(fault) = faults::Fault::find(previous.as_ref(), &posted(&batch.leaves)?) {
        let problem = match fault {
            faults::Fault::Disorder { .. } => "accounts are out of order",
            faults::Fault::Decrease { .. } => "an account gets less in all than before",
            faults::Fault::Omission { .. } => "an account of the root before is left out",
        };
        return Err(Fault::NoDivision(problem.into()).into());
    }
    let known: BTreeSet<Address> = table.rows().iter().map(|row| row.account).collect();
    let before: BTreeSet<Address> = batch.previous.iter().map(|leaf| leaf.account).collect();
    let stranger = batch.leaves.iter().find(|leaf| !known.contains(&leaf.account) && !before.contains(&leaf.account));
    if let Some(leaf) = stranger {
        return Err(Fault::NoDivision(format!("{} contributed nothing to the release", leaf.account)).into());
    }
    let (sum, credited) = (claimed.root().sum, revenue.allocatable);
    if sum != credited {
        return Err(Fault::NoDivision(format!("they are {sum} in all, the vault credited {credited}")).into());
    }
    Ok(())
}
