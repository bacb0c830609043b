//! Who offers which records: an honest community, and what an attacker makes of their place in it.

use crate::attribution::labelled::LabelledRecords;
use eyre::Result;
use ndarray::Array2;
use tributary_dataset::partition;

use super::super::task::Task;

/// Test records that calls are made with.
const USAGE: usize = 200;
/// Honest contributors.
pub(super) const CONTRIBUTORS: usize = 40;

/// One record and the identity that offers it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) features: Vec<f64>,
    pub(super) label: usize,
    pub(super) identity: usize,
}

/// An honest community. Entries are in order of commitment, identities `0..CONTRIBUTORS`.
#[derive(Clone, Debug)]
pub(super) struct Community {
    pub(super) entries: Vec<Entry>,
    pub(super) held_out: LabelledRecords,
    /// What buyers ask.
    pub(super) usage: LabelledRecords,
    /// Real records that nobody has offered yet.
    pub(super) unseen: LabelledRecords,
    pub(super) classes: usize,
    /// The largest feature value; the smallest is 0.
    pub(super) largest: f64,
}

impl Community {
    /// The digits, divided by this seed.
    pub(super) fn digits(task: &Task, seed: u64) -> Result<Self> {
        let owners = partition::owners(task.training.labels(), CONTRIBUTORS, seed)?;
        let entries = task.training.features().outer_iter().zip(task.training.labels()).zip(owners);
        let entries =
            entries.map(|((features, label), identity)| Entry { features: features.to_vec(), label: *label, identity });
        let part = |places: std::ops::Range<usize>| task.test.select(&places.collect::<Vec<_>>());
        Ok(Self {
            entries: entries.collect(),
            held_out: task.held_out.clone(),
            usage: part(0..USAGE),
            unseen: part(USAGE..task.test.len()),
            classes: task.classes,
            largest: 16.0,
        })
    }

    /// What one identity offers.
    pub(super) fn of(&self, identity: usize) -> Vec<Entry> {
        self.entries.iter().filter(|entry| entry.identity == identity).cloned().collect()
    }
}

/// Entries as records.
pub(super) fn records(entries: &[Entry]) -> Result<LabelledRecords> {
    let width = entries.first().map_or(0, |entry| entry.features.len());
    let values = entries.iter().flat_map(|entry| entry.features.iter().copied()).collect();
    let features = Array2::from_shape_vec((entries.len(), width), values)?;
    LabelledRecords::new(features, entries.iter().map(|entry| entry.label).collect())
}

/// Records as entries of one identity.
pub(super) fn entries(records: &LabelledRecords, identity: usize) -> Vec<Entry> {
    let all = records.features().outer_iter().zip(records.labels());
    all.map(|(features, label)| Entry { features: features.to_vec(), label: *label, identity }).collect()
}
