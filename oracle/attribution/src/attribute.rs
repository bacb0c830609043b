//! From a trained model and owned records to a served graph and its contributor table.

use ndarray::{Array1, Array2, Axis, Slice, concatenate};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{
    Address,
    table::{ContributorRow, ContributorTable},
};

use crate::{
    AttributionError, HeldOut, OwnedRecords, baseline,
    basis::{Basis, MOST_CONTRIBUTORS, Ranks},
    compile::{Checkpoint, attributed_output, compile},
    curvature::{DampedCurvature, MOST_FEATURES, classes::Expectation},
    features::{self, Features, Reduction},
    gate::{self, GateResult},
    gradient::{self, GradientError, Layers},
    graph::{Builder, Graph},
    onnx,
    pool::Pooled,
    records::Records,
    rows::RecordRows,
    sketches::Sketches,
    targets::{self, Target},
};

/// The least records behind one row. With fewer, a row says too much about them: such contributors share one, each with
/// a part by records.
pub use tributary_sdk::records::LEAST_RECORDS;

/// What attribution takes besides a model and data.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributionSettings {
    /// What is attributed.
    pub target: Target,
    /// Whose parameters' gradients count.
    pub layers: Layers,
    /// λ. Twice the weight decay is the curvature of half the data, which is what random half-coalitions see. Without it
    /// [`DAMPING_SHARE`] of the curvature's mean eigenvalue.
    pub damping: Option<f64>,
    /// N of the training objective's mean, fixed when the snapshot was first trained on.
    pub denominator: usize,
    /// How the curvature's expectation over the model's own answers is taken.
    pub expectation: Expectation,
    /// Which curvature.
    pub curvature: CurvatureKind,
    /// In which directions sketches are written.
    pub directions: Directions,
    /// Seed of the gate's bootstrap.
    pub gate_seed: u64,
    /// Threads ONNX Runtime may use.
    pub threads: usize,
}

/// Which curvature is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurvatureKind {
    /// Exact up to [`MOST_FEATURES`] parameters, Kronecker-factored above.
    BySize,
    /// Exact, or refused.
    Exact,
    /// In the Kronecker eigenbasis of each layer, cut to this many features, exact among those.
    Kronecker {
        /// The most features that are kept.
        features: usize,
    },
}

/// In which directions sketches are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// The contributors' own up to [`MOST_CONTRIBUTORS`], the curvature's above.
    BySize,
    /// The contributors' own: nothing is lost.
    Owner,
    /// The curvature's leading ones, and what contributors' rows have beside them.
    Eigen {
        /// Numbers in a sketch.
        rank: usize,
    },
}

/// λ as a share of the curvature's mean eigenvalue, where nothing is known of the training (Grosse et al., 2023, and
/// kronfluence take this share too).
pub const DAMPING_SHARE: f64 = 0.1;
/// Features that are kept of a model too large for its exact curvature, where nobody said otherwise.
pub const KRONECKER_FEATURES: usize = 2_048;
/// Numbers in a sketch where nobody said otherwise.
pub const RANK: usize = 256;

/// A stage of attribution, for whoever shows progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Factors of each layer are measured.
    Factors,
    /// The curvature is summed over records and answers.
    Curvature,
    /// Contributors' effects are summed.
    Effects,
    /// Matrices are factorised.
    Directions,
    /// Rows are written.
    Rows,
    /// Held-out records are looked at.
    Gate,
}

/// An attributed model.
#[derive(Clone, Debug)]
pub struct Attribution {
    graph: Graph,
    parameters: Vec<String>,
    basis: Basis,
    rows: Array2<f64>,
    records: RecordRows,
    table: ContributorTable,
    unit: f64,
    gate: Vec<GateResult>,
    reduced: bool,
    damping: f64,
}

/// Attributes a model trained on `training`; `held_out` decides gate and baseline shares.
///
/// # Errors
/// Everything in [`AttributionError`] that is about models, records, owners or the curvature.
pub fn attribute(
    runtime: &OnnxRuntime,
    model: &Graph,
    training: &OwnedRecords,
    held_out: &HeldOut,
    settings: &AttributionSettings,
    on_stage: impl FnMut(Stage),
) -> Result<Attribution, AttributionError> {
    attribute_checkpoints(runtime, &[model], training, held_out, settings, on_stage)
}

