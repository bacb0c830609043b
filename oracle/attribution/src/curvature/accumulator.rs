//! The exact curvature from gradient features, a chunk at a time.

use faer::{
    Accum, Mat, Par,
    linalg::matmul::triangular::{BlockStructure, matmul},
};
use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::AttributionError;

/// The most features whose curvature is kept dense: 4,096² numbers are 128 MiB.
pub const MOST_FEATURES: usize = 4_096;

/// Rows multiplied at a time: wide enough for the matrix product to run at full speed.
const BLOCK: usize = 512;

/// `Σ w φ φᵀ` over gradient features φ, `[features, features]`.
///
/// With one row a record and class, `φ` the gradient of the loss for that class and `w = p_c / N`, the sum is the true
/// Fisher information. Chunks may come in any size; the same chunks in the same order give the same bytes.
#[derive(Clone, Debug)]
pub struct Accumulator {
    /// The lower half; the rest is never touched.
    lower: Mat<f64>,
    /// Columns are weighted features, kept between chunks to spare the allocation.
    block: Mat<f64>,
    rows: usize,
}

impl Accumulator {
    /// For this many features a row.
    ///
    /// # Errors
    /// [`AttributionError::Features`] unless there are 1 to [`MOST_FEATURES`].
    pub fn new(features: usize) -> Result<Self, AttributionError> {
        if features == 0 || features > MOST_FEATURES {
            return Err(AttributionError::Features { found: features, limit: MOST_FEATURES });
        }
        Ok(Self { lower: Mat::zeros(features, features), block: Mat::zeros(features, BLOCK), rows: 0 })
    }

    /// Features a row.
    pub fn features(&self) -> usize {
        self.lower.nrows()
    }

    /// Rows added so far whose weight was not zero.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds rows `[n, features]`, each with its weight, `[n]`. Products and sums are in `f64`. On an error nothing has
    /// been added.
    ///
    /// # Errors
    /// [`AttributionError::Shape`], [`AttributionError::Weight`], [`AttributionError::NotFinite`].
    pub fn add<T: Copy + Into<f64>>(
        &mut self,
        features: ArrayView2<'_, T>,
        weights: ArrayView1<'_, f64>,
    ) -> Result<(), AttributionError> {
        Self::check(self.features(), features, weights)?;
        let mut filled = 0;
        for (row, weight) in features.outer_iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
            let root = weight.sqrt();
            self.block.col_mut(filled).iter_mut().zip(row).for_each(|(to, from)| *to = root * (*from).into());
            filled += 1;
            self.rows += 1;
            if filled == BLOCK {
                self.multiply(filled);
                filled = 0;
            }
        }
        self.multiply(filled);
        Ok(())
    }

    /// That rows are `expected` wide, finite, and carry a weight each.
    pub(crate) fn check<T: Copy + Into<f64>>(
        expected: usize,
        features: ArrayView2<'_, T>,
        weights: ArrayView1<'_, f64>,
    ) -> Result<(), AttributionError> {
        let (rows, width) = features.dim();
        if width != expected {
            return Err(AttributionError::Shape { what: "features", expected, found: width });
        }
        if weights.len() != rows {
            return Err(AttributionError::Shape { what: "weights", expected: rows, found: weights.len() });
        }
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            return Err(AttributionError::Weight(*weight));
        }
        if features.iter().any(|value| !(*value).into().is_finite()) {
            return Err(AttributionError::NotFinite("a gradient"));
        }
        Ok(())
    }

    fn multiply(&mut self, columns: usize) {
        if columns == 0 {
            return;
        }
        let block = self.block.subcols(0, columns);
        matmul(
            self.lower.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            block,
            BlockStructure::Rectangular,
            block.transpose(),
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
    }

    /// The sum, `[features, features]`, symmetric to the bit.
    pub fn finish(self) -> Array2<f64> {
        let half = |i: usize, j: usize| self.lower[(i.max(j), i.min(j))];
        Array2::from_shape_fn((self.features(), self.features()), |(i, j)| half(i, j))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Axis, Slice};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_add_up_to_the_weighted_outer_products(
            (rows, width, cut) in (1usize..40, 1usize..20, 0usize..40), seed in 0u32..1000,
        ) {
            let value = |i: usize, j: usize| ((i * 31 + j * 17 + seed as usize) % 23) as f64 / 7.0 - 1.5;
            let features = Array2::from_shape_fn((rows, width), |(i, j)| value(i, j));
            let weights: Array1<f64> = (0..rows).map(|i| (i % 4) as f64 / 3.0).collect();
            let cut = cut.min(rows);
            let mut accumulator = Accumulator::new(width).unwrap();
            for part in [0..cut, cut..rows] {
                let part = Slice::from(part);
                accumulator.add(features.slice_axis(Axis(0), part), weights.slice_axis(Axis(0), part)).unwrap();
            }
            prop_assert_eq!(accumulator.rows(), weights.iter().filter(|weight| **weight > 0.0).count());
            let sum = accumulator.finish();
            for i in 0..width {
                for j in 0..width {
                    let naive: f64 = (0..rows).map(|row| weights[row] * value(row, i) * value(row, j)).sum();
                    prop_assert!((sum[[i, j]] - naive).abs() < 1e-10);
                    prop_assert_eq!(sum[[i, j]], sum[[j, i]]);
                }
            }
        }
    }

    #[test]
    fn more_rows_than_a_block_and_single_precision_are_fine() {
        let rows = 2 * BLOCK + 3;
        let features = Array2::from_shape_fn((rows, 3), |(i, j)| (i % 5) as f32 - j as f32);
        let mut accumulator = Accumulator::new(3).unwrap();
        accumulator.add(features.view(), Array1::ones(rows).view()).unwrap();
        let wide = features.mapv(f64::from);
        assert_eq!(accumulator.finish(), wide.t().dot(&wide));
    }

    #[test]
    fn what_does_not_belong_together_is_refused_and_leaves_no_trace() {
        assert!(matches!(Accumulator::new(0), Err(AttributionError::Features { .. })));
        assert!(matches!(Accumulator::new(MOST_FEATURES + 1), Err(AttributionError::Features { .. })));
        let mut accumulator = Accumulator::new(2).unwrap();
        let two = Array2::<f64>::ones((2, 2));
        let mut add = |features: &Array2<f64>, weights: &[f64]| accumulator.add(features.view(), weights.into());
        assert!(matches!(add(&Array2::ones((2, 3)), &[1.0, 1.0]), Err(AttributionError::Shape { .. })));
        assert!(matches!(add(&two, &[1.0]), Err(AttributionError::Shape { .. })));
        assert!(matches!(add(&two, &[1.0, -1.0]), Err(AttributionError::Weight(_))));
        assert!(matches!(add(&(&two * f64::NAN), &[1.0, 1.0]), Err(AttributionError::NotFinite(_))));
        assert_eq!(accumulator.finish(), Array2::<f64>::zeros((2, 2)));
    }
}
