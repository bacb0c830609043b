//! The linear datamodeling score (Park et al., TRAK, 2023): how well sums of scores rank what retraining shows.

use eyre::{ContextCompat, Result};
use ndarray::Array2;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Serialize;
use tributary_attribution::statistics::spearman;

use super::truth::column;

const RESAMPLES: usize = 1_000;
const BOOTSTRAP_SEED: u64 = 13;

/// A mean over queries and its 95 % bootstrap interval over queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) mean: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Mean over queries of the rank correlation over trials of predicted and true margins, `[trials, queries]` each.
pub(super) fn agreement(predicted: &Array2<f64>, truth: &Array2<f64>) -> Result<Figure> {
    let each = (0..truth.ncols())
        .map(|query| {
            spearman(&column(predicted, query), &column(truth, query))
                .wrap_err("nothing varies over the trials: no correlation")
        })
        .collect::<Result<Vec<f64>>>()?;
    Ok(figure(&each))
}

/// Mean and interval of values `[queries]`.
pub(super) fn figure(each: &[f64]) -> Figure {
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / each.len() as f64;
    let mut rng = ChaCha8Rng::seed_from_u64(BOOTSTRAP_SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| mean(&mut (0..each.len()).map(|_| each[rng.random_range(0..each.len())])))
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((RESAMPLES - 1) as f64 * share).round() as usize];
    Figure { mean: mean(&mut each.iter().copied()), low: at(0.025), high: at(0.975) }
}
