//! Rows distilled from models of half the contributors.
//!
//! What a contributor is worth to random half-coalitions (Banzhaf) is not what they are worth to the whole. The audit
//! retrains half-coalitions anyway; first-order scores on those models, averaged over them, are closer to it, but belong
//! to many sketches. So rows are fitted, by ridge regression over probes, that give the averaged scores from the one
//! sketch that is served. They are pulled towards the first-order rows, which stand where probes say nothing. The pull
//! is chosen by generalised cross-validation (Golub, Heath & Wahba 1979) over the probes, never on what judges the rows.

use faer::Side;
use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};

use crate::AttributionError;

/// How strongly rows are pulled towards the first-order ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ridge {
    /// As given, on the scale of summed squared sketches.
    Fixed(f64),
    /// By generalised cross-validation over the probes.
    Validated,
}

/// Distilled rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Distilled {
    /// `[contributors, k]`.
    pub rows: Array2<f64>,
    /// The pull that was used.
    pub ridge: f64,
    /// Summed squared difference between the averaged scores and the rows' own, over that of the first-order rows: what
    /// is left of the correction. Below 1 unless first order was perfect.
    pub left: f64,
}

/// Candidates lie this many to a decade, this many decades below and above the largest squared singular value.
const CANDIDATES: (i32, i32, i32) = (4, 10, 2);

/// Fits rows so that `sketches` `[probes, k]` times rows give `scores` `[probes, contributors]`, pulled towards `prior`
/// `[contributors, k]`. Probes are records the releaser may look at, such as the training records.
///
/// # Errors
/// [`AttributionError::NoRecords`], [`AttributionError::Shape`], [`AttributionError::NotFinite`],
/// [`AttributionError::Damping`] for a fixed pull that is not positive, [`AttributionError::Factorisation`].
pub fn distil(
    sketches: ArrayView2<'_, f64>,
    scores: ArrayView2<'_, f64>,
    prior: ArrayView2<'_, f64>,
    ridge: Ridge,
) -> Result<Distilled, AttributionError> {
    if sketches.is_empty() || prior.is_empty() {
        return Err(AttributionError::NoRecords("probes'"));
    }
    for (what, expected, found) in [
        ("probes", sketches.nrows(), scores.nrows()),
        ("contributors", prior.nrows(), scores.ncols()),
        ("numbers in a sketch", prior.ncols(), sketches.ncols()),
    ] {
        if expected != found {
            return Err(AttributionError::Shape { what, expected, found });
        }
    }
    if sketches.iter().chain(scores).chain(prior).any(|value| !value.is_finite()) {
        return Err(AttributionError::NotFinite("a probe"));
    }

    // The correction is what is fitted, in the eigenbasis of the sketches' Gram matrix.
    let missing = &scores - &sketches.dot(&prior.t());
    let gram = sketches.t().dot(&sketches);
    let gram = faer::Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| gram[[i, j]]);
    let eigen = gram.self_adjoint_eigen(Side::Lower).map_err(|_| AttributionError::Factorisation)?;
    let vectors = Array2::from_shape_fn((gram.nrows(), gram.ncols()), |at| eigen.U()[at]);
    let values: Array1<f64> = eigen.S().column_vector().iter().map(|value| value.max(0.0)).collect();
    let targets = vectors.t().dot(&sketches.t().dot(&missing));

    let energy = missing.mapv(|value| value * value).sum();
    let fit = Fit { values: &values, targets: &targets, energy, probes: sketches.nrows() as f64 };
    let ridge = match ridge {
        Ridge::Fixed(ridge) if ridge.is_finite() && ridge > 0.0 => ridge,
        Ridge::Fixed(ridge) => return Err(AttributionError::Damping(ridge)),
        Ridge::Validated => fit.validated(),
    };
    let mut shrunk = targets.clone();
    Zip::from(shrunk.rows_mut()).and(&values).for_each(|mut row, value| row /= value + ridge);
    let left = if energy > 0.0 { fit.residual(ridge) / energy } else { 1.0 };
    Ok(Distilled { rows: &prior + &vectors.dot(&shrunk).t(), ridge, left })
}

/// The regression in the eigenbasis.
struct Fit<'a> {
    /// Eigenvalues of the Gram matrix, `[k]`.
    values: &'a Array1<f64>,
    /// `Vᵀ Φᵀ Y`, `[k, contributors]`.
    targets: &'a Array2<f64>,
    /// `|Y|²`.
    energy: f64,
    probes: f64,
}

