//! Which classes of which record enter the Fisher information, and with what weight.
//!
//! The expectation is over the model's own predictions: `1/N Σ_i Σ_c p_c(x_i) ∇ℓ(x_i, c) ∇ℓ(x_i, c)ᵀ`. For few classes
//! every one is taken; for many, some are drawn from the model, which leaves the sum unbiased. Labels have no part in it.

use ndarray::{ArrayView1, ArrayView2};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::AttributionError;

/// Up to this many classes the expectation is taken exactly.
pub const MOST_EXACT: usize = 32;

/// How the expectation over classes is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Every class, weighted with its probability.
    Exact,
    /// Classes drawn from the model's probabilities, with replacement.
    Sampled {
        /// Draws a record.
        draws: usize,
        /// The same seed draws the same classes.
        seed: u64,
    },
}

/// One class of one record in the sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassTerm {
    /// Which record, from 0.
    pub record: usize,
    /// Which class, from 0.
    pub class: usize,
    /// Weight of `∇ℓ ∇ℓᵀ` for this record and class.
    pub weight: f64,
    /// Weight of `∇f ∇fᵀ` with `f` the class's margin: cross-entropy is a function of the margin alone,
    /// `∇ℓ = −(1 − p_c) ∇f`.
    pub margin_weight: f64,
}

/// The terms of records with class probabilities `[n, classes]`, by record and class, without those of weight zero.
/// `denominator` is the N of the training objective's mean.
///
/// # Errors
/// [`AttributionError::NoRecords`] without records, classes, draws or denominator; [`AttributionError::Weight`] for a
/// probability that is none.
pub fn terms(
    probabilities: ArrayView2<'_, f64>,
    denominator: usize,
    expectation: Expectation,
) -> Result<Vec<ClassTerm>, AttributionError> {
    let (records, classes) = probabilities.dim();
    if probabilities.is_empty() || denominator == 0 || matches!(expectation, Expectation::Sampled { draws: 0, .. }) {
        return Err(AttributionError::NoRecords("training"));
    }
    if let Some(broken) = probabilities.iter().find(|p| !(0.0..=1.0 + 1e-6).contains(*p)) {
        return Err(AttributionError::Weight(*broken));
    }
    let mut rng = match expectation {
        Expectation::Sampled { seed, .. } => ChaCha8Rng::seed_from_u64(seed),
        Expectation::Exact => ChaCha8Rng::seed_from_u64(0),
    };
    let mut terms = Vec::with_capacity(records * classes.min(MOST_EXACT));
    for (record, row) in probabilities.outer_iter().enumerate() {
        let shares: Vec<f64> = match expectation {
            Expectation::Exact => row.to_vec(),
            Expectation::Sampled { draws, .. } => draw(row, draws, &mut rng),
        };
        for (class, share) in shares.into_iter().enumerate().filter(|(_, share)| *share > 0.0) {
            let weight = share / denominator as f64;
            // What the other classes have together: 1 − p_c would lose its digits for a confident class.
            let others: f64 = row.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, p)| p).sum();
            terms.push(ClassTerm { record, class, weight, margin_weight: weight * others * others });
        }
    }
    Ok(terms)
}

/// Each class's share of the draws.
fn draw(probabilities: ArrayView1<'_, f64>, draws: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut shares = vec![0.0; probabilities.len()];
    let total: f64 = probabilities.sum();
    for _ in 0..draws {
        let mut left = rng.random::<f64>() * total;
        // Rounding may leave a crumb after the last class: it is the last possible class's.
        let mut drawn = None;
        for (share, p) in shares.iter_mut().zip(probabilities).filter(|(_, p)| **p > 0.0) {
            drawn = Some(share);
            left -= p;
            if left < 0.0 {
                break;
            }
        }
        if let Some(share) = drawn {
            *share += 1.0 / draws as f64;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn every_class_of_every_record_counts_with_its_probability() {
        let p = array![[0.25, 0.75, 0.0], [0.5, 0.3, 0.2]];
        let terms = terms(p.view(), 4, Expectation::Exact).unwrap();
        assert_eq!(terms.len(), 5);
        for term in terms {
            let of = p[[term.record, term.class]];
            assert!((term.weight - of / 4.0).abs() < 1e-15);
            assert!((term.margin_weight - of / 4.0 * (1.0 - of).powi(2)).abs() < 1e-15);
        }
    }

    #[test]
    fn draws_are_unbiased_seeded_and_never_of_an_impossible_class() {
        let p = Array2::from_shape_fn((2_000, 4), |(_, class)| [0.1, 0.0, 0.6, 0.3][class]);
        let sampled = |seed| terms(p.view(), 2_000, Expectation::Sampled { draws: 3, seed }).unwrap();
        let drawn = sampled(7);
        assert_eq!(drawn, sampled(7));
        assert_ne!(drawn, sampled(8));
        for (class, expected) in [0.1, 0.0, 0.6, 0.3].into_iter().enumerate() {
            let share: f64 = drawn.iter().filter(|term| term.class == class).map(|term| term.weight).sum();
            // Four standard errors of 6,000 draws.
            assert!((share - expected).abs() <= 4.0 * (expected * (1.0 - expected) / 6_000f64).sqrt());
        }
        assert!((drawn.iter().map(|term| term.weight).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_confident_class_keeps_its_digits() {
        let p = array![[1.0 - 1e-18, 1e-18]];
        let term = terms(p.view(), 1, Expectation::Exact).unwrap()[0];
        assert!((term.margin_weight / 1e-36 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for broken in [f64::NAN, -0.1, 2.0] {
            let refused = terms(array![[broken, 0.5]].view(), 1, Expectation::Exact);
            assert!(matches!(refused, Err(AttributionError::Weight(_))));
        }
        assert!(terms(Array2::zeros((0, 3)).view(), 1, Expectation::Exact).is_err());
        assert!(terms(array![[1.0]].view(), 0, Expectation::Exact).is_err());
        assert!(terms(array![[1.0]].view(), 1, Expectation::Sampled { draws: 0, seed: 1 }).is_err());
    }
}
