//! Forward trace and reverse mode.
//!
//! The gradient of one output with respect to a layer's matrix is an outer product: the layer's input times the error
//! at its output. A batch therefore keeps two *factors* a layer and never the gradients themselves.

use ndarray::{Array1, Array2, ArrayView2, Axis, Slice, Zip, concatenate};

use crate::{AttributionError, DenseClassifier, activation::gelu};

/// Records handled at a time where per-record gradients have to be written out.
const BLOCK: usize = 128;

/// What a forward pass leaves for the reverse pass.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Per layer, its input with a closing column of ones, `[n, inputs + 1]`.
    inputs: Vec<Array2<f64>>,
    /// Per hidden layer, the activation's slope, `[n, outputs]`.
    slopes: Vec<Array2<f64>>,
    logits: Array2<f64>,
}

impl Trace {
    /// Logits, `[n, classes]`.
    pub fn logits(&self) -> &Array2<f64> {
        &self.logits
    }

    /// Per layer, its input with a closing column of ones, `[n, inputs + 1]`.
    pub fn inputs(&self) -> &[Array2<f64>] {
        &self.inputs
    }

    pub(crate) fn into_logits(self) -> Array2<f64> {
        self.logits
    }
}

/// Per-record gradients of a whole batch, as factors.
#[derive(Clone, Debug)]
pub struct Factors<'t> {
    inputs: &'t [Array2<f64>],
    errors: Vec<Array2<f64>>,
}

impl DenseClassifier {
    /// Runs raw features `[n, input]` forward.
    ///
    /// # Errors
    /// [`AttributionError::FeatureWidth`].
    pub fn trace(&self, features: ArrayView2<'_, f64>) -> Result<Trace, AttributionError> {
        self.check_width(features.ncols())?;
        let scaling = self.scaling();
        let mut activations = features.mapv(|value| (value - scaling.shift) * scaling.scale);
        let mut inputs = Vec::with_capacity(self.layers().len());
        let mut slopes = Vec::with_capacity(self.layers().len() - 1);
        for (place, layer) in self.layers().iter().enumerate() {
            let input = with_ones(activations);
            let mut output = input.dot(layer);
            inputs.push(input);
            if place + 1 < self.layers().len() {
                let mut slope = Array2::zeros(output.raw_dim());
                Zip::from(&mut output).and(&mut slope).for_each(|o, s| (*o, *s) = gelu(*o));
                slopes.push(slope);
            }
            activations = output;
        }
        Ok(Trace { inputs, slopes, logits: activations })
    }

    /// Carries the errors at the logits `[n, classes]` back to every layer.
    pub fn reverse<'t>(&self, trace: &'t Trace, logit_errors: Array2<f64>) -> Factors<'t> {
        let mut errors = vec![logit_errors];
        for (layer, slope) in self.layers().iter().skip(1).zip(&trace.slopes).rev() {
            let weights = layer.slice_axis(Axis(0), Slice::from(..layer.nrows() - 1));
            let mut error = errors[errors.len() - 1].dot(&weights.t());
            error *= slope;
            errors.push(error);
        }
        errors.reverse();
        Factors { inputs: &trace.inputs, errors }
    }
}

impl Factors<'_> {
    /// Per layer, the error at its output, `[n, outputs]`.
    pub fn errors(&self) -> &[Array2<f64>] {
        &self.errors
    }

    /// The batch's summed gradient, `[parameters]`.
    pub fn sum(&self) -> Array1<f64> {
        let layers = self.inputs.iter().zip(&self.errors).map(|(input, error)| input.t().dot(error));
        layers.flat_map(|gradient| gradient.into_iter()).collect()
    }

    /// Gradients summed by group, `[groups, parameters]`: record `i` belongs to `groups[i] < count`.
    pub fn sum_by(&self, groups: &[usize], count: usize) -> Array2<f64> {
        let mut sums = Array2::zeros((count, self.parameters()));
        for (group, mut row) in sums.outer_iter_mut().enumerate() {
            let members: Vec<usize> = (0..groups.len()).filter(|record| groups[*record] == group).collect();
            let mut start = 0;
            for (input, error) in self.inputs.iter().zip(&self.errors) {
                let gradient = input.select(Axis(0), &members).t().dot(&error.select(Axis(0), &members));
                let end = start + gradient.len();
                row.slice_axis_mut(Axis(0), Slice::from(start..end))
                    .assign(&gradient.into_iter().collect::<Array1<f64>>());
                start = end;
            }
        }
        sums
    }

    /// Every record's gradient times `projection` `[parameters, k]`, `[n, k]`.
    pub fn project(&self, projection: ArrayView2<'_, f64>) -> Array2<f64> {
        let records = self.inputs[0].nrows();
        let mut projected = Array2::zeros((records, projection.ncols()));
        for first in (0..records).step_by(BLOCK) {
            let rows = Slice::from(first..records.min(first + BLOCK));
            let mut start = 0;
            for (input, error) in self.inputs.iter().zip(&self.errors) {
                let gradients = outer(input.slice_axis(Axis(0), rows), error.slice_axis(Axis(0), rows));
                let end = start + gradients.ncols();
                let mut block = projected.slice_axis_mut(Axis(0), rows);
                block += &gradients.dot(&projection.slice_axis(Axis(0), Slice::from(start..end)));
                start = end;
            }
        }
        projected
    }

    fn parameters(&self) -> usize {
        self.inputs.iter().zip(&self.errors).map(|(input, error)| input.ncols() * error.ncols()).sum()
    }
}

/// Row-wise outer products, `[n, inputs · outputs]`.
fn outer(inputs: ArrayView2<'_, f64>, errors: ArrayView2<'_, f64>) -> Array2<f64> {
    let width = errors.ncols();
    Array2::from_shape_fn((inputs.nrows(), inputs.ncols() * width), |(record, place)| {
        inputs[[record, place / width]] * errors[[record, place % width]]
    })
}

fn with_ones(activations: Array2<f64>) -> Array2<f64> {
    let ones = Array2::ones((activations.nrows(), 1));
    // Equal row counts by construction, so this cannot fail.
    concatenate(Axis(1), &[activations.view(), ones.view()]).unwrap_or(activations)
}

#[cfg(test)]
mod tests;
