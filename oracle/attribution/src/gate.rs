//! The gate: whose data attribution may pay for.
//!
//! A contributor fails only if held-out records show, beyond doubt, that their data pushes the model away from the
//! truth: under a paired bootstrap over the held-out records (every contributor is judged on the same resamples), the
//! mean influence on the true class's margin lies more than two standard errors below zero. Honest specialists, who help
//! on few records and are neutral on most, pass.
//!
//! Who supplied a held-out record gains nothing by it: their influence on it counts neither for the gate nor for the
//! baseline shares that are made from the same means.

use ndarray::{Array2, Axis, Zip};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::AttributionError;

/// A contributor fails below this many standard errors.
pub const THRESHOLD: f64 = -2.0;
/// Resamples of the held-out records.
pub const RESAMPLES: usize = 1_000;
/// Standard errors below this share of the mean are rounding.
const ROUNDING: f64 = 1e-12;
/// Resamples held in memory at a time.
const BLOCK: usize = 100;

/// One contributor before the gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateResult {
    /// Mean influence on the margin of the true class over the held-out records that others supplied.
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

/// Judges every contributor by `influence` `[held-out records, contributors]` towards the true classes. `suppliers`
/// holds, per held-out record, the column of the contributor who supplied it, if one did. The same seed gives the same
/// result.
///
/// # Errors
/// [`AttributionError::NoRecords`], [`AttributionError::Shape`], [`AttributionError::NotFinite`].
pub fn judge(
    influence: &Array2<f64>,
    suppliers: &[Option<usize>],
    seed: u64,
) -> Result<Vec<GateResult>, AttributionError> {
    let (records, contributors) = influence.dim();
    if records == 0 {
        return Err(AttributionError::NoRecords("held-out"));
    }
    if suppliers.len() != records {
        let found = suppliers.len();
        return Err(AttributionError::Shape { what: "suppliers of held-out records", expected: records, found });
    }
    if let Some(stranger) = suppliers.iter().flatten().find(|supplier| **supplier >= contributors) {
        let (expected, found) = (contributors, *stranger + 1);
        return Err(AttributionError::Shape { what: "contributors among the suppliers", expected, found });
    }
    if influence.iter().any(|value| !value.is_finite()) {
        return Err(AttributionError::NotFinite("an influence on a held-out record"));
    }

    let mut counted = influence.clone();
    let mut own = Array2::zeros((records, contributors));
    for (record, supplier) in suppliers.iter().enumerate() {
        let at = supplier.map(|supplier| (record, supplier));
        if let Some((value, own)) = at.and_then(|at| Some((counted.get_mut(at)?, own.get_mut(at)?))) {
            (*value, *own) = (0.0, 1.0);
        }
    }
    let whole = Array2::ones((1, records));
    let means = means(&whole, &counted, &own);

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut squares = Array2::<f64>::zeros((1, contributors));
    for first in (0..RESAMPLES).step_by(BLOCK) {
        // How often each record was drawn, `[resamples, records]`.
        let mut drawn = Array2::zeros((BLOCK.min(RESAMPLES - first), records));
        for mut resample in drawn.outer_iter_mut() {
            for _ in 0..records {
                if let Some(times) = resample.get_mut(rng.random_range(0..records)) {
                    *times += 1.0;
                }
            }
        }
        let mut deviations = self::means(&drawn, &counted, &own);
        deviations -= &means;
        squares += &deviations.mapv(|deviation| deviation * deviation).sum_axis(Axis(0)).insert_axis(Axis(0));
    }
    // Equal values differ by rounding once they are averaged; that is no variation.
    let z = |mean: f64, square: f64| match (square / RESAMPLES as f64).sqrt() {
        error if error > ROUNDING * mean.abs() => mean / error,
        _ => 0.0,
    };
    Ok(means.iter().zip(&squares).map(|(mean, square)| GateResult { mean: *mean, z: z(*mean, *square) }).collect())
}

