//! From offered records to what everybody is paid: train, attribute, settle. Nothing is skipped: the same table, gate,
//! baseline and policies as a release's.

use std::collections::BTreeMap;

use eyre::{Context, Result};
use ndarray::Array2;
use tributary_attribution::{
    baseline, basis::Basis, curvature::DampedCurvature, gate, quantise::quantise, rows::first_order,
};
use tributary_sdk::{
    Address, U256,
    sketch::Sketch,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{Policy, SubPool, SubPoolId, Usage};

use super::{
    super::{
        evidence::served,
        subject::{Model, Subject},
    },
    community::{Community, Entry, records},
};
use crate::attribution::labelled::LabelledRecords;

/// Identities with fewer records share one row, and what it is paid by their records.
const LEAST_RECORDS: usize = 10;
/// Base units divided.
const POOL: u128 = 1_000_000_000_000_000;
const RELEASE_SEED: u64 = 1;
const GATE_SEED: u64 = 1;

/// An attributed release.
pub(super) struct Release {
    model: Box<dyn Model>,
    basis: Basis,
    table: ContributorTable,
    /// Per place of the table, its identities with their records.
    members: Vec<BTreeMap<usize, u32>>,
    /// Effects of the entries in the basis, `[entries, k]`.
    rows: Array2<f64>,
}

impl Release {
    pub(super) fn new(entries: &[Entry], community: &Community, subject: &dyn Subject) -> Result<Self> {
        let training = records(entries)?;
        let n = training.len();
        let model = subject.train(&training, n, RELEASE_SEED)?;
        let (members, owners) = places(entries);
        let effects = model.loss_gradients(&training)? / -(n as f64);
        let curvature = DampedCurvature::new(&model.curvature(&training, n)?, subject.damping(n))?;
        let of_contributors = first_order(effects.view(), &owners, members.len())?;
        let basis = Basis::owner(&of_contributors, &curvature)?;
        let rows = basis.project(of_contributors.view())?;

        let held_out = &community.held_out;
        let towards_truth = model.margin_gradients(held_out.features().view(), held_out.labels())?;
        let influence = basis.project(towards_truth.view())?.dot(&rows.t());
        let gate = gate::judge(&influence, &vec![None; held_out.len()], GATE_SEED)?;
        let counts: Vec<u32> = members.iter().map(|members| members.values().sum()).collect();
        let baselines = baseline::weights(&gate, &counts);
        let rows_of_table = (counts.iter().zip(&gate).zip(baselines).zip(quantise(&rows)?.values).enumerate())
            .map(|(place, (((records, gate), baseline), values))| ContributorRow {
                account: account(place),
                records: *records,
                passes_gate: gate.passes(),
                baseline,
                values,
            })
            .collect();
        let table = ContributorTable::new(basis.width(), rows_of_table)?;
        let rows = basis.project(effects.view())?;
        Ok(Self { model, basis, table, members, rows })
    }

    /// Shares of a sub-pool's money by identity, where every record of `asked` is one call.
    pub(super) fn shares(&self, asked: &LabelledRecords, policy: Policy, gated: bool) -> Result<BTreeMap<usize, f64>> {
        let sketches = self.sketches(asked)?;
        let quantised = sketches
            .outer_iter()
            .map(|sketch| Ok(Sketch::quantise(&sketch.mapv(|value| value as f32).to_vec())?))
            .collect::<Result<Vec<_>>>()?;
        let receipts = quantised.iter().map(|sketch| Usage { units: 1, sketch }).collect();
        let pool = SubPool { id: SubPoolId::License(U256::from(1)), amount: POOL, receipts };
        let mut table = self.table.clone();
        if !gated {
            let open = |row: &ContributorRow| ContributorRow { passes_gate: true, ..row.clone() };
            table = ContributorTable::new(table.k(), table.rows().iter().map(open).collect())?;
        }
        let paid: BTreeMap<Address, u128> = policy.settle(&table, &[pool])?.payouts.into_iter().collect();
        Ok(self.by_identity(|place| paid.get(&account(place)).map_or(0.0, |amount| *amount as f64 / POOL as f64)))
    }

    /// Baseline shares by identity.
    pub(super) fn baseline(&self) -> BTreeMap<usize, f64> {
        let weights: Vec<f64> = self.table.rows().iter().map(|row| row.baseline as f64).collect();
        let whole: f64 = weights.iter().sum();
        self.by_identity(|place| weights[place] / whole)
    }

    fn by_identity(&self, share: impl Fn(usize) -> f64) -> BTreeMap<usize, f64> {
        let mut shares = BTreeMap::new();
        for (place, members) in self.members.iter().enumerate() {
            let records: u32 = members.values().sum();
            for (identity, own) in members {
                *shares.entry(*identity).or_insert(0.0) += share(place) * f64::from(*own) / f64::from(records);
            }
        }
        shares
    }

    /// Whether each entry's own total over the calls is positive.
    pub(super) fn helps(&self, asked: &LabelledRecords) -> Result<Vec<bool>> {
        let total = self.sketches(asked)?.sum_axis(ndarray::Axis(0));
        Ok(self.rows.dot(&total).iter().map(|score| *score > 0.0).collect())
    }

    fn sketches(&self, asked: &LabelledRecords) -> Result<Array2<f64>> {
        let classes = served(self.model.as_ref(), asked).wrap_err("asking the release")?;
        let gradients = self.model.margin_gradients(asked.features().view(), &classes)?;
        Ok(self.basis.project(gradients.view())?)
    }
}

/// The table's places with their identities and records, and every entry's place.
fn places(entries: &[Entry]) -> (Vec<BTreeMap<usize, u32>>, Vec<usize>) {
    let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
    entries.iter().for_each(|entry| *counts.entry(entry.identity).or_default() += 1);
    let (small, large): (Vec<_>, Vec<_>) =
        counts.into_iter().partition(|(_, records)| (*records as usize) < LEAST_RECORDS);
    let mut members: Vec<BTreeMap<usize, u32>> = large.into_iter().map(|member| BTreeMap::from([member])).collect();
    if !small.is_empty() {
        members.push(small.into_iter().collect());
    }
    let place = |entry: &Entry| members.iter().position(|members| members.contains_key(&entry.identity)).unwrap_or(0);
    let owners = entries.iter().map(place).collect();
    (members, owners)
}

fn account(place: usize) -> Address {
    Address::left_padding_from(&(place as u64 + 1).to_be_bytes())
}
