//! What an attack gains over many attackers.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Serialize;

const RESAMPLES: usize = 1_000;
const SEED: u64 = 31;

/// One attacker's payouts, as shares of the money.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) honest: f64,
    pub(super) attacked: f64,
}

impl Case {
    /// None for somebody whom honesty pays nothing.
    fn ratio(&self) -> Option<f64> {
        (self.honest > 0.0).then(|| self.attacked / self.honest)
    }
}

/// A figure and its upper 95 % bootstrap bound over attackers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Bounded {
    pub(super) value: f64,
    pub(super) high: f64,
}

/// Gain: 1 is what honesty pays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Gain {
    /// All attackers' payouts over all honest ones.
    pub(super) of_all: Bounded,
    /// The median's of those attackers whom honesty pays.
    pub(super) median: Bounded,
    /// The largest of the same.
    pub(super) largest: f64,
    /// How many attackers honesty pays.
    pub(super) paid_honestly: usize,
}

impl Gain {
    pub(super) fn new(cases: &[Case]) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let resamples: Vec<Vec<Case>> =
            (0..RESAMPLES).map(|_| cases.iter().map(|_| cases[rng.random_range(0..cases.len())]).collect()).collect();
        let bounded = |figure: fn(&[Case]) -> f64| {
            let mut figures: Vec<f64> = resamples.iter().map(|cases| figure(cases)).collect();
            figures.sort_by(f64::total_cmp);
            Bounded { value: figure(cases), high: figures[(0.95 * (RESAMPLES - 1) as f64).round() as usize] }
        };
        let ratios = || cases.iter().filter_map(Case::ratio);
        let (largest, paid_honestly) = (ratios().fold(0.0, f64::max), ratios().count());
        Self { of_all: bounded(of_all), median: bounded(median), largest, paid_honestly }
    }
}

fn of_all(cases: &[Case]) -> f64 {
    let sum = |share: fn(&Case) -> f64| cases.iter().map(share).sum::<f64>();
    sum(|case| case.attacked) / sum(|case| case.honest)
}

fn median(cases: &[Case]) -> f64 {
    let mut ratios: Vec<f64> = cases.iter().filter_map(Case::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_those_whom_honesty_pays() {
        let case = |honest, attacked| Case { honest, attacked };
        let gain = Gain::new(&[case(0.0, 5.0), case(1.0, 2.0), case(2.0, 2.0), case(1.0, 3.0)]);
        assert_eq!((gain.of_all.value, gain.median.value, gain.largest, gain.paid_honestly), (3.0, 2.0, 3.0, 3));
        assert!(gain.median.high >= gain.median.value);
    }
}
