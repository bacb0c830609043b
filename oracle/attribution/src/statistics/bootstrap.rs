//! Bootstrap intervals (Efron 1979, percentile method).

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Resamples behind an interval.
pub const RESAMPLES: usize = 2_000;

/// A mean and where it lies in 95 of 100 resamples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The 2.5th percentile.
    pub low: f64,
    /// Of the values themselves.
    pub mean: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

/// The mean of some values, with its 95 % interval over resamples of them. The same seed gives the same interval.
/// `None` without values or with one that is not finite.
pub fn bootstrap(values: &[f64], seed: u64) -> Option<Interval> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let count = values.len() as f64;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let draws = (0..values.len()).filter_map(|_| values.get(rng.random_range(0..values.len())));
            draws.sum::<f64>() / count
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let percentile = |share: f64| means.get(((RESAMPLES - 1) as f64 * share).round() as usize).copied();
    Some(Interval { low: percentile(0.025)?, mean: values.iter().sum::<f64>() / count, high: percentile(0.975)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_means_standard_error_wide() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 400) / 400.0).collect();
        let interval = bootstrap(&values, 3).unwrap();
        assert_eq!(Some(interval), bootstrap(&values, 3));
        // Uniform: deviation √(1/12); 1.96 standard errors each way, within a tenth.
        let expected = 1.96 * (1.0f64 / 12.0 / 400.0).sqrt();
        for half in [interval.mean - interval.low, interval.high - interval.mean] {
            assert!((half / expected - 1.0).abs() < 0.1, "{half} {expected}");
        }
    }

    #[test]
    fn constants_have_no_width_and_nothing_has_no_interval() {
        assert_eq!(bootstrap(&[0.5; 7], 1), Some(Interval { low: 0.5, mean: 0.5, high: 0.5 }));
        assert_eq!(bootstrap(&[], 1), None);
        assert_eq!(bootstrap(&[f64::NAN], 1), None);
    }
}