/// Attributes the first of several checkpoints of one training, such as the model that is served and others from the way
/// to it or from other starts. A score is the mean of the checkpoints' scores of what the first one answers; sketch and
/// rows hold a part for each.
///
/// # Errors
/// As [`attribute()`]; [`AttributionError::Graph`] for checkpoints with other inputs.
pub fn attribute_checkpoints(
    runtime: &OnnxRuntime,
    checkpoints: &[&Graph],
    training: &OwnedRecords,
    held_out: &HeldOut,
    settings: &AttributionSettings,
    mut on_stage: impl FnMut(Stage),
) -> Result<Attribution, AttributionError> {
    if held_out.records.is_empty() {
        return Err(AttributionError::NoRecords("held-out"));
    }
    let pooled = Pooled::new(training, LEAST_RECORDS)?;
    let (everybody, training) = (training, &*pooled.training);
    let counts = training.counts();
    let mut measured = Vec::with_capacity(checkpoints.len());
    for model in checkpoints {
        let parameters = attributed(model, settings.target, &settings.layers)?;
        let setting = Setting { runtime, model, parameters, settings };
        measured.push(setting.measure(training, held_out, checkpoints.len(), &mut on_stage)?);
    }

    on_stage(Stage::Rows);
    let parts: Vec<Checkpoint<'_>> = measured.iter().map(Measured::checkpoint).collect();
    let graph = compile(&parts, settings.target)?;
    let record_rows = effects_of_records(&mut measured, training.records(), settings.denominator)?;
    let integers = RecordRows::quantise(record_rows.view(), training.owners(), counts.len(), i32::MAX)?;

    on_stage(Stage::Gate);
    let sketches = match settings.target {
        // A regression's target has no right direction: what helps is what lowers the loss.
        Target::Regression => effects_of_records(&mut measured, &held_out.records, 1)?,
        _ => Sketches::open(runtime, &graph, &settings.options())?.of_labels(&held_out.records)?,
    };
    let unrounded: Vec<Array2<f64>> =
        measured.iter().map(|measured| measured.effects.dot(&measured.projection)).collect();
    let unrounded = beside(&unrounded)?;
    let supplier = |account: &Option<Address>| {
        let place = everybody.accounts().binary_search(&(*account)?).ok()?;
        Some(pooled.row(place))
    };
    let suppliers: Vec<Option<usize>> = held_out.suppliers.iter().map(supplier).collect();
    let gate = gate::judge(&sketches.mapv(f64::from).dot(&unrounded.t()), &suppliers, settings.gate_seed)?;
    let baselines = baseline::weights(&gate, &counts);

    let baselines = pooled.weights(&baselines);
    let (gate, values) = (pooled.judged(&gate), pooled.values(&integers.contributors));
    let places: Vec<usize> = (0..everybody.accounts().len()).map(|place| pooled.row(place)).collect();
    let shares = Array1::from(pooled.shares()).insert_axis(Axis(1));
    let unrounded = unrounded.select(Axis(0), &places) * &shares;
    let rows = (everybody.accounts().iter().zip(everybody.counts()).zip(&gate).zip(baselines).zip(values))
        .map(|((((account, records), gate), baseline), values)| ContributorRow {
            account: *account,
            records,
            passes_gate: gate.passes(),
            baseline,
            values,
        })
        .collect();
    let bases: Vec<Basis> = measured.iter().map(|measured| measured.basis.clone()).collect();
    let basis = match bases.as_slice() {
        [basis] => basis.clone(),
        bases => Basis::concatenate(bases)?,
    };
    let Some(served) = measured.into_iter().next() else { return Err(AttributionError::NoRecords("checkpoints'")) };
    Ok(Attribution {
        graph,
        parameters: served.parameters,
        table: ContributorTable::new(basis.width(), rows)?,
        unit: integers.records.unit(),
        records: integers.records,
        basis,
        rows: unrounded,
        gate,
        reduced: !served.reduction.is_empty(),
        damping: served.damping,
    })
}

