//! How long the steps are.

use serde::{Deserialize, Serialize};

use crate::FactoryError;

/// The rate of every step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Schedule {
    /// The largest rate.
    pub rate: f64,
    /// Steps over which the rate rises to it, in equal parts.
    #[serde(default)]
    pub warmup: usize,
    /// How it falls afterwards.
    #[serde(default)]
    pub decay: Decay,
}

/// How a rate falls to the end of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Not at all.
    Constant,
    /// In equal parts to zero.
    Linear,
    /// By half a cosine to zero (Loshchilov & Hutter, 2017).
    #[default]
    Cosine,
}

impl Schedule {
    /// That it makes steps.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`].
    pub fn check(&self) -> Result<(), FactoryError> {
        if self.rate.is_finite() && self.rate > 0.0 {
            return Ok(());
        }
        let instead = "give a small positive number such as 0.05";
        Err(FactoryError::Recipe { what: "rate", found: self.rate.to_string(), instead })
    }

    /// The rate of step number `step`, from 0, of `steps`.
    #[must_use]
    pub fn at(&self, step: usize, steps: usize) -> f64 {
        if step < self.warmup {
            return self.rate * (step + 1) as f64 / self.warmup as f64;
        }
        let falling = steps.saturating_sub(self.warmup).max(1);
        let gone = (step - self.warmup) as f64 / falling as f64;
        self.rate
            * match self.decay {
                Decay::Constant => 1.0,
                Decay::Linear => 1.0 - gone,
                Decay::Cosine => (1.0 + (std::f64::consts::PI * gone).cos()) / 2.0,
            }
    }

    /// The rates of the first `taken` of `steps`, added up.
    #[must_use]
    pub fn total(&self, taken: usize, steps: usize) -> f64 {
        (0..taken).map(|step| self.at(step, steps)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_and_fall() {
        let with = |warmup, decay| Schedule { rate: 0.5, warmup, decay };
        let rates = |schedule: Schedule, steps| (0..steps).map(|step| schedule.at(step, steps)).collect::<Vec<_>>();
        assert_eq!(rates(with(0, Decay::Constant), 3), [0.5; 3]);
        assert_eq!(rates(with(0, Decay::Linear), 4), [0.5, 0.375, 0.25, 0.125]);
        assert_eq!(rates(with(2, Decay::Linear), 4), [0.25, 0.5, 0.5, 0.25]);
        let cosine = rates(with(0, Decay::Cosine), 2);
        assert!((cosine[0] - 0.5).abs() < 1e-12 && (cosine[1] - 0.25).abs() < 1e-12, "{cosine:?}");
        assert_eq!(with(0, Decay::Linear).total(4, 4), 1.25);
        assert_eq!(with(0, Decay::Linear).total(2, 4), 0.875);
        assert_eq!(rates(with(9, Decay::Linear), 2), [0.5 / 9.0, 1.0 / 9.0], "longer than the training");
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Schedule { rate, ..with(0, Decay::Linear) }.check().is_err());
        }
    }
}
