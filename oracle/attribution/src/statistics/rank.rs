//! Rank correlation.

/// Spearman's rank correlation of two equally long lists; equal values share their mean rank. `None` if the lists
/// differ in length, hold fewer than two values, a NaN, or do not vary.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 || a.iter().chain(b).any(|value| value.is_nan()) {
        return None;
    }
    let (a, b) = (ranks(a), ranks(b));
    let middle = (a.len() as f64 + 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(p, q)| (p - middle) * (q - middle)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    (spread > 0.0).then(|| product(&a, &b) / spread)
}

/// Ranks from 1; equal values share the mean of theirs. No value is NaN.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut ascending: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    ascending.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 1;
    // By value and not by bits: 0 and −0 are next to each other, and equal.
    for equal in ascending.chunk_by(|a, b| a.0 == b.0) {
        let shared = first as f64 + (equal.len() as f64 - 1.0) / 2.0;
        for (_, place) in equal {
            if let Some(rank) = ranks.get_mut(*place) {
                *rank = shared;
            }
        }
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::{ranks, spearman};
    use proptest::prelude::*;

    #[test]
    fn known_correlations() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[10.0, 200.0, 3000.0]), Some(1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        let tied = spearman(&[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]).unwrap_or_default();
        assert!((tied - 0.948_683_298_050_513_8).abs() < 1e-12);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[1.0], &[1.0]), None);
        assert_eq!(spearman(&[1.0, f64::NAN], &[1.0, 2.0]), None);
        assert_eq!(ranks(&[0.0, -0.0, f64::NEG_INFINITY]), [2.5, 2.5, 1.0]);
    }

    proptest! {
        #[test]
        fn a_rank_counts_what_is_below_and_half_of_what_is_equal(values in prop::collection::vec(-4i8..4, 0..40)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            for (value, rank) in values.iter().zip(ranks(&values)) {
                let below = values.iter().filter(|other| *other < value).count() as f64;
                let equal = values.iter().filter(|other| *other == value).count() as f64;
                prop_assert_eq!(rank, below + (equal + 1.0) / 2.0);
            }
        }
    }
}