impl Directions {
    /// Numbers in a sketch, or none where the contributors' own directions are taken.
    fn rank(self, contributors: usize) -> Option<usize> {
        match self {
            Self::Owner => None,
            Self::Eigen { rank } => Some(rank),
            Self::BySize => (contributors > MOST_CONTRIBUTORS).then_some(RANK),
        }
    }
}

/// Whose gradients count. Of all weights those that the attributed output does not depend on are left out; one that was
/// named and has no influence is an error.
///
/// # Errors
/// [`AttributionError::Gradient`], [`AttributionError::NoOutput`].
pub fn attributed(model: &Graph, target: Target, layers: &Layers) -> Result<Vec<String>, AttributionError> {
    let mut parameters = gradient::select(model, layers)?;
    if *layers != Layers::All {
        return Ok(parameters);
    }
    let output = attributed_output(model)?;
    loop {
        let mut builder = Builder::extend(model.clone())?;
        let seed = targets::serve(&mut builder, target, &output, None)?;
        match gradient::reverse(&mut builder, &[(&output, &seed.cotangent)], &parameters) {
            Err(GradientError::Unreached { parameter }) => parameters.retain(|name| *name != parameter),
            _ => break,
        }
    }
    match parameters.is_empty() {
        true => Err(GradientError::NoLayer.into()),
        false => Ok(parameters),
    }
}

struct Setting<'a> {
    runtime: &'a OnnxRuntime,
    model: &'a Graph,
    parameters: Vec<String>,
    settings: &'a AttributionSettings,
}

/// What one checkpoint adds.
struct Measured<'a> {
    model: &'a Graph,
    parameters: Vec<String>,
    reduction: Reduction,
    features: Features,
    basis: Basis,
    damping: f64,
    /// `[contributors, features]`.
    effects: Array2<f64>,
    /// The basis's, scaled so that a score is the mean over checkpoints: sketch and row both carry the scale.
    projection: Array2<f64>,
}

impl Measured<'_> {
    fn checkpoint(&self) -> Checkpoint<'_> {
        let Self { model, parameters, reduction, projection, .. } = self;
        Checkpoint { model, parameters, reduction, projection }
    }
}

impl AttributionSettings {
    fn options(&self) -> SessionOptions {
        SessionOptions { threads: self.threads, ..SessionOptions::default() }
    }
}

impl<'a> Setting<'a> {
    /// One of `checkpoints` in all.
    fn measure(
        self,
        training: &OwnedRecords,
        held_out: &HeldOut,
        checkpoints: usize,
        on_stage: &mut impl FnMut(Stage),
    ) -> Result<Measured<'a>, AttributionError> {
        let settings = self.settings;
        on_stage(Stage::Factors);
        let reduction = self.reduction(training.records())?;
        let mut features = self.features(&reduction)?;
        features.check(held_out.records.labels())?;
        on_stage(Stage::Curvature);
        let curvature =
            features::gauss_newton(&mut features, training.records(), settings.denominator, settings.expectation)?;
        let mean = curvature.diag().sum() / curvature.nrows().max(1) as f64;
        let damping = settings.damping.unwrap_or(DAMPING_SHARE * mean);
        let damped = DampedCurvature::new(&curvature, damping)?;
        on_stage(Stage::Effects);
        let effects = effects(&mut features, training, settings.denominator)?;
        on_stage(Stage::Directions);
        let basis = match settings.directions.rank(training.accounts().len()) {
            None => Basis::owner(&effects, &damped)?,
            Some(rank) => Basis::eigen(&curvature, &effects, &damped, Ranks::split((rank / checkpoints).max(1)))?,
        };
        let projection = &basis.projection / (checkpoints as f64).sqrt();
        let Self { model, parameters, .. } = self;
        Ok(Measured { model, parameters, reduction, features, basis, damping, effects, projection })
    }

    fn features(&self, reduction: &Reduction) -> Result<Features, AttributionError> {
        let target = self.settings.target;
        Features::open(self.runtime, self.model, target, &self.parameters, reduction, &self.settings.options())
    }

    fn reduction(&self, records: &Records) -> Result<Reduction, AttributionError> {
        let numbers: usize = (self.parameters.iter())
            .filter_map(|parameter| self.model.constants.get(parameter))
            .map(crate::graph::Tensor::len)
            .sum();
        let features = match self.settings.curvature {
            CurvatureKind::BySize | CurvatureKind::Exact if numbers <= MOST_FEATURES => return Ok(Reduction::new()),
            CurvatureKind::Exact => {
                return Err(AttributionError::Features { found: numbers, limit: MOST_FEATURES });
            }
            CurvatureKind::BySize => KRONECKER_FEATURES,
            CurvatureKind::Kronecker { features } => features,
        };
        let Self { runtime, model, parameters, settings } = self;
        let (denominator, expectation) = (settings.denominator, settings.expectation);
        features::kronecker_reduction(
            runtime,
            model,
            settings.target,
            parameters,
            records,
            denominator,
            expectation,
            features,
            &settings.options(),
        )
    }
}

