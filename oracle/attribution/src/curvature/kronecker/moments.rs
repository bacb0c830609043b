//! A layer's two factors and their eigenbases.

use faer::{Mat, Side};
use ndarray::{Array1, Array2, ArrayView1, ArrayView4};

use super::Factors;
use crate::{AttributionError, curvature::Accumulator};

/// `A` and `B` of one layer, a chunk of records at a time.
#[derive(Clone, Debug)]
pub struct LayerMoments {
    groups: usize,
    input: Accumulator,
    output: Accumulator,
    /// Σ weights.
    weight: f64,
    /// Σ weights · positions.
    positions: f64,
}

/// Eigenbases of a layer's factors, scaled so that the layer's block is about `A ⊗ B` for every group.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigenbases {
    /// Groups that share the bases.
    pub groups: usize,
    /// Directions of the inputs as columns, `[in, in]`, by falling eigenvalue.
    pub input: Array2<f64>,
    /// Their eigenvalues, `[in]`.
    pub input_values: Array1<f64>,
    /// Directions of the errors as columns, `[out, out]`, by falling eigenvalue.
    pub output: Array2<f64>,
    /// Their eigenvalues, `[out]`.
    pub output_values: Array1<f64>,
}

impl LayerMoments {
    /// For a layer of `groups` times `inputs` to `outputs`.
    ///
    /// # Errors
    /// [`AttributionError::Features`] if one side is zero or too wide.
    pub fn new(groups: usize, inputs: usize, outputs: usize) -> Result<Self, AttributionError> {
        let (input, output) = (Accumulator::new(inputs)?, Accumulator::new(outputs)?);
        match groups {
            0 => Err(AttributionError::Features { found: 0, limit: 1 }),
            _ => Ok(Self { groups, input, output, weight: 0.0, positions: 0.0 }),
        }
    }

    /// Adds records' factors for one class each, with weights `p_c / N`, `[n]`.
    ///
    /// # Errors
    /// [`AttributionError::Shape`], [`AttributionError::Weight`], [`AttributionError::NotFinite`].
    pub fn add<T: Copy + Into<f64>>(
        &mut self,
        factors: Factors<'_, T>,
        weights: ArrayView1<'_, f64>,
    ) -> Result<(), AttributionError> {
        factors.check(self.input.features(), self.output.features(), self.groups)?;
        let (records, _, positions, _) = factors.activation.dim();
        if weights.len() != records {
            return Err(AttributionError::Shape { what: "weights", expected: records, found: weights.len() });
        }
        let repeats = self.groups * positions;
        let repeated: Array1<f64> = weights.iter().flat_map(|weight| std::iter::repeat_n(*weight, repeats)).collect();
        self.input.add(flat(factors.activation).view(), repeated.view())?;
        self.output.add(flat(factors.error).view(), repeated.view())?;
        self.weight += weights.sum();
        self.positions += weights.sum() * positions as f64;
        Ok(())
    }

    /// Eigenbases of what was added.
    ///
    /// # Errors
    /// [`AttributionError::NoRecords`] if nothing was, [`AttributionError::Factorisation`].
    pub fn finish(self) -> Result<Eigenbases, AttributionError> {
        if self.weight <= 0.0 || self.positions <= 0.0 {
            return Err(AttributionError::NoRecords("training"));
        }
        let groups = self.groups as f64;
        // Sums over groups become means over them. The expectation's weight stays in one factor, the mean over
        // positions is taken in the other: the layer's block is their product.
        let (input, input_values) = eigen(&self.input.finish(), groups * self.weight)?;
        let (output, output_values) = eigen(&self.output.finish(), groups * self.positions / self.weight)?;
        Ok(Eigenbases { groups: self.groups, input, input_values, output, output_values })
    }
}

/// `[n, groups, positions, width]` as `[n · groups · positions, width]`.
fn flat<T: Copy + Into<f64>>(factor: ArrayView4<'_, T>) -> Array2<f64> {
    let (n, groups, positions, width) = factor.dim();
    let mut flat = Array2::zeros((n * groups * positions, width));
    flat.iter_mut().zip(factor).for_each(|(to, from)| *to = (*from).into());
    flat
}

/// Eigenvectors as columns and eigenvalues of a symmetric matrix over `divisor`, by falling eigenvalue.
fn eigen(matrix: &Array2<f64>, divisor: f64) -> Result<(Array2<f64>, Array1<f64>), AttributionError> {
    let size = matrix.nrows();
    let eigen = Mat::from_fn(size, size, |i, j| matrix[[i, j]] / divisor)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| AttributionError::Factorisation)?;
    let last = size.saturating_sub(1);
    let vectors = Array2::from_shape_fn((size, size), |(i, j)| eigen.U()[(i, last - j)]);
    Ok((vectors, eigen.S().column_vector().iter().rev().map(|value| value.max(0.0)).collect()))
}
