//! Ways to score, all from the same evidence. A score is an entry of `[queries, units]`; positive means that the unit
//! raised the margin.

use eyre::Result;
use ndarray::{Array1, Array2, Axis, Slice, concatenate};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    basis::Basis,
    curvature::DampedCurvature,
    rows::{RecordRows, Ridge, distil, newton_effect},
};
use tributary_sdk::sketch::Sketch;

use super::{
    ek_fac,
    evidence::{Evidence, by_owner},
    normal::normal,
    quantise::quantise,
    subject::Model,
    task::Task,
};

const PROJECTION_SEED: u64 = 14;

/// What a method says.
#[derive(Debug)]
pub(super) struct Scores {
    /// `[queries, n]`, where the method scores records.
    pub(super) records: Option<Array2<f64>>,
    /// `[queries, contributors]`.
    pub(super) contributors: Array2<f64>,
    /// What is kept of a record; of a contributor where records are not scored.
    pub(super) bytes: usize,
}

impl Scores {
    /// Contributors get the sums of their records' scores.
    fn summed(records: Array2<f64>, evidence: &Evidence, bytes: usize) -> Self {
        let contributors = by_owner(&records.t().to_owned(), &evidence.owners, evidence.contributors);
        Self { contributors: contributors.reversed_axes(), records: Some(records), bytes }
    }
}

/// Exact damped Gauss-Newton influence.
pub(super) fn exact(evidence: &Evidence, curvature: &DampedCurvature) -> Scores {
    let scores = curvature.solve(&evidence.queries).dot(&evidence.records.t());
    Scores::summed(scores, evidence, 4 * evidence.records.ncols())
}

/// The same over the last layer's parameters alone.
pub(super) fn last_layer(evidence: &Evidence, damping: f64) -> Result<Scores> {
    let layer = Slice::from(evidence.last_layer.clone());
    let of = |matrix: &Array2<f64>| matrix.slice_axis(Axis(1), layer).to_owned();
    let curvature = of(&evidence.curvature).slice_axis(Axis(0), layer).to_owned();
    let (queries, records) = (of(&evidence.queries), of(&evidence.records));
    let solved = DampedCurvature::new(&curvature, damping)?.solve(&queries);
    Ok(Scores::summed(solved.dot(&records.t()), evidence, 4 * records.ncols()))
}

/// Gradients multiplied as they are.
pub(super) fn gradient_dot_product(evidence: &Evidence) -> Scores {
    Scores::summed(evidence.queries.dot(&evidence.records.t()), evidence, 4 * evidence.records.ncols())
}

/// Influence within a random subspace: gradients and curvature projected by a seeded normal matrix `[p, k]`.
pub(super) fn random_projection(evidence: &Evidence, damping: f64, k: usize) -> Result<Scores> {
    let mut rng = ChaCha8Rng::seed_from_u64(PROJECTION_SEED);
    let deviation = (1.0 / k as f64).sqrt();
    let projection = Array2::from_shape_simple_fn((evidence.records.ncols(), k), || deviation * normal(&mut rng));
    let curvature = projection.t().dot(&evidence.curvature.dot(&projection));
    let solved = DampedCurvature::new(&curvature, damping)?.solve(&evidence.queries.dot(&projection));
    Ok(Scores::summed(solved.dot(&evidence.records.dot(&projection).t()), evidence, 4 * k))
}

/// Curvature layer by layer.
pub(super) fn ek_fac(
    evidence: &Evidence,
    damping: f64,
    model: &dyn Model,
    task: &Task,
    classes: &[usize],
) -> Result<Scores> {
    let scores = ek_fac::scores(model, task, classes, damping)?;
    Ok(Scores::summed(scores, evidence, 4 * evidence.records.ncols()))
}

/// Everybody's records count alike, whatever is asked.
pub(super) fn record_counts(evidence: &Evidence) -> Scores {
    let mut counts = Array1::zeros(evidence.contributors);
    evidence.owners.iter().for_each(|owner| counts[*owner] += 1.0);
    let contributors = counts.broadcast((evidence.queries.nrows(), counts.len())).map(|all| all.to_owned());
    Scores { records: None, contributors: contributors.unwrap_or_default(), bytes: 4 }
}