impl Fit<'_> {
    /// Summed squared residual at this pull.
    fn residual(&self, ridge: f64) -> f64 {
        let explained = |(value, row): (&f64, ndarray::ArrayView1<'_, f64>)| {
            let squares: f64 = row.iter().map(|target| target * target).sum();
            squares * (value + 2.0 * ridge) / (value + ridge).powi(2)
        };
        (self.energy - self.values.iter().zip(self.targets.axis_iter(Axis(0))).map(explained).sum::<f64>()).max(0.0)
    }

    /// The candidate with the least `residual / (probes − degrees of freedom)²`.
    fn validated(&self) -> f64 {
        let largest = self.values.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return 1.0;
        }
        let (steps, below, above) = CANDIDATES;
        let candidates =
            (-below * steps..=above * steps).map(|step| largest * 10f64.powf(f64::from(step) / f64::from(steps)));
        let criterion = |ridge: f64| {
            let freedom: f64 = self.values.iter().map(|value| value / (value + ridge)).sum();
            // With hardly any freedom left the quotient is rounding over rounding.
            match self.probes - freedom {
                free if free > 1e-3 * self.probes => self.residual(ridge) / (free * free),
                _ => f64::INFINITY,
            }
        };
        let scored = candidates.map(|ridge| (criterion(ridge), ridge));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(largest, |(_, ridge)| ridge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::DampedCurvature;
    use proptest::prelude::*;
    use rand::Rng;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    fn noise(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((rows, columns), || rng.random_range(-1.0..1.0))
    }

    proptest! {
        #[test]
        fn a_fixed_pull_solves_the_normal_equations(
            probes in 1usize..20, k in 1usize..6, contributors in 1usize..5, seed in 0u64..500, ridge in 0.01f64..10.0,
        ) {
            let (sketches, prior) = (noise(probes, k, seed), noise(contributors, k, seed + 1));
            let scores = noise(probes, contributors, seed + 2);
            let found = distil(sketches.view(), scores.view(), prior.view(), Ridge::Fixed(ridge)).unwrap();
            let missing = &scores - &sketches.dot(&prior.t());
            let normal = DampedCurvature::new(&sketches.t().dot(&sketches), ridge).unwrap();
            let expected = &prior + &normal.solve(&missing.t().dot(&sketches));
            prop_assert!((&found.rows - &expected).iter().all(|d| d.abs() < 1e-8));
            let left = (&scores - &sketches.dot(&found.rows.t())).mapv(|v| v * v).sum() / missing.mapv(|v| v * v).sum();
            prop_assert!((found.left - left).abs() < 1e-8);
        }
    }

    #[test]
    fn validation_finds_rows_behind_noise_and_trusts_first_order_where_there_is_nothing_to_learn() {
        let (sketches, truth, prior) = (noise(200, 10, 1), noise(6, 10, 2), noise(6, 10, 3));
        let error = |rows: &Array2<f64>| (rows - &truth).mapv(|v| v * v).sum();
        let scores = sketches.dot(&truth.t()) + noise(200, 6, 4) * 0.1;
        let found = distil(sketches.view(), scores.view(), prior.view(), Ridge::Validated).unwrap();
        assert!(error(&found.rows) < 0.01 * error(&prior), "{} {}", error(&found.rows), error(&prior));
        assert!(found.left < 0.05);

        // Scores that are the first-order ones but for noise.
        let scores = sketches.dot(&truth.t()) + noise(200, 6, 5);
        let found = distil(sketches.view(), scores.view(), truth.view(), Ridge::Validated).unwrap();
        let unpulled = distil(sketches.view(), scores.view(), truth.view(), Ridge::Fixed(1e-9)).unwrap();
        assert!(error(&found.rows) < 0.2 * error(&unpulled.rows), "{} {}", found.ridge, error(&found.rows));
    }

    #[test]
    fn fewer_probes_than_numbers_and_degenerate_probes_are_fine() {
        let (sketches, prior) = (noise(4, 10, 1), noise(2, 10, 2));
        let found = distil(sketches.view(), noise(4, 2, 3).view(), prior.view(), Ridge::Validated).unwrap();
        assert!(found.rows.iter().all(|value| value.is_finite()));
        let silent = distil(Array2::zeros((4, 10)).view(), noise(4, 2, 3).view(), prior.view(), Ridge::Validated);
        assert_eq!(silent.unwrap().rows, prior);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let (sketches, scores, prior) = (noise(4, 3, 1), noise(4, 2, 2), noise(2, 3, 3));
        let run =
            |a: &Array2<f64>, b: &Array2<f64>, c: &Array2<f64>, ridge| distil(a.view(), b.view(), c.view(), ridge);
        assert!(run(&sketches, &scores, &prior, Ridge::Validated).is_ok());
        for (a, b, c) in [(&scores, &scores, &prior), (&sketches, &sketches, &prior), (&prior, &scores, &prior)] {
            assert!(matches!(run(a, b, c, Ridge::Validated), Err(AttributionError::Shape { .. })));
        }
        assert!(matches!(run(&sketches, &scores, &prior, Ridge::Fixed(0.0)), Err(AttributionError::Damping(_))));
        let nan = &sketches * f64::NAN;
        assert!(matches!(run(&nan, &scores, &prior, Ridge::Validated), Err(AttributionError::NotFinite(_))));
    }
}
