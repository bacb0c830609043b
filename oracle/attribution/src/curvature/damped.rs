//! The damped curvature, factorised.

use faer::{Mat, Side};
use ndarray::{Array2, ArrayView2};

use crate::AttributionError;

/// `G + λI = L Lᵀ`, factorised.
#[derive(Debug)]
pub struct DampedCurvature {
    lower: Mat<f64>,
}

impl DampedCurvature {
    /// Factorises a curvature `[p, p]` with damping λ. Only the lower half is read.
    ///
    /// # Errors
    /// [`AttributionError::Shape`], [`AttributionError::Damping`], [`AttributionError::Factorisation`].
    pub fn new(curvature: &Array2<f64>, damping: f64) -> Result<Self, AttributionError> {
        let (rows, columns) = curvature.dim();
        if rows != columns {
            return Err(AttributionError::Shape { what: "columns of the curvature", expected: rows, found: columns });
        }
        if !(damping.is_finite() && damping > 0.0) {
            return Err(AttributionError::Damping(damping));
        }
        let damped = Mat::from_fn(rows, rows, |i, j| curvature[[i, j]] + if i == j { damping } else { 0.0 });
        let factor = damped.llt(Side::Lower).map_err(|_| AttributionError::Factorisation)?;
        let lower = factor.L().to_owned();
        if (0..rows).any(|place| !lower[(place, place)].is_finite()) {
            return Err(AttributionError::Factorisation);
        }
        Ok(Self { lower })
    }

    /// Features a row.
    pub fn features(&self) -> usize {
        self.lower.nrows()
    }

    /// That rows are as wide as the curvature.
    pub(crate) fn check(&self, rows: ArrayView2<'_, f64>) -> Result<(), AttributionError> {
        match rows.ncols() {
            found if found == self.features() => Ok(()),
            found => Err(AttributionError::Shape { what: "features", expected: self.features(), found }),
        }
    }

    /// `(G + λI)⁻¹ rowsᵀ`, transposed: each row `[p]` solved for, `[n, p]`.
    pub fn solve(&self, rows: &Array2<f64>) -> Array2<f64> {
        let mut columns = self.whiten(rows.view());
        self.lower.transpose().solve_upper_triangular_in_place(&mut columns);
        Array2::from_shape_fn(rows.raw_dim(), |(i, j)| columns[(j, i)])
    }

    /// `L⁻¹ rowsᵀ`, `[p, n]`: gradients in coordinates where the curvature is the identity.
    pub(crate) fn whiten(&self, rows: ArrayView2<'_, f64>) -> Mat<f64> {
        self.whiten_columns(Mat::from_fn(rows.ncols(), rows.nrows(), |i, j| rows[[j, i]]))
    }

    /// `L⁻¹ columns`, `[p, n]`.
    pub(crate) fn whiten_columns(&self, mut columns: Mat<f64>) -> Mat<f64> {
        self.lower.solve_lower_triangular_in_place(&mut columns);
        columns
    }

    /// `L columns`, `[p, n]`: back from whitened coordinates.
    pub(crate) fn unscale(&self, columns: Mat<f64>) -> Mat<f64> {
        &self.lower * columns
    }

    /// `L⁻¹ M L⁻ᵀ` of a symmetric matrix `[p, p]`.
    pub(crate) fn whiten_both(&self, matrix: ArrayView2<'_, f64>) -> Mat<f64> {
        let half = self.whiten(matrix);
        let mut whole = half.transpose().to_owned();
        self.lower.solve_lower_triangular_in_place(&mut whole);
        whole
    }

    /// `L⁻ᵀ columns`, `[p, k]`.
    pub(crate) fn unwhiten(&self, mut columns: Mat<f64>) -> Mat<f64> {
        self.lower.transpose().solve_upper_triangular_in_place(&mut columns);
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn solving_inverts_the_damped_matrix(p in 1usize..12, seed in 0usize..1000, damping in 0.01f64..2.0) {
            let half = Array2::from_shape_fn((p, p), |(i, j)| ((i * 5 + j * 11 + seed) % 7) as f64 / 7.0);
            let g = half.t().dot(&half);
            let rows = Array2::from_shape_fn((2, p), |(i, j)| (i + j + seed) as f64 % 3.0 - 1.0);
            let curvature = DampedCurvature::new(&g, damping).unwrap();
            let solved = curvature.solve(&rows);
            let back = solved.dot(&g) + &solved * damping;
            prop_assert!((back - &rows).iter().all(|d| d.abs() < 1e-8));
            let identity = curvature.whiten_both((&g + &(Array2::<f64>::eye(p) * damping)).view());
            for i in 0..p {
                for j in 0..p {
                    let expected = f64::from(u8::from(i == j));
                    prop_assert!((identity[(i, j)] - expected).abs() < 1e-8);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_factorised_is_refused() {
        let g = Array2::<f64>::eye(2);
        for damping in [0.0, -1.0, f64::NAN] {
            assert!(matches!(DampedCurvature::new(&g, damping), Err(AttributionError::Damping(_))));
        }
        let indefinite = Array2::from_diag(&ndarray::array![1.0, -5.0]);
        assert!(matches!(DampedCurvature::new(&indefinite, 0.1), Err(AttributionError::Factorisation)));
        let broken = Array2::from_elem((2, 2), f64::NAN);
        assert!(matches!(DampedCurvature::new(&broken, 0.1), Err(AttributionError::Factorisation)));
        assert!(matches!(DampedCurvature::new(&Array2::ones((2, 3)), 0.1), Err(AttributionError::Shape { .. })));
    }
}
