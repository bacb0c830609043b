//! Leaving one contributor out by a Newton step.
//!
//! First order moves the parameters by `(G + λI)⁻¹ E_c`. Taking a contributor away takes their curvature away too; with
//! the objective's denominator fixed, the step is `(G − G_c + λI)⁻¹ E_c` with `G_c = Wᵀ W` from their own weighted
//! features. What is returned is the effect that gives this step through the whole curvature, so that every basis takes
//! it as it takes a first-order effect: `E_c' = (G + λI)(G + λI − Wᵀ W)⁻¹ E_c`.

use faer::{Mat, Side};
use ndarray::{Array1, ArrayView1, ArrayView2};

use crate::{
    AttributionError,
    curvature::{Accumulator, DampedCurvature},
};

/// Which step stands behind an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The contributor's own curvature was taken away.
    Newton,
    /// Without the contributor the curvature would not be positive definite: the effect is first order.
    FirstOrder,
}

/// One contributor's effect.
#[derive(Clone, Debug, PartialEq)]
pub struct NewtonEffect {
    /// `[features]`.
    pub effect: Array1<f64>,
    /// Which step it stands for.
    pub step: Step,
}

/// The effect `[features]` of a contributor with their own curvature, `Σ w φ φᵀ` over `features` `[m, features]` with
/// `weights` `[m]`, taken away from `curvature`.
///
/// # Errors
/// [`AttributionError::Shape`], [`AttributionError::Weight`], [`AttributionError::NotFinite`].
pub fn newton_effect<T: Copy + Into<f64>>(
    curvature: &DampedCurvature,
    features: ArrayView2<'_, T>,
    weights: ArrayView1<'_, f64>,
    effect: ArrayView1<'_, f64>,
) -> Result<NewtonEffect, AttributionError> {
    let row = effect.insert_axis(ndarray::Axis(0));
    curvature.check(row)?;
    if effect.iter().any(|value| !value.is_finite()) {
        return Err(AttributionError::NotFinite("a contributor's gradient"));
    }
    let mut own = Accumulator::new(curvature.features())?;
    let first_order = || NewtonEffect { effect: effect.to_owned(), step: Step::FirstOrder };
    let scaled = curvature.whiten(row);
    let change = if features.nrows() < curvature.features() {
        // By Woodbury, in as many dimensions as there are features: E + Wᵀ (I − W (G + λI)⁻¹ Wᵀ)⁻¹ W (G + λI)⁻¹ E.
        Accumulator::check(curvature.features(), features, weights)?;
        let weighted = Mat::from_fn(features.ncols(), features.nrows(), |i, j| {
            (weights.get(j).copied().unwrap_or(0.0)).sqrt() * features.get((j, i)).map_or(0.0, |value| (*value).into())
        });
        let columns = curvature.whiten_columns(weighted.clone());
        let Some(solved) = solve_complement(columns.transpose() * &columns, columns.transpose() * &scaled) else {
            return Ok(first_order());
        };
        weighted * solved
    } else {
        own.add(features, weights)?;
        let Some(solved) = solve_complement(curvature.whiten_both(own.finish().view()), scaled.clone()) else {
            return Ok(first_order());
        };
        curvature.unscale(solved - scaled)
    };
    let moved: Array1<f64> = effect.iter().zip(change.col(0).iter()).map(|(value, change)| value + change).collect();
    match moved.iter().all(|value| value.is_finite()) {
        true => Ok(NewtonEffect { effect: moved, step: Step::Newton }),
        false => Ok(first_order()),
    }
}

/// `(I − M)⁻¹ columns`, if `I − M` is positive definite.
fn solve_complement(matrix: Mat<f64>, mut columns: Mat<f64>) -> Option<Mat<f64>> {
    let complement =
        Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| if i == j { 1.0 } else { 0.0 } - matrix[(i, j)]);
    let factor = complement.llt(Side::Lower).ok()?;
    let lower = factor.L();
    lower.solve_lower_triangular_in_place(&mut columns);
    lower.transpose().solve_upper_triangular_in_place(&mut columns);
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis};
    use proptest::prelude::*;

    fn patterned(rows: usize, columns: usize, seed: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 7 + j * j * 3 + i * j + seed) % 13) as f64 / 6.0 - 1.0)
    }

    proptest! {
        #[test]
        fn it_is_the_step_without_the_contributors_curvature(
            p in 1usize..8, own in 0usize..12, others in 0usize..12, seed in 0usize..500,
        ) {
            let (mine, theirs) = (patterned(own, p, seed), patterned(others, p, seed + 3));
            let weights = Array1::from_elem(own, 0.3);
            let without = theirs.t().dot(&theirs) * 0.3;
            let with = &without + &(mine.t().dot(&mine) * 0.3);
            let damping = 0.2;
            let effect = patterned(1, p, seed + 9);
            let curvature = DampedCurvature::new(&with, damping).unwrap();
            let found = newton_effect(&curvature, mine.view(), weights.view(), effect.row(0)).unwrap();
            prop_assert_eq!(found.step, Step::Newton);
            let step = curvature.solve(&found.effect.insert_axis(Axis(0)));
            let exact = DampedCurvature::new(&without, damping).unwrap().solve(&effect);
            prop_assert!((step - exact).iter().all(|d| d.abs() < 1e-7));
        }
    }

    #[test]
    fn curvature_that_was_never_there_cannot_be_taken_away() {
        let curvature = DampedCurvature::new(&Array2::<f64>::eye(2), 0.1).unwrap();
        let effect = ndarray::array![1.0, 2.0];
        for rows in [1, 5] {
            let features = Array2::<f32>::from_elem((rows, 2), 9.0);
            let found = newton_effect(&curvature, features.view(), Array1::ones(rows).view(), effect.view()).unwrap();
            assert_eq!(found, NewtonEffect { effect: effect.clone(), step: Step::FirstOrder });
            let mismatched = newton_effect(&curvature, features.view(), Array1::ones(rows + 1).view(), effect.view());
            assert!(matches!(mismatched, Err(AttributionError::Shape { .. })));
            let negative = newton_effect(&curvature, features.view(), (-Array1::ones(rows)).view(), effect.view());
            assert!(matches!(negative, Err(AttributionError::Weight(_))));
        }
    }
}
