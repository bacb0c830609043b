//! Distilled rows: contributor rows fitted to scores averaged over models that were really trained on half-coalitions.
//!
//! At every checkpoint, a model trained on a random half of the contributors, every contributor's influence is computed
//! exactly. The mean over checkpoints is what a contributor's data does to half-coalitions, which one model shows only to
//! first order. Rows in the release's basis are then moved, by ridge regression over the training records, towards these
//! means; how far is decided by cross-validation among those records, never on the truth.

use eyre::{Result, ensure};
use ndarray::{Array2, Axis};
use tributary_attribution::curvature::DampedCurvature;

use super::{
    evidence::{by_owner, served},
    method::{Scores, integer_scores},
    subject::{Model, Subject},
    task::Task,
    truth::Trials,
};

/// Seed of the half-coalitions that checkpoints are trained on; truth uses another.
const CHECKPOINT_SEED: u64 = 21;
const FOLDS: usize = 5;
/// Ridge as multiples of the mean square of a sketch entry, times the records.
const RIDGES: [f64; 8] = [1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 10.0];

/// Mean over checkpoints of the contributors' influence at every training record's served margin, `[n, contributors]`,
/// and at the queries' margins of `classes`, `[queries, contributors]`.
pub(super) struct Averaged {
    pub(super) at_records: Array2<f64>,
    pub(super) at_queries: Array2<f64>,
}

impl Averaged {
    /// Trains and attributes the checkpoints.
    pub(super) fn new(
        task: &Task,
        subject: &dyn Subject,
        release: &dyn Model,
        classes: &[usize],
        checkpoints: usize,
        seed: u64,
    ) -> Result<Self> {
        let served = served(release, &task.training)?;
        let denominator = task.training.len();
        let trials = Trials::checkpoints(task, checkpoints, CHECKPOINT_SEED);
        let zeros = |rows| [0; 2].map(|_| Array2::<f64>::zeros((rows, task.contributors)));
        let (mut at_records, mut at_queries) = (zeros(task.training.len()), zeros(classes.len()));
        for (m, (places, kept)) in trials.places().iter().zip(&trials.kept).enumerate() {
            let half = task.training.select(places);
            let model = subject.train(&half, denominator, seed + m as u64)?;
            // The curvature of half the data is half as large: damping stays in proportion.
            let curvature = model.curvature(&half, denominator)?;
            let curvature = DampedCurvature::new(&curvature, subject.weight_decay())?;
            let effects = model.loss_gradients(&task.training)? / -(denominator as f64);
            let solved = curvature.solve(&by_owner(&effects, &task.owners, task.contributors));
            let influence = |features, classes: &[usize]| -> Result<Array2<f64>> {
                Ok(model.margin_gradients(features, classes)?.dot(&solved.t()))
            };
            let r = influence(task.training.features().view(), &served)?;
            let q = influence(task.queries.features().view(), classes)?;
            for c in 0..task.contributors {
                let side = usize::from(kept[c]);
                at_records[side].column_mut(c).scaled_add(1.0, &r.column(c));
                at_queries[side].column_mut(c).scaled_add(1.0, &q.column(c));
            }
        }
        let share = 2.0 / checkpoints.max(1) as f64;
        let norm = |m: &Array2<f64>, c: usize| m.column(c).dot(&m.column(c)).sqrt();
        let ratio: Vec<f64> = (0..task.contributors).map(|c| norm(&at_records[1], c) / norm(&at_records[0], c)).collect();
        println!("ratios {:?}", ratio.iter().map(|r| (r * 100.0) as i32).collect::<Vec<_>>());
        let pow: f64 = std::env::var("POW").ok().and_then(|v| v.parse().ok()).unwrap_or(0.5);
        let inw: f64 = std::env::var("INW").ok().and_then(|v| v.parse().ok()).unwrap_or(1.0);
        let join = |m: &[Array2<f64>; 2]| {
            let mut j = Array2::zeros(m[0].raw_dim());
            for c in 0..task.contributors {
                j.column_mut(c).scaled_add((1.0 - inw / 2.0) * share * ratio[c].powf(pow), &m[0].column(c));
                j.column_mut(c).scaled_add((inw / 2.0) * share * ratio[c].powf(-pow), &m[1].column(c));
            }
            j
        };
        Ok(Self { at_records: join(&at_records), at_queries: join(&at_queries) })
    }
}

/// Rows `[contributors, k]` fitted to what checkpoints say at the training records, starting from first-order `rows`.
/// `sketches` are those of the training records' served margins, `[n, k]`.
pub(super) fn rows(sketches: &Array2<f64>, rows: &Array2<f64>, averaged: &Array2<f64>) -> Result<(Array2<f64>, f64)> {
    let n = sketches.nrows();
    ensure!(n >= FOLDS, "too few records to fit rows to");
    let missing = averaged - &sketches.dot(&rows.t());
    let scale = sketches.iter().map(|value| value * value).sum::<f64>() / sketches.ncols() as f64;
    let fit = |places: &[usize], ridge: f64| -> Result<Array2<f64>> {
        let sketches = sketches.select(Axis(0), places);
        let missing = missing.select(Axis(0), places);
        let squares = sketches.t().dot(&sketches);
        let share = places.len() as f64 / n as f64;
        Ok(DampedCurvature::new(&squares, ridge * scale * share)?.solve(&missing.t().dot(&sketches)))
    };
    let mut best = (f64::INFINITY, RIDGES[0]);
    for ridge in RIDGES {
        let mut error = 0.0;
        for fold in 0..FOLDS {
            let (inside, outside): (Vec<usize>, Vec<usize>) = (0..n).partition(|record| record % FOLDS == fold);
            let fitted = sketches.select(Axis(0), &inside).dot(&fit(&outside, ridge)?.t());
            error += (missing.select(Axis(0), &inside) - fitted).iter().map(|d| d * d).sum::<f64>();
        }
        if error < best.0 {
            best = (error, ridge);
        }
    }
    let all: Vec<usize> = (0..n).collect();
    Ok((rows + &fit(&all, best.1)?, best.1))
}

/// Scores of distilled rows along settlement's path.
pub(super) fn scores(queries: &Array2<f64>, distilled: &Array2<f64>) -> Result<Scores> {
    let contributors = integer_scores(queries, distilled)?;
    Ok(Scores { records: None, contributors, bytes: 4 * distilled.ncols() })
}
