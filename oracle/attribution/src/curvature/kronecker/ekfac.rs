//! EK-FAC by itself (George et al. 2018; for influence, Grosse et al. 2023).

use ndarray::{Array1, Array2, ArrayView1, Zip};

use super::{Eigenbases, Factors};
use crate::AttributionError;

/// One layer's block of the curvature in its Kronecker eigenbasis, with measured eigenvalues.
#[derive(Clone, Debug)]
pub struct EkFac {
    bases: Eigenbases,
    /// `Σ w (Uᵀ ∇W V)²`, `[groups · in · out]`.
    values: Array1<f64>,
}

impl EkFac {
    /// In these bases, with nothing measured yet.
    pub fn new(bases: Eigenbases) -> Self {
        let size = bases.groups * bases.input.ncols() * bases.output.ncols();
        Self { bases, values: Array1::zeros(size) }
    }

    /// Measures the eigenvalues on records' factors for one class each, with weights `p_c / N`, `[n]`: the same records
    /// and weights that the bases were made of.
    ///
    /// # Errors
    /// [`AttributionError::Shape`], [`AttributionError::Weight`], [`AttributionError::NotFinite`].
    pub fn add<T: Copy + Into<f64>>(
        &mut self,
        factors: Factors<'_, T>,
        weights: ArrayView1<'_, f64>,
    ) -> Result<(), AttributionError> {
        let rotated = self.rotate(factors)?;
        if weights.len() != rotated.nrows() {
            let (expected, found) = (rotated.nrows(), weights.len());
            return Err(AttributionError::Shape { what: "weights", expected, found });
        }
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            return Err(AttributionError::Weight(*weight));
        }
        for (row, weight) in rotated.outer_iter().zip(weights) {
            Zip::from(&mut self.values).and(row).for_each(|value, rotated| *value += weight * rotated * rotated);
        }
        Ok(())
    }

    /// Measured eigenvalues, `[groups · in · out]`.
    pub fn values(&self) -> &Array1<f64> {
        &self.values
    }

    /// Gradients of the layer in coordinates where its damped block is the identity, `[n, groups · in · out]`. The score
    /// of a record for a query is the sum over layers of the dot product of their rows, over `−N`.
    ///
    /// # Errors
    /// [`AttributionError::Damping`], [`AttributionError::Shape`], [`AttributionError::NotFinite`].
    pub fn whiten<T: Copy + Into<f64>>(
        &self,
        factors: Factors<'_, T>,
        damping: f64,
    ) -> Result<Array2<f64>, AttributionError> {
        if !(damping.is_finite() && damping > 0.0) {
            return Err(AttributionError::Damping(damping));
        }
        Ok(self.rotate(factors)? / &self.values.mapv(|value| (value + damping).sqrt()))
    }

    fn rotate<T: Copy + Into<f64>>(&self, factors: Factors<'_, T>) -> Result<Array2<f64>, AttributionError> {
        match (self.bases.groups, factors.activation.dim().1) {
            (expected, found) if expected == found => factors.project(&self.bases.input, &self.bases.output),
            (expected, found) => Err(AttributionError::Shape { what: "groups of a layer's inputs", expected, found }),
        }
    }
}