/// Means over what was `drawn` `[resamples, records]`, without each contributor's own records, `[resamples,
/// contributors]`. Where only own records were drawn there is no evidence, and the mean is zero.
fn means(drawn: &Array2<f64>, counted: &Array2<f64>, own: &Array2<f64>) -> Array2<f64> {
    let mut sums = drawn.dot(counted);
    let records = own.nrows() as f64;
    Zip::from(&mut sums).and(&drawn.dot(own)).for_each(|sum, own| {
        let others = records - own;
        *sum = if others > 0.0 { *sum / others } else { 0.0 };
    });
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;

    #[test]
    fn only_harm_beyond_doubt_fails() {
        // Always harmful; harmful and helpful in turn; helpful on one record of forty; without any influence.
        let influence = Array2::from_shape_fn((40, 4), |(i, j)| match j {
            0 => -1.0 - (i % 3) as f64 * 0.1,
            1 => [-1.1, 1.0][i % 2],
            2 => [-0.01, 5.0][usize::from(i == 0)],
            _ => 0.0,
        });
        let results = judge(&influence, &[None; 40], 1).unwrap();
        let passes: Vec<bool> = results.iter().map(GateResult::passes).collect();
        assert_eq!(passes, [false, true, true, true], "{results:?}");
        assert_eq!(results, judge(&influence, &[None; 40], 1).unwrap());
        assert_eq!(results[3].z, 0.0);
    }

    #[test]
    fn nobody_passes_by_records_they_supplied_themselves() {
        // Harmful to others' records, very helpful to the half that they supplied.
        let influence = Array2::from_shape_fn((40, 1), |(i, _)| if i < 20 { 50.0 } else { -1.0 - (i % 3) as f64 });
        let suppliers: Vec<_> = (0..40).map(|i| (i < 20).then_some(0)).collect();
        assert!(judge(&influence, &[None; 40], 1).unwrap()[0].passes());
        let judged = judge(&influence, &suppliers, 1).unwrap()[0];
        assert!(!judged.passes() && (judged.mean + 2.0).abs() < 0.1, "{judged:?}");
        // One record, or one value over and over, varies as little.
        assert_eq!(judge(&Array2::from_elem((7, 1), -0.1), &[None; 7], 1).unwrap()[0].z, 0.0);
        // Nothing but own records is no evidence.
        assert_eq!(judge(&influence, &[Some(0); 40], 1).unwrap(), [GateResult { mean: 0.0, z: 0.0 }]);
    }

    proptest! {
        #[test]
        fn it_is_the_bootstrap_of_the_mean_over_others_records(
            values in prop::collection::vec(-1.0f64..1.0, 24), supplier in 0usize..4, seed in 0u64..50,
        ) {
            let influence = Array2::from_shape_vec((8, 3), values).unwrap();
            let suppliers: Vec<_> = (0..8).map(|i| (i % 2 == 0 && supplier < 3).then_some(supplier)).collect();
            let results = judge(&influence, &suppliers, seed).unwrap();
            let naive_mean = |draws: &[usize], c: usize| {
                let others: Vec<f64> =
                    draws.iter().filter(|i| suppliers[**i] != Some(c)).map(|i| influence[[*i, c]]).collect();
                if others.is_empty() { 0.0 } else { others.iter().sum::<f64>() / others.len() as f64 }
            };
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let every: Vec<usize> = (0..8).collect();
            let mut squares = [0.0; 3];
            for _ in 0..RESAMPLES {
                let draws: Vec<usize> = (0..8).map(|_| rng.random_range(0..8)).collect();
                for (c, square) in squares.iter_mut().enumerate() {
                    *square += (naive_mean(&draws, c) - naive_mean(&every, c)).powi(2);
                }
            }
            for (c, result) in results.iter().enumerate() {
                let error = (squares[c] / RESAMPLES as f64).sqrt();
                prop_assert!((result.mean - naive_mean(&every, c)).abs() < 1e-12);
                prop_assert!((result.z - naive_mean(&every, c) / error).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn what_cannot_be_judged_is_refused() {
        let influence = Array2::<f64>::zeros((2, 3));
        assert!(matches!(judge(&Array2::zeros((0, 3)), &[], 1), Err(AttributionError::NoRecords(_))));
        assert!(matches!(judge(&influence, &[None], 1), Err(AttributionError::Shape { .. })));
        assert!(matches!(judge(&influence, &[None, Some(3)], 1), Err(AttributionError::Shape { .. })));
        let broken = Array2::from_elem((2, 3), f64::INFINITY);
        assert!(matches!(judge(&broken, &[None, None], 1), Err(AttributionError::NotFinite(_))));
    }
}