/// Every contributor's effect on the parameters in features, `-Σ ∇loss / N`, `[contributors, features]`, in the order of
/// the accounts.
///
/// # Errors
/// As [`Features::run`].
pub fn effects(
    features: &mut Features,
    training: &OwnedRecords,
    denominator: usize,
) -> Result<Array2<f64>, AttributionError> {
    let mut sums = Array2::zeros((training.accounts().len(), features.width()));
    for (start, block) in training.records().blocks(features.block()) {
        let pass = features.run(&block)?;
        for (row, owner) in pass.features.outer_iter().zip(&training.owners()[start..]) {
            sums.row_mut(*owner).zip_mut_with(&row, |sum, value| *sum += f64::from(*value));
        }
    }
    Ok(sums / -(denominator as f64))
}

/// Every record's effect in the bases, `[n, k]`.
fn effects_of_records(
    measured: &mut [Measured<'_>],
    records: &Records,
    denominator: usize,
) -> Result<Array2<f32>, AttributionError> {
    let mut parts = Vec::with_capacity(measured.len());
    for Measured { features, projection, .. } in measured {
        let mut rows = Array2::zeros((records.len(), projection.ncols()));
        for (start, block) in records.blocks(features.block()) {
            let pass = features.run(&block)?;
            let projected = pass.features.mapv(f64::from).dot(projection) / -(denominator as f64);
            let end = start + block.len();
            rows.slice_axis_mut(Axis(0), Slice::from(start..end)).assign(&projected.mapv(|value| value as f32));
        }
        parts.push(rows);
    }
    beside(&parts)
}

/// Matrices of as many rows side by side.
fn beside<T: Clone>(parts: &[Array2<T>]) -> Result<Array2<T>, AttributionError> {
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    concatenate(Axis(1), &views).map_err(|_| AttributionError::NoRecords("checkpoints'"))
}

impl Attribution {
    /// The model with its sketch.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The model with its sketch as an ONNX file.
    pub fn onnx(&self) -> Vec<u8> {
        onnx::encode(&self.graph)
    }

    /// Whose gradients count, in the order of the features.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// Whether the curvature was exact in the whole gradient, rather than among leading Kronecker directions.
    pub fn is_exact(&self) -> bool {
        !self.reduced
    }

    /// λ.
    pub fn damping(&self) -> f64 {
        self.damping
    }

    /// Projection and directions.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// Unrounded contributor rows, `[contributors, k]`, in the table's order.
    pub fn rows(&self) -> &Array2<f64> {
        &self.rows
    }

    /// Record rows, in the training records' order; those of a contributor add up to the contributor's row exactly.
    pub fn records(&self) -> &RecordRows {
        &self.records
    }

    /// The integer table that is published.
    pub fn table(&self) -> &ContributorTable {
        &self.table
    }

    /// What one unit of the table's values is worth: score × unit × the sketch's scale is the target's unit.
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// How each contributor did at the gate, in the table's order.
    pub fn gate(&self) -> &[GateResult] {
        &self.gate
    }
}
