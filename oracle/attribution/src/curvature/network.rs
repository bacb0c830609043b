//! The Gauss-Newton matrix of a dense classifier.
//!
//! `G = 1/N Σ_i J_iᵀ (diag p_i − p_i p_iᵀ) J_i`, exact. Every block of two layers is built unit by unit from the layers'
//! inputs and their logit Jacobians, which costs `classes` times less than multiplying per-record gradients.

use std::ops::Range;

use ndarray::{Array1, Array2, Axis, Slice};

use crate::{AttributionError, DenseClassifier, LabelledRecords, reverse::Trace, target};

/// The largest network whose curvature is computed exactly: 8,192² numbers are half a gigabyte.
pub const MOST_PARAMETERS: usize = 8_192;

/// `G` of a network on its training records, `[parameters, parameters]`, with `1/denominator` for `1/N`.
///
/// # Errors
/// [`AttributionError::NoRecords`], [`AttributionError::TooManyParameters`], [`AttributionError::FeatureWidth`],
/// [`AttributionError::Label`].
pub fn gauss_newton(
    network: &DenseClassifier,
    records: &LabelledRecords,
    denominator: usize,
) -> Result<Array2<f64>, AttributionError> {
    if records.is_empty() || denominator == 0 {
        return Err(AttributionError::NoRecords("training"));
    }
    let parameters = network.parameter_count();
    if parameters > MOST_PARAMETERS {
        return Err(AttributionError::TooManyParameters { found: parameters, limit: MOST_PARAMETERS });
    }
    network.check(records)?;
    let trace = network.trace(records.features().view())?;
    let layers = layer_views(network, &trace, denominator);
    let mut curvature = Array2::zeros((parameters, parameters));
    for (place, left) in layers.iter().enumerate() {
        for right in &layers[place..] {
            fill(&mut curvature, left, right);
        }
    }
    Ok(curvature)
}

/// One layer's part in the curvature.
struct LayerView<'t> {
    range: Range<usize>,
    /// `[n, inputs + 1]`.
    input: &'t Array2<f64>,
    /// Per unit, √(p_c/N) · (∂z_c/∂unit − mean over classes), `[n, classes]`.
    units: Vec<Array2<f64>>,
}

impl LayerView<'_> {
    /// One unit's column of the layer's matrix, in the parameter vector.
    fn parameters_of(&self, unit: usize) -> Slice {
        Slice::from(self.range.start + unit..self.range.end).step_by(self.units.len() as isize)
    }
}

fn layer_views<'t>(network: &DenseClassifier, trace: &'t Trace, denominator: usize) -> Vec<LayerView<'t>> {
    let probabilities = target::probabilities(trace.logits());
    let (records, classes) = probabilities.dim();
    let mut layers: Vec<LayerView<'t>> = (network.layer_ranges().into_iter().zip(trace.inputs()).zip(network.layers()))
        .map(|((range, input), layer)| {
            let units = vec![Array2::zeros((records, classes)); layer.ncols()];
            LayerView { range, input, units }
        })
        .collect();
    for class in 0..classes {
        let mut one_hot = Array2::zeros((records, classes));
        one_hot.column_mut(class).fill(1.0);
        let factors = network.reverse(trace, one_hot);
        for (layer, errors) in layers.iter_mut().zip(factors.errors()) {
            for (unit, column) in layer.units.iter_mut().zip(errors.columns()) {
                unit.column_mut(class).assign(&column);
            }
        }
    }
    let weights = probabilities.mapv(|p| (p / denominator as f64).sqrt());
    for unit in layers.iter_mut().flat_map(|layer| &mut layer.units) {
        let mean = (&*unit * &probabilities).sum_axis(Axis(1)).insert_axis(Axis(1));
        *unit -= &mean;
        *unit *= &weights;
    }
    layers
}

/// Adds the block of two layers and its mirror image.
fn fill(curvature: &mut Array2<f64>, left: &LayerView<'_>, right: &LayerView<'_>) {
    let same = left.range == right.range;
    for (u, left_unit) in left.units.iter().enumerate() {
        for (v, right_unit) in right.units.iter().enumerate().skip(if same { u } else { 0 }) {
            let weights: Array1<f64> = (left_unit * right_unit).sum_axis(Axis(1));
            let block = left.input.t().dot(&(right.input * &weights.insert_axis(Axis(1))));
            let (of_u, of_v) = (left.parameters_of(u), right.parameters_of(v));
            curvature.slice_axis_mut(Axis(0), of_u).slice_axis_mut(Axis(1), of_v).assign(&block);
            curvature.slice_axis_mut(Axis(0), of_v).slice_axis_mut(Axis(1), of_u).assign(&block.t());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InputScaling;

    fn setting(widths: &[usize]) -> (DenseClassifier, LabelledRecords) {
        let count = DenseClassifier::count(widths).unwrap();
        let parameters: Array1<f64> = (0..count).map(|i| (i * 37 % 23) as f64 / 23.0 - 0.5).collect();
        let network =
            DenseClassifier::from_parameters(widths, InputScaling::centred(0.0, 4.0), parameters.view()).unwrap();
        let features = Array2::from_shape_fn((7, widths[0]), |(i, j)| ((i * 5 + j * 3) % 5) as f64);
        (network, LabelledRecords::new(features, vec![0; 7]).unwrap())
    }

    #[test]
    fn it_is_the_expected_outer_product_of_the_models_own_gradients() {
        for widths in [&[4, 3][..], &[4, 5, 3], &[3, 4, 2, 3]] {
            let (network, records) = setting(widths);
            let trace = network.trace(records.features().view()).unwrap();
            let p = target::probabilities(trace.logits());
            let every = Array2::eye(network.parameter_count());
            let mut expected = Array2::<f64>::zeros((network.parameter_count(), network.parameter_count()));
            for class in 0..network.classes() {
                let errors = target::loss_errors(trace.logits(), &vec![class; records.len()]);
                let gradients = network.reverse(&trace, errors).project(every.view());
                let weighted = &gradients * &p.column(class).insert_axis(Axis(1));
                expected += &(gradients.t().dot(&weighted) / 7.0);
            }
            let found = gauss_newton(&network, &records, 7).unwrap();
            assert!((&found - &expected).iter().all(|d| d.abs() < 1e-12));
        }
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        let (network, records) = setting(&[4, 3]);
        assert!(matches!(gauss_newton(&network, &records.select(&[]), 7), Err(AttributionError::NoRecords(_))));
        let wide = DenseClassifier::from_parameters(
            &[1000, 10],
            InputScaling::centred(0.0, 1.0),
            Array1::zeros(10_010).view(),
        );
        let one = LabelledRecords::new(Array2::zeros((1, 1000)), vec![0]).unwrap();
        let refused = gauss_newton(&wide.unwrap(), &one, 1);
        assert!(matches!(refused, Err(AttributionError::TooManyParameters { found: 10_010, .. })));
    }
}
