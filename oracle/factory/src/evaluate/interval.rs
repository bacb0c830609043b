//! Numbers with their 95 % intervals.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};
use tributary_attribution::statistics::Interval;

/// Resamples behind a bootstrap interval.
pub const RESAMPLES: usize = 1_000;
/// The same records in the same order give the same interval.
const SEED: u64 = 1;
/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A number and where it lies with 95 % confidence, as far as the choice of records goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// On the records themselves.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl From<Interval> for Estimate {
    fn from(interval: Interval) -> Self {
        Self { value: interval.mean, low: interval.low, high: interval.high }
    }
}

/// A share with its score interval (Wilson, 1927). `None` without records.
pub fn wilson(correct: u32, records: u32) -> Option<Estimate> {
    if records == 0 {
        return None;
    }
    let (n, share) = (f64::from(records), f64::from(correct) / f64::from(records));
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends rounding would reach past them.
    let low = if correct == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if correct == records { 1.0 } else { (centre + half).min(1.0) };
    Some(Estimate { value: share, low, high })
}

/// A statistic of `records` records with its percentile interval over [`RESAMPLES`] bootstrap resamples (Efron, 1979).
/// The statistic is told how many times each record counts, `[records]`. Resamples in which it is not defined are left
/// out; `None` where it is not defined on the records themselves.
pub fn bootstrap(records: usize, statistic: impl Fn(&[u32]) -> Option<f64>) -> Option<Estimate> {
    let defined = |times: &[u32]| statistic(times).filter(|value| value.is_finite());
    if records == 0 {
        return None;
    }
    let mut times = vec![1; records];
    let value = defined(&times)?;
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut found = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        times.fill(0);
        for _ in 0..records {
            if let Some(drawn) = times.get_mut(rng.random_range(0..records)) {
                *drawn += 1;
            }
        }
        found.extend(defined(&times));
    }
    found.sort_unstable_by(f64::total_cmp);
    let last = found.len().checked_sub(1)? as f64;
    let percentile = |share: f64| found.get((last * share).round() as usize).copied();
    Some(Estimate { value, low: percentile(0.025)?, high: percentile(0.975)? })
}

/// The mean of some numbers, each as often as it counts. `None` where none does.
pub(super) fn mean(values: impl Iterator<Item = f64>, times: &[u32]) -> Option<f64> {
    let (sum, count) = values
        .zip(times)
        .fold((0.0, 0.0), |(sum, count), (value, times)| (sum + value * f64::from(*times), count + f64::from(*times)));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prop_assert, prop_assume, proptest};

    #[test]
    fn shares_have_the_published_intervals() {
        // Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
        for (correct, records, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = wilson(correct, records).unwrap();
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
        }
        assert_eq!(wilson(20, 20).unwrap().high, 1.0);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn a_means_interval_is_its_standard_error_wide() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 400) / 400.0).collect();
        let found = bootstrap(400, |times| mean(values.iter().copied(), times)).unwrap();
        let expected = Z * (1.0f64 / 12.0 / 400.0).sqrt();
        for half in [found.value - found.low, found.high - found.value] {
            assert!((half / expected - 1.0).abs() < 0.15, "{half} {expected}");
        }
    }

    #[test]
    fn intervals_cover_what_they_should() {
        // 200 samples of 60 numbers each, uniform on [0, 1): about 190 intervals hold ½.
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut covering = 0;
        for _ in 0..200 {
            let values: Vec<f64> = (0..60).map(|_| rng.random::<f64>()).collect();
            let found = bootstrap(60, |times| mean(values.iter().copied(), times)).unwrap();
            covering += usize::from(found.low <= 0.5 && 0.5 <= found.high);
        }
        assert!((180..=198).contains(&covering), "{covering}");
    }

    #[test]
    fn what_is_not_defined_has_no_interval() {
        assert_eq!(bootstrap(0, |_| Some(1.0)), None);
        assert_eq!(bootstrap(3, |_| None), None);
        assert_eq!(bootstrap(3, |_| Some(f64::NAN)), None);
        // Defined on the records, not in every resample.
        let found = bootstrap(2, |times| (times.first() == Some(&1)).then_some(2.0)).unwrap();
        assert_eq!(found, Estimate { value: 2.0, low: 2.0, high: 2.0 });
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share(correct in 0u32..500, wrong in 0u32..500) {
            prop_assume!(correct + wrong > 0);
            let found = wilson(correct, correct + wrong).unwrap();
            prop_assert!(0.0 <= found.low && found.low <= found.value && found.value <= found.high && found.high <= 1.0);
        }
    }
}
