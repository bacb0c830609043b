//! From offered records to what everybody is paid: train, attribute, settle, with nothing but what releases are made with.

use std::collections::BTreeMap;

use eyre::Result;
use tributary_attribution::{Directions, attribute::LEAST_RECORDS};
use tributary_sdk::{
    Address, U256,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{Policy, SubPool, SubPoolId, Usage};

use super::{
    super::{
        release::{self, account},
        subject::Subject,
    },
    community::{Community, Entry, records},
};
use crate::attribution::labelled::LabelledRecords;

/// Base units divided.
const POOL: u128 = 1_000_000_000_000_000;
const RELEASE_SEED: u64 = 1;

/// An attributed release.
pub(super) struct Release {
    made: release::Release,
    /// Who has a row, in the table's order.
    identities: Vec<usize>,
}

impl Release {
    /// Identities with few entries share a row; where there are too few of them for one, they are left out, as in snapshots.
    pub(super) fn new(entries: &[Entry], community: &Community, subject: &dyn Subject) -> Result<Self> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        entries.iter().for_each(|entry| *counts.entry(entry.identity).or_default() += 1);
        let small: usize = counts.values().filter(|records| **records < LEAST_RECORDS).sum();
        counts.retain(|_, records| *records >= LEAST_RECORDS || small >= LEAST_RECORDS);
        let kept: Vec<Entry> = entries.iter().filter(|entry| counts.contains_key(&entry.identity)).cloned().collect();
        let (training, held_out) = (records(&kept)?, &community.held_out);
        let owners: Vec<usize> = kept.iter().map(|entry| entry.identity).collect();
        let model = subject.train(&training, training.len(), RELEASE_SEED)?;
        let made = release::Release::new(&[model.as_ref()], subject, &training, &owners, held_out, Directions::BySize)?;
        Ok(Self { made, identities: counts.into_keys().collect() })
    }

    /// Shares of a sub-pool's money by identity, where every record of `asked` is one call.
    pub(super) fn shares(&self, asked: &LabelledRecords, policy: Policy, gated: bool) -> Result<BTreeMap<usize, f64>> {
        let sketches = self.made.receipts(asked)?;
        let receipts = sketches.iter().map(|sketch| Usage { units: 1, sketch }).collect();
        let pool = SubPool { id: SubPoolId::License(U256::from(1)), amount: POOL, receipts };
        let mut table = self.made.table().clone();
        if !gated {
            let open = |row: &ContributorRow| ContributorRow { passes_gate: true, ..row.clone() };
            table = ContributorTable::new(table.k(), table.rows().iter().map(open).collect())?;
        }
        let paid: BTreeMap<Address, u128> = policy.settle(&table, &[pool])?.payouts.into_iter().collect();
        let share = |identity: &usize| paid.get(&account(*identity)).map_or(0.0, |amount| *amount as f64 / POOL as f64);
        Ok(self.identities.iter().map(|identity| (*identity, share(identity))).collect())
    }

    /// Baseline shares by identity.
    pub(super) fn baseline(&self) -> BTreeMap<usize, f64> {
        let rows = self.made.table().rows();
        let whole: f64 = rows.iter().map(|row| row.baseline as f64).sum();
        self.identities.iter().zip(rows).map(|(identity, row)| (*identity, row.baseline as f64 / whole)).collect()
    }

    /// Whether each entry's own total over the calls is positive, where every identity has a row.
    pub(super) fn helps(&self, asked: &LabelledRecords) -> Result<Vec<bool>> {
        let total = self.made.served(asked)?.sum_axis(ndarray::Axis(0));
        let rows = self.made.attribution().records();
        let score = |row: &[i8]| row.iter().zip(&total).map(|(value, q)| f32::from(*value) * q).sum::<f32>();
        Ok(rows.mantissas().chunks_exact(rows.width()).map(|row| score(row) > 0.0).collect())
    }
}
