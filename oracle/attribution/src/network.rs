//! Dense classifiers: softmax regression, or GELU hidden layers before it.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice};

use crate::{AttributionError, LabelledRecords};

/// How raw features become the first layer's input: `(x − shift) · scale`. It is part of the network and of its graph,
/// so that a record is served as it was contributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputScaling {
    /// Subtracted from every feature.
    pub shift: f64,
    /// Multiplied with the difference.
    pub scale: f64,
}

impl InputScaling {
    /// Maps `[low, high]` onto `[−1, 1]`.
    pub fn centred(low: f64, high: f64) -> Self {
        Self { shift: (low + high) / 2.0, scale: 2.0 / (high - low) }
    }
}

/// A classifier of dense layers with GELU between them; the last layer's outputs are the logits.
///
/// A layer is one matrix `[inputs + 1, outputs]`, its last row the bias. The parameter vector is the layers' matrices
/// one after the other, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseClassifier {
    scaling: InputScaling,
    layers: Vec<Array2<f64>>,
}

impl DenseClassifier {
    /// Builds the network of these widths (`[input, hidden…, classes]`) from its parameter vector.
    ///
    /// # Errors
    /// [`AttributionError::Widths`], [`AttributionError::ParameterCount`], [`AttributionError::NotFinite`].
    pub fn from_parameters(
        widths: &[usize],
        scaling: InputScaling,
        parameters: ArrayView1<'_, f64>,
    ) -> Result<Self, AttributionError> {
        let expected = Self::count(widths)?;
        if parameters.len() != expected {
            return Err(AttributionError::ParameterCount { expected, found: parameters.len() });
        }
        if !(scaling.shift.is_finite() && scaling.scale.is_finite() && parameters.iter().all(|p| p.is_finite())) {
            return Err(AttributionError::NotFinite("the network"));
        }
        let mut layers = Vec::with_capacity(widths.len() - 1);
        let mut start = 0;
        for pair in widths.windows(2) {
            let shape = (pair[0] + 1, pair[1]);
            let end = start + shape.0 * shape.1;
            let values = parameters.slice_axis(Axis(0), Slice::from(start..end)).to_vec();
            layers.push(
                Array2::from_shape_vec(shape, values)
                    .map_err(|_| AttributionError::ParameterCount { expected, found: parameters.len() })?,
            );
            start = end;
        }
        Ok(Self { scaling, layers })
    }

    /// How many parameters a network of these widths has.
    ///
    /// # Errors
    /// [`AttributionError::Widths`] if it is no classifier.
    pub fn count(widths: &[usize]) -> Result<usize, AttributionError> {
        let refused = || AttributionError::Widths(widths.to_vec());
        if widths.len() < 2 || widths.contains(&0) || widths[widths.len() - 1] < 2 {
            return Err(refused());
        }
        widths
            .windows(2)
            .try_fold(0usize, |sum, pair| pair[0].checked_add(1)?.checked_mul(pair[1])?.checked_add(sum))
            .ok_or_else(refused)
    }

    /// `[input, hidden…, classes]`.
    pub fn widths(&self) -> Vec<usize> {
        std::iter::once(self.input_width()).chain(self.layers.iter().map(Array2::ncols)).collect()
    }

    /// Features a record.
    pub fn input_width(&self) -> usize {
        self.layers[0].nrows() - 1
    }

    /// Classes the network tells apart.
    pub fn classes(&self) -> usize {
        self.layers[self.layers.len() - 1].ncols()
    }

    /// What happens to raw features first.
    pub fn scaling(&self) -> InputScaling {
        self.scaling
    }

    /// Length of the parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(Array2::len).sum()
    }

    /// The parameter vector, `[parameters]`.
    pub fn parameters(&self) -> Array1<f64> {
        self.layers.iter().flat_map(|layer| layer.iter().copied()).collect()
    }

    /// The same network with every parameter rounded to `f32`, the precision it is served in.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        for layer in &mut self.layers {
            layer.mapv_inplace(|value| f64::from(value as f32));
        }
        self
    }

    /// The layers' matrices, `[inputs + 1, outputs]`.
    pub fn layers(&self) -> &[Array2<f64>] {
        &self.layers
    }

    /// Where each layer's matrix lies in the parameter vector.
    pub fn layer_ranges(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        self.layers
            .iter()
            .map(|layer| {
                let range = start..start + layer.len();
                start = range.end;
                range
            })
            .collect()
    }

    /// Logits `[n, classes]` of raw features `[n, input]`.
    ///
    /// # Errors
    /// [`AttributionError::FeatureWidth`].
    pub fn logits(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>, AttributionError> {
        Ok(self.trace(features)?.into_logits())
    }

    /// That these records are this network's to read: width and labels.
    ///
    /// # Errors
    /// [`AttributionError::FeatureWidth`], [`AttributionError::Label`].
    pub fn check(&self, records: &LabelledRecords) -> Result<(), AttributionError> {
        self.check_width(records.features().ncols())?;
        let classes = self.classes();
        match records.labels().iter().enumerate().find(|(_, label)| **label >= classes) {
            None => Ok(()),
            Some((record, label)) => Err(AttributionError::Label { record, label: *label, classes }),
        }
    }

    pub(crate) fn check_width(&self, found: usize) -> Result<(), AttributionError> {
        match self.input_width() {
            expected if expected == found => Ok(()),
            expected => Err(AttributionError::FeatureWidth { expected, found }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    #[test]
    fn parameters_go_in_and_come_out_in_the_same_order() {
        let parameters: Array1<f64> = (0..(3 * 4 + 5 * 2)).map(f64::from).collect();
        let scaling = InputScaling::centred(0.0, 16.0);
        let network = DenseClassifier::from_parameters(&[2, 4, 2], scaling, parameters.view()).unwrap();
        assert_eq!(network.parameters(), parameters);
        assert_eq!(network.widths(), [2, 4, 2]);
        assert_eq!(network.layer_ranges(), [0..12, 12..22]);
        assert_eq!(scaling, InputScaling { shift: 8.0, scale: 0.125 });
    }

    #[test]
    fn what_is_no_classifier_is_refused() {
        let scaling = InputScaling::centred(-1.0, 1.0);
        let build = |widths: &[usize], n| DenseClassifier::from_parameters(widths, scaling, Array1::zeros(n).view());
        for widths in [&[][..], &[3], &[3, 1], &[3, 0, 2], &[usize::MAX, 2]] {
            assert!(matches!(build(widths, 0), Err(AttributionError::Widths(_))), "{widths:?}");
        }
        assert!(matches!(build(&[3, 2], 7), Err(AttributionError::ParameterCount { expected: 8, found: 7 })));
        let network = build(&[3, 2], 8).unwrap();
        assert!(matches!(network.logits(Array2::zeros((1, 4)).view()), Err(AttributionError::FeatureWidth { .. })));
    }
}
