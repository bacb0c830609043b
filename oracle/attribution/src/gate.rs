//! The gate: whose data attribution may pay for.
//!
//! A contributor fails only if held-out records show, beyond doubt, that their data pushes the model away from the
//! truth: under a paired bootstrap over the held-out records (every contributor is judged on the same resamples), the
//! mean influence on the true class's margin lies more than two standard errors below zero. Honest specialists, who help
//! on few records and are neutral on most, pass.

use ndarray::{Array2, Axis};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// A contributor fails below this many standard errors.
pub const THRESHOLD: f64 = -2.0;
/// Resamples of the held-out records.
pub const RESAMPLES: usize = 1_000;

/// One contributor before the gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateResult {
    /// Mean influence on the margin of the true class over the held-out records.
    pub mean: f64,
    /// `mean` in bootstrap standard errors; zero if nothing varies.
    pub z: f64,
}

impl GateResult {
    /// Whether attribution may pay this contributor.
    pub fn passes(&self) -> bool {
        self.z >= THRESHOLD
    }
}

/// Judges every contributor by `influence` `[held-out records, contributors]` towards the true classes. The same seed
/// gives the same result.
pub fn judge(influence: &Array2<f64>, seed: u64) -> Vec<GateResult> {
    let records = influence.nrows();
    let means = influence.mean_axis(Axis(0)).unwrap_or_default();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut squares = vec![0.0; means.len()];
    for _ in 0..RESAMPLES {
        let mut totals = vec![0.0; means.len()];
        for _ in 0..records {
            let row = influence.row(rng.random_range(0..records));
            totals.iter_mut().zip(row).for_each(|(total, value)| *total += value);
        }
        for ((square, total), mean) in squares.iter_mut().zip(totals).zip(&means) {
            *square += (total / records as f64 - mean).powi(2);
        }
    }
    let z = |mean: f64, square: f64| match (square / RESAMPLES as f64).sqrt() {
        error if error > 0.0 => mean / error,
        _ => 0.0,
    };
    means.iter().zip(squares).map(|(mean, square)| GateResult { mean: *mean, z: z(*mean, square) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harm_beyond_doubt_fails() {
        // Always harmful; harmful and helpful in turn; helpful on one record of forty; without any influence.
        let influence = Array2::from_shape_fn((40, 4), |(i, j)| match j {
            0 => -1.0 - (i % 3) as f64 * 0.1,
            1 => {
                if i % 2 == 0 {
                    -1.1
                } else {
                    1.0
                }
            }
            2 => {
                if i == 0 {
                    5.0
                } else {
                    -0.01
                }
            }
            _ => 0.0,
        });
        let results = judge(&influence, 1);
        let passes: Vec<bool> = results.iter().map(GateResult::passes).collect();
        assert_eq!(passes, [false, true, true, true], "{results:?}");
        assert_eq!(results, judge(&influence, 1));
        assert_eq!(results[3].z, 0.0);
    }
}