/// Every contributor left out by a Newton step, with their own curvature taken away too.
pub(super) fn newton(
    evidence: &Evidence,
    curvature: &DampedCurvature,
    model: &dyn Model,
    task: &Task,
) -> Result<Scores> {
    let mut effects = evidence.contributors();
    for (contributor, mut effect) in effects.outer_iter_mut().enumerate() {
        let owned = |place: &usize| evidence.owners.get(*place) == Some(&contributor);
        let own = task.training.select(&(0..task.training.len()).filter(owned).collect::<Vec<_>>());
        let weights = model.fisher_weights(&own, task.training.len())?;
        let of_class = |class: usize| model.margin_gradients(own.features().view(), &vec![class; own.len()]);
        let gradients = (0..weights.ncols()).map(of_class).collect::<Result<Vec<_>>>()?;
        let gradients: Vec<_> = gradients.iter().map(|gradients| gradients.view()).collect();
        let weights: Array1<f64> = weights.t().iter().copied().collect();
        let gradients = concatenate(Axis(0), &gradients)?;
        let step = newton_effect(curvature, gradients.view(), weights.view(), effect.view())?;
        effect.assign(&step.effect);
    }
    let contributors = evidence.queries.dot(&curvature.solve(&effects).t());
    Ok(Scores { records: None, contributors, bytes: 4 * effects.ncols() })
}

/// A basis with records as int8 mantissas and a power of two each, contributors as their exact integer sums.
pub(super) fn records_in(evidence: &Evidence, basis: &Basis) -> Result<Scores> {
    let rows = basis.project(evidence.records.view())?;
    let rows = RecordRows::quantise(rows.view(), &evidence.owners, evidence.contributors, i32::MAX)?;
    let contributors = settled(evidence, basis, &rows.contributors)?;
    let width = rows.records.width();
    let scaled = rows.records.shifts().iter().zip(rows.records.mantissas().chunks_exact(width));
    let values = scaled.flat_map(|(shift, row)| row.iter().map(|value| f64::from(*value) * f64::from(1u32 << *shift)));
    let records = Array2::from_shape_vec((rows.records.len(), width), values.collect())?;
    let records = basis.project(evidence.queries.view())?.dot(&records.t());
    Ok(Scores { records: Some(records), contributors, bytes: width + 1 })
}

/// Distilled rows in a basis, along settlement's path. `sketched` are the training records' margin gradients `[n, p]`,
/// `averaged` what checkpoints say there, `[n, contributors]`.
pub(super) fn distilled(
    evidence: &Evidence,
    basis: &Basis,
    sketched: &Array2<f64>,
    averaged: &Array2<f64>,
) -> Result<Scores> {
    let first_order = basis.project(evidence.contributors().view())?;
    let sketches = basis.project(sketched.view())?;
    let rows = distil(sketches.view(), averaged.view(), first_order.view(), Ridge::Validated)?.rows;
    let contributors = settled(evidence, basis, &quantise(&rows)?.values)?;
    Ok(Scores { records: None, contributors, bytes: 4 * basis.width() })
}

/// Scores as settlement computes them, `[queries, contributors]`, in units that differ from query to query.
fn settled(evidence: &Evidence, basis: &Basis, rows: &[Vec<i32>]) -> Result<Array2<f64>> {
    let sketches = basis.project(evidence.queries.view())?;
    let mut scores = Array2::zeros((sketches.nrows(), rows.len()));
    for (sketch, mut scores) in sketches.outer_iter().zip(scores.outer_iter_mut()) {
        let sketch = Sketch::quantise(&sketch.mapv(|value| value as f32).to_vec())?;
        for (row, score) in rows.iter().zip(&mut scores) {
            let products = row.iter().zip(sketch.values()).map(|(row, value)| i64::from(*row) * i64::from(*value));
            *score = products.sum::<i64>() as f64;
        }
    }
    Ok(scores)
}
