//! Baseline shares: the release's default division, for money that no receipt divides.
//!
//! A contributor's weight is their mean influence on the margin of the true class over held-out records, clipped at zero
//! once, after the mean. If nobody's is positive, or somebody must be paid and nothing was held out, weights are record
//! counts.

/// What all positive weights together come to, rounding aside.
const WHOLE: f64 = 1e12;

/// Weights from mean validated influence `[contributors]`, on a common scale.
pub fn weights(means: &[f64], records: &[u32]) -> Vec<u64> {
    let positive = |mean: &f64| if mean.is_finite() { mean.max(0.0) } else { 0.0 };
    let largest = means.iter().map(positive).fold(0.0, f64::max);
    if largest == 0.0 {
        return records.iter().map(|count| u64::from(*count)).collect();
    }
    // Relative to the largest first, so that tiny or huge means neither vanish nor overflow.
    let total: f64 = means.iter().map(|mean| positive(mean) / largest).sum();
    means.iter().map(|mean| (positive(mean) / largest / total * WHOLE).round() as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::weights;
    use proptest::prelude::*;

    #[test]
    fn negative_means_get_nothing_and_no_positive_mean_falls_back_to_records() {
        assert_eq!(weights(&[3.0, -1.0, 1.0], &[1, 1, 1]), [750_000_000_000, 0, 250_000_000_000]);
        assert_eq!(weights(&[-3.0, 0.0], &[4, 6]), [4, 6]);
        assert_eq!(weights(&[f64::NAN, -1.0], &[4, 6]), [4, 6]);
    }

    proptest! {
        #[test]
        fn weights_are_proportional_and_their_scale_does_not_matter(
            means in prop::collection::vec(-1.0f64..1.0, 2..20), exponent in -200i32..200,
        ) {
            prop_assume!(means.iter().any(|mean| *mean > 1e-3));
            let records = vec![1; means.len()];
            let plain = weights(&means, &records);
            let scaled: Vec<f64> = means.iter().map(|mean| mean * 10f64.powi(exponent)).collect();
            for (a, b) in plain.iter().zip(weights(&scaled, &records)) {
                prop_assert!(a.abs_diff(b) <= 1);
            }
            let total: u64 = plain.iter().sum();
            prop_assert!(total.abs_diff(1_000_000_000_000) <= means.len() as u64);
        }
    }
}
