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
    /// Who is paid nothing either way gains nothing.
    fn ratio(self) -> f64 {
        if self.honest == self.attacked { 1.0 } else { self.attacked / self.honest }
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
    /// The median attacker's.
    pub(super) median: Bounded,
    pub(super) largest: f64,
}

impl Gain {
    pub(super) fn new(cases: &[Case]) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let resamples: Vec<Vec<Case>> = (0..RESAMPLES)
            .map(|_| cases.iter().map(|_| cases[rng.random_range(0..cases.len())]).collect())
            .collect();
        let bounded = |figure: fn(&[Case]) -> f64| {
            let mut figures: Vec<f64> = resamples.iter().map(|cases| figure(cases)).collect();
            figures.sort_by(f64::total_cmp);
            Bounded { value: figure(cases), high: figures[(0.95 * (RESAMPLES - 1) as f64).round() as usize] }
        };
        let largest = cases.iter().map(|case| case.ratio()).fold(0.0, f64::max);
        Self { of_all: bounded(of_all), median: bounded(median), largest }
    }
}

fn of_all(cases: &[Case]) -> f64 {
    let sum = |share: fn(&Case) -> f64| cases.iter().map(share).sum::<f64>();
    sum(|case| case.attacked) / sum(|case| case.honest)
}

fn median(cases: &[Case]) -> f64 {
    let mut ratios: Vec<f64> = cases.iter().map(|case| case.ratio()).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}
