//! Baseline shares: the release's default division, for money that no receipt divides.
//!
//! A contributor's weight is their mean influence on the margin of the true class over held-out records that others
//! supplied, clipped at zero once, after the mean. If nobody's is positive, weights are record counts of those who pass
//! the gate; if nobody passes, of everybody, because somebody must be paid.

use crate::gate::GateResult;

/// What all positive weights together come to, rounding aside.
const WHOLE: f64 = 1e12;

/// Weights `[contributors]` on a common scale, from what the gate found and how many records each contributor has.
pub fn weights(gate: &[GateResult], records: &[u32]) -> Vec<u64> {
    let positive = |result: &GateResult| if result.mean.is_finite() { result.mean.max(0.0) } else { 0.0 };
    let largest = gate.iter().map(positive).fold(0.0, f64::max);
    if largest == 0.0 {
        let somebody = gate.iter().zip(records).any(|(result, count)| result.passes() && *count > 0);
        let counted = |(result, count): (&GateResult, &u32)| match result.passes() || !somebody {
            true => u64::from(*count),
            false => 0,
        };
        return gate.iter().zip(records).map(counted).collect();
    }
    // Relative to the largest first, so that tiny or huge means neither vanish nor overflow.
    let total: f64 = gate.iter().map(|result| positive(result) / largest).sum();
    gate.iter().map(|result| (positive(result) / largest / total * WHOLE).round() as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::weights;
    use crate::gate::GateResult;
    use proptest::prelude::*;

    fn results(means: &[f64]) -> Vec<GateResult> {
        means.iter().map(|mean| GateResult { mean: *mean, z: *mean }).collect()
    }

    #[test]
    fn negative_means_get_nothing_and_no_positive_mean_falls_back_to_records() {
        assert_eq!(weights(&results(&[3.0, -1.0, 1.0]), &[1, 1, 1]), [750_000_000_000, 0, 250_000_000_000]);
        assert_eq!(weights(&results(&[-1.0, 0.0]), &[4, 6]), [4, 6]);
        assert_eq!(
            weights(&[GateResult { mean: f64::NAN, z: 0.0 }, GateResult { mean: -1.0, z: -1.0 }], &[4, 6]),
            [4, 6]
        );
    }

    #[test]
    fn who_fails_the_gate_has_no_part_in_the_fallback_unless_everybody_fails() {
        assert_eq!(weights(&results(&[-3.0, -1.0]), &[4, 6]), [0, 6]);
        assert_eq!(weights(&results(&[-3.0, -4.0]), &[4, 6]), [4, 6]);
        assert_eq!(weights(&results(&[-3.0, 0.0]), &[4, 0]), [4, 0]);
    }

    proptest! {
        #[test]
        fn weights_are_proportional_and_their_scale_does_not_matter(
            means in prop::collection::vec(-1.0f64..1.0, 2..20), exponent in -200i32..200,
        ) {
            prop_assume!(means.iter().any(|mean| *mean > 1e-3));
            let records = vec![1; means.len()];
            let plain = weights(&results(&means), &records);
            let scaled: Vec<f64> = means.iter().map(|mean| mean * 10f64.powi(exponent)).collect();
            for (a, b) in plain.iter().zip(weights(&results(&scaled), &records)) {
                prop_assert!(a.abs_diff(b) <= 1);
            }
            let total: u64 = plain.iter().sum();
            prop_assert!(total.abs_diff(1_000_000_000_000) <= means.len() as u64);
        }
    }
}
