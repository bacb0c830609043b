//! The curvature of layers too large for the dense matrix, by Kronecker factors.
//!
//! A layer with input `a` and output error `δ` has the weight gradient `Σ_p a_p δ_pᵀ` over its positions `p`. Its block of
//! the Gauss-Newton matrix is close to `A ⊗ B` with `A = E[Σ_p a aᵀ]` and `B = E[Σ_p δ δᵀ] / positions` (K-FAC, Martens &
//! Grosse 2015; convolutions, Grosse & Martens 2016), and closer still with the eigenbases kept and the eigenvalues
//! measured (EK-FAC, George et al. 2018). Here the eigenbases serve two ends:
//!
//! - [`plan`] picks each layer's leading directions so that all layers' projected gradients `Uᵀ (Σ_p a_p δ_pᵀ) V` together
//!   have few enough numbers for the dense curvature, which then corrects them;
//! - [`EkFac`] is the approximation by itself, for comparison.
//!
//! The groups of a grouped convolution share the layer's two bases. A parameter that is not a matrix, such as a bias, is a
//! layer with one input that is always 1.

mod ekfac;
mod moments;
mod plan;

use ndarray::{Array2, ArrayView4, Axis, Slice};

use crate::AttributionError;

pub use ekfac::EkFac;
pub use moments::{Eigenbases, LayerMoments};
pub use plan::{LayerProjection, plan};

/// One layer's factors of a chunk of records.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a, T> {
    /// Layer inputs, `[n, groups, positions, in]`.
    pub activation: ArrayView4<'a, T>,
    /// Errors at the layer's output, `[n, groups, positions, out]`.
    pub error: ArrayView4<'a, T>,
}

impl<T: Copy + Into<f64>> Factors<'_, T> {
    /// Records.
    pub fn records(&self) -> usize {
        self.activation.dim().0
    }

    /// Every record's `inputᵀ (Σ_p a_p δ_pᵀ) output` for projections `input` `[in, r]` and `output` `[out, s]`,
    /// `[n, groups · r · s]`: what the compiled graph computes, in `f64`.
    ///
    /// # Errors
    /// [`AttributionError::Shape`], [`AttributionError::NotFinite`].
    pub fn project(&self, input: &Array2<f64>, output: &Array2<f64>) -> Result<Array2<f64>, AttributionError> {
        self.check(input.nrows(), output.nrows(), self.activation.dim().1)?;
        let (records, groups, ..) = self.activation.dim();
        let size = input.ncols() * output.ncols();
        let mut features = Array2::zeros((records, groups * size));
        for (record, mut row) in features.outer_iter_mut().enumerate() {
            for group in 0..groups {
                let (activation, error) = self.matrices(record, group);
                let gradient = activation.dot(input).t().dot(&error.dot(output));
                let mut part = row.slice_axis_mut(Axis(0), Slice::from(group * size..(group + 1) * size));
                part.iter_mut().zip(&gradient).for_each(|(to, from)| *to = *from);
            }
        }
        Ok(features)
    }

    /// One record's and group's `[positions, in]` and `[positions, out]`.
    fn matrices(&self, record: usize, group: usize) -> (Array2<f64>, Array2<f64>) {
        let matrix = |factor: ArrayView4<'_, T>| {
            factor.index_axis_move(Axis(0), record).index_axis_move(Axis(0), group).mapv(Into::into)
        };
        (matrix(self.activation), matrix(self.error))
    }

    fn check(&self, inputs: usize, outputs: usize, groups: usize) -> Result<(), AttributionError> {
        let (a, e) = (self.activation.dim(), self.error.dim());
        for (what, expected, found) in [
            ("records of a layer's errors", a.0, e.0),
            ("groups of a layer's inputs", groups, a.1),
            ("groups of a layer's errors", groups, e.1),
            ("positions of a layer's errors", a.2, e.2),
            ("inputs of a layer", inputs, a.3),
            ("outputs of a layer", outputs, e.3),
        ] {
            if expected != found {
                return Err(AttributionError::Shape { what, expected, found });
            }
        }
        match self.activation.iter().chain(&self.error).all(|value| (*value).into().is_finite()) {
            true => Ok(()),
            false => Err(AttributionError::NotFinite("a layer's factor")),
        }
    }
}

#[cfg(test)]
mod tests;
