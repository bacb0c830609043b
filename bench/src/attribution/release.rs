//! A release as the product makes it: everything here is computed by what the factory and the host run.

use std::sync::Mutex;

use eyre::{Result, eyre};
use ndarray::Array2;
use tributary_attribution::{
    Attribution, AttributionSettings, CurvatureKind, Directions, HeldOut, OwnedRecords, attribute_checkpoints,
    features::usual_expectation,
    gradient::Layers,
    graph::Graph,
    sketches::{Sketches, quantised, settled_scores},
    targets::Target,
};
use tributary_runtime::SessionOptions;
use tributary_sdk::{Address, sketch::Sketch, table::ContributorTable};

use super::{
    labelled::LabelledRecords,
    subject::{Model, Subject},
};

/// Seed of the gate's bootstrap.
const GATE_SEED: u64 = 1;

/// An attributed model.
pub(super) struct Release {
    attribution: Attribution,
    /// The graph that serves.
    sketches: Mutex<Sketches>,
}

impl Release {
    /// Attributes the first of `models`, each trained by `subject` on `training`, to `owners`, one a record.
    pub(super) fn new(
        models: &[&dyn Model],
        subject: &dyn Subject,
        training: &LabelledRecords,
        owners: &[usize],
        held_out: &LabelledRecords,
        directions: Directions,
    ) -> Result<Self> {
        let accounts: Vec<Address> = owners.iter().map(|owner| account(*owner)).collect();
        let classes = training.labels().iter().max().map_or(0, |largest| largest + 1);
        let settings = AttributionSettings {
            target: Target::Margin,
            layers: Layers::All,
            damping: Some(subject.damping(training.len())),
            denominator: training.len(),
            expectation: usual_expectation(Target::Margin, classes, GATE_SEED),
            curvature: CurvatureKind::BySize,
            directions,
            gate_seed: GATE_SEED,
            threads: 1,
        };
        let owned = OwnedRecords::new(training.to_records()?, &accounts)?;
        let held_out = HeldOut::apart(held_out.to_records()?);
        let graphs = models.iter().map(|model| model.graph()).collect::<Result<Vec<_>>>()?;
        let graphs: Vec<&Graph> = graphs.iter().collect();
        let attribution = attribute_checkpoints(subject.runtime(), &graphs, &owned, &held_out, &settings, |_| ())?;
        let sketches = Sketches::open(subject.runtime(), attribution.graph(), &SessionOptions::default())?;
        Ok(Self { attribution, sketches: Mutex::new(sketches) })
    }

    pub(super) fn attribution(&self) -> &Attribution {
        &self.attribution
    }

    pub(super) fn table(&self) -> &ContributorTable {
        self.attribution.table()
    }

    /// What the served graph gives for records, `[n, k]`.
    pub(super) fn served(&self, asked: &LabelledRecords) -> Result<Array2<f32>> {
        let mut sketches = self.sketches.lock().map_err(|_| eyre!("a thread panicked"))?;
        Ok(sketches.served(&asked.to_records()?)?)
    }

    /// Sketches as receipts carry them.
    pub(super) fn receipts(&self, asked: &LabelledRecords) -> Result<Vec<Sketch>> {
        Ok(quantised(self.served(asked)?.view())?.into_iter().map(|(sketch, _)| sketch).collect())
    }

    /// Scores as settlement computes them, `[queries, contributors]`, in units that differ from query to query.
    pub(super) fn scores(&self, asked: &LabelledRecords) -> Result<Array2<f64>> {
        Ok(settled_scores(self.served(asked)?.view(), self.table())?)
    }
}

/// Accounts ascend with whom they stand for.
pub(super) fn account(owner: usize) -> Address {
    Address::left_padding_from(&(owner as u64 + 1).to_be_bytes())
}
