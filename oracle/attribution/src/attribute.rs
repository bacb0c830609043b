//! From a trained network and owned records to its contributor table.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use tributary_sdk::{
    Address,
    sketch::Sketch,
    table::{ContributorRow, ContributorTable},
};

use crate::{
    AttributionError, DenseClassifier, LabelledRecords, baseline,
    basis::Basis,
    curvature::{DampedCurvature, gauss_newton},
    gate::{self, GateResult},
    onnx,
    quantise::quantise,
    target,
};

/// The least records behind one row. With fewer, a row says too much about them.
pub const LEAST_RECORDS: usize = 10;

/// Records and, for each, the account that is paid for it.
#[derive(Clone, Debug)]
pub struct OwnedRecords {
    records: LabelledRecords,
    accounts: Vec<Address>,
    /// Per record, its place in `accounts`.
    owners: Vec<usize>,
}

impl OwnedRecords {
    /// Pairs records with their owners, `[n]` each.
    ///
    /// # Errors
    /// [`AttributionError::OwnerCount`], [`AttributionError::NoRecords`].
    pub fn new(records: LabelledRecords, owners: &[Address]) -> Result<Self, AttributionError> {
        if records.len() != owners.len() {
            return Err(AttributionError::OwnerCount { records: records.len(), owners: owners.len() });
        }
        if records.is_empty() {
            return Err(AttributionError::NoRecords("training"));
        }
        let mut places: BTreeMap<Address, usize> = owners.iter().map(|owner| (*owner, 0)).collect();
        places.values_mut().enumerate().for_each(|(place, value)| *value = place);
        let owners = owners.iter().map(|owner| places[owner]).collect();
        Ok(Self { records, accounts: places.into_keys().collect(), owners })
    }

    /// The records.
    pub fn records(&self) -> &LabelledRecords {
        &self.records
    }

    /// Everybody who owns one, ascending: the order of the table's rows.
    pub fn accounts(&self) -> &[Address] {
        &self.accounts
    }

    /// Per record, its owner's place in [`OwnedRecords::accounts`].
    pub fn owners(&self) -> &[usize] {
        &self.owners
    }

    fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.accounts.len()];
        self.owners.iter().for_each(|owner| counts[*owner] += 1);
        counts
    }
}

/// What attribution takes besides data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttributionSettings {
    /// λ. Twice the weight decay is the curvature of half the data, which is what random half-coalitions see.
    pub damping: f64,
    /// N of the training objective's mean, fixed when the snapshot was first trained on.
    pub denominator: usize,
    /// Seed of the gate's bootstrap.
    pub gate_seed: u64,
}

/// An attributed model.
#[derive(Clone, Debug)]
pub struct Attribution {
    network: DenseClassifier,
    basis: Basis,
    /// Unrounded, `[contributors, k]`.
    rows: Array2<f64>,
    table: ContributorTable,
    unit: f64,
    gate: Vec<GateResult>,
}

/// Attributes a network trained to convergence on `training`; `held_out` decides gate and baseline shares.
///
/// # Errors
/// Everything in [`AttributionError`] that is about records, owners or the curvature.
pub fn attribute(
    network: &DenseClassifier,
    training: &OwnedRecords,
    held_out: &LabelledRecords,
    settings: AttributionSettings,
) -> Result<Attribution, AttributionError> {
    network.check(training.records())?;
    network.check(held_out)?;
    if held_out.is_empty() {
        return Err(AttributionError::NoRecords("held-out"));
    }
    let counts = training.counts();
    if let Some(place) = counts.iter().position(|count| (*count as usize) < LEAST_RECORDS) {
        let (account, records) = (training.accounts[place], counts[place] as usize);
        return Err(AttributionError::TooFewRecords { account, records, minimum: LEAST_RECORDS });
    }

    let curvature = gauss_newton(network, training.records(), settings.denominator)?;
    let curvature = DampedCurvature::new(&curvature, settings.damping)?;
    let effects = effects(network, training, settings.denominator)?;
    let basis = Basis::owner(&effects, &curvature)?;
    let unrounded = basis.project(effects.view())?;

    let sketches = sketches(network, &basis, held_out.features().view(), held_out.labels())?;
    let gate = gate::judge(&sketches.dot(&unrounded.t()), &vec![None; held_out.len()], settings.gate_seed)?;
    let baselines = baseline::weights(&gate, &counts);

    let quantised = quantise(&unrounded)?;
    let rows = (training.accounts.iter().zip(counts).zip(&gate).zip(baselines).zip(quantised.values))
        .map(|((((account, records), gate), baseline), values)| ContributorRow {
            account: *account,
            records,
            passes_gate: gate.passes(),
            baseline,
            values,
        })
        .collect();
    let table = ContributorTable::new(basis.width(), rows)?;
    Ok(Attribution { network: network.clone(), basis, rows: unrounded, table, unit: quantised.unit, gate })
}

