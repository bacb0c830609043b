//! Ways to score, all from the same evidence. A score is an entry of `[queries, units]`; positive means that the unit
//! raised the margin.

use eyre::{Result, eyre};
use faer::{Mat, Side};
use ndarray::{Array1, Array2, Axis, Slice};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{basis::OwnerBasis, curvature::DampedCurvature, quantise::quantise};
use tributary_sdk::sketch::Sketch;

use super::{
    dense::normal,
    evidence::{Evidence, by_owner},
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
pub(super) fn exact(evidence: &Evidence, damping: f64) -> Result<Scores> {
    let solved = DampedCurvature::new(&evidence.curvature, damping)?.solve(&evidence.queries);
    Ok(Scores::summed(solved.dot(&evidence.records.t()), evidence, 4 * evidence.records.ncols()))
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

/// Everybody's records count alike, whatever is asked.
pub(super) fn record_counts(evidence: &Evidence) -> Scores {
    let mut counts = Array1::zeros(evidence.contributors);
    evidence.owners.iter().for_each(|owner| counts[*owner] += 1.0);
    let contributors = counts.broadcast((evidence.queries.nrows(), counts.len())).map(|all| all.to_owned());
    Scores { records: None, contributors: contributors.unwrap_or_default(), bytes: 4 }
}

/// The owner basis along settlement's path: rows of 20 bits, sketches of 16, integer products.
pub(super) fn owner_basis(evidence: &Evidence, damping: f64) -> Result<Scores> {
    let curvature = DampedCurvature::new(&evidence.curvature, damping)?;
    let basis = OwnerBasis::new(&evidence.contributors(), &curvature)?;
    let contributors = integer_scores(&evidence.queries.dot(&basis.projection), &basis.rows)?;
    Ok(Scores { records: None, contributors, bytes: 4 * basis.width() })
}

/// The directions of most curvature, scaled by it: `[p, k]`, so that a sketch times a sketch is a score.
pub(super) fn eigenbasis(curvature: &Array2<f64>, damping: f64, k: usize) -> Result<Array2<f64>> {
    let p = curvature.nrows();
    let matrix = Mat::from_fn(p, p, |i, j| curvature[[i, j]]);
    let eigen = matrix.self_adjoint_eigen(Side::Lower).map_err(|_| eyre!("the curvature has no eigenvectors"))?;
    let (values, vectors) = (eigen.S(), eigen.U());
    // faer orders them ascending.
    Ok(Array2::from_shape_fn((p, k.min(p)), |(i, j)| {
        let place = p - 1 - j;
        vectors[(i, place)] / (values[place].max(0.0) + damping).sqrt()
    }))
}

/// Influence within a basis, records as int8 mantissas with a power of two, contributors as sums of them in 20 bits.
pub(super) fn in_basis(evidence: &Evidence, basis: &Array2<f64>) -> Result<Scores> {
    let sketches = evidence.queries.dot(basis);
    let records = evidence.records.dot(basis);
    let contributors = integer_scores(&sketches, &by_owner(&records, &evidence.owners, evidence.contributors))?;
    let records = sketches.dot(&eight_bits(records).t());
    Ok(Scores { records: Some(records), contributors, bytes: basis.ncols() + 1 })
}

/// Rows rounded to int8 mantissas with one power of two each.
fn eight_bits(mut rows: Array2<f64>) -> Array2<f64> {
    for mut row in rows.outer_iter_mut() {
        let largest = row.iter().fold(0f64, |largest, value| largest.max(value.abs()));
        if largest > 0.0 {
            let unit = (largest / 127.0).log2().ceil().exp2();
            row.mapv_inplace(|value| (value / unit).round() * unit);
        }
    }
    rows
}

/// Scores along settlement's path, `[queries, contributors]`, in units that differ from query to query.
pub(super) fn integer_scores(sketches: &Array2<f64>, rows: &Array2<f64>) -> Result<Array2<f64>> {
    let rows = quantise(rows)?.values;
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