/// Every contributor's effect on the parameters, `-Σ ∇loss / N`, `[contributors, parameters]`, in the table's order.
///
/// # Errors
/// [`AttributionError::FeatureWidth`], [`AttributionError::Label`].
pub fn effects(
    network: &DenseClassifier,
    training: &OwnedRecords,
    denominator: usize,
) -> Result<Array2<f64>, AttributionError> {
    network.check(training.records())?;
    let trace = network.trace(training.records().features().view())?;
    let errors = target::loss_errors(trace.logits(), training.records().labels());
    let sums = network.reverse(&trace, errors).sum_by(&training.owners, training.accounts.len());
    Ok(sums / -(denominator as f64))
}

fn sketches(
    network: &DenseClassifier,
    basis: &Basis,
    features: ArrayView2<'_, f64>,
    classes: &[usize],
) -> Result<Array2<f64>, AttributionError> {
    let trace = network.trace(features)?;
    let errors = target::margin_errors(trace.logits(), classes);
    Ok(network.reverse(&trace, errors).project(basis.projection.view()))
}

impl Attribution {
    /// The attributed network.
    pub fn network(&self) -> &DenseClassifier {
        &self.network
    }

    /// Curvature scaling and projection.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// Contributor rows before rounding, `[contributors, k]`.
    pub fn rows(&self) -> &Array2<f64> {
        &self.rows
    }

    /// The integer table that is published.
    pub fn table(&self) -> &ContributorTable {
        &self.table
    }

    /// What one unit of the table's values is worth: score × unit × the sketch's scale is margin.
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// How each contributor did at the gate, in the table's order.
    pub fn gate(&self) -> &[GateResult] {
        &self.gate
    }

    /// Sketches `[n, k]` of the served classes, as the graph computes them but in `f64`.
    ///
    /// # Errors
    /// [`AttributionError::FeatureWidth`].
    pub fn sketches(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>, AttributionError> {
        let classes = target::served_classes(&self.network.logits(features)?);
        sketches(&self.network, &self.basis, features, &classes)
    }

    /// Unrounded influence of every contributor on every served margin, `[n, contributors]`.
    ///
    /// # Errors
    /// [`AttributionError::FeatureWidth`].
    pub fn influence(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>, AttributionError> {
        Ok(self.sketches(features)?.dot(&self.rows.t()))
    }

    /// The model as an ONNX file with the outputs `logits` and `sketch`.
    pub fn onnx(&self) -> Vec<u8> {
        onnx::compile(&self.network, &self.basis.projection)
    }

    /// The served classes' sketches as settlement gets them, `[n]`, each with what one unit of its values is worth.
    ///
    /// # Errors
    /// [`AttributionError::FeatureWidth`], [`AttributionError::NotFinite`].
    pub fn integer_sketches(&self, features: ArrayView2<'_, f64>) -> Result<Vec<(Sketch, f64)>, AttributionError> {
        let quantise = |sketch: ArrayView1<'_, f64>| {
            let sketch: Vec<f32> = sketch.iter().map(|value| *value as f32).collect();
            let largest = sketch.iter().fold(0f64, |largest, value| largest.max(f64::from(value.abs())));
            let quantised = Sketch::quantise(&sketch).map_err(|_| AttributionError::NotFinite("a sketch"))?;
            Ok((quantised, largest / f64::from(i16::MAX)))
        };
        self.sketches(features)?.outer_iter().map(quantise).collect()
    }

    /// Influence totals over a batch along the integer path that settlement takes: every sketch rounded to 16 bits,
    /// multiplied with the integer table, and scaled back to margins, `[contributors]`.
    ///
    /// # Errors
    /// [`AttributionError::FeatureWidth`], [`AttributionError::NotFinite`], [`AttributionError::Table`].
    pub fn integer_totals(&self, features: ArrayView2<'_, f64>) -> Result<Array1<f64>, AttributionError> {
        let mut totals = Array1::zeros(self.table.rows().len());
        for (sketch, unit) in self.integer_sketches(features)? {
            for (total, score) in totals.iter_mut().zip(self.table.scores(&sketch)?) {
                *total += score as f64 * unit * self.unit;
            }
        }
        Ok(totals)
    }
}
