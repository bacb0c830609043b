//! The training objective: `1/N Σ cross-entropy + wd/2 · ‖θ‖²`, with an N that does not move when records leave.

use ndarray::Array1;
use tributary_attribution::{AttributionError, DenseClassifier, InputScaling, LabelledRecords, target};

use crate::FactoryError;

/// An objective over the parameter vector.
#[derive(Clone, Debug)]
pub struct Objective<'r> {
    records: &'r LabelledRecords,
    denominator: usize,
    widths: Vec<usize>,
    scaling: InputScaling,
    weight_decay: f64,
}

impl<'r> Objective<'r> {
    /// Checks once that network and records fit.
    ///
    /// # Errors
    /// [`FactoryError::Attribution`].
    pub fn new(
        records: &'r LabelledRecords,
        denominator: usize,
        widths: &[usize],
        scaling: InputScaling,
        weight_decay: f64,
    ) -> Result<Self, FactoryError> {
        if records.is_empty() || denominator == 0 {
            return Err(AttributionError::NoRecords("training").into());
        }
        let zeros = Array1::zeros(DenseClassifier::count(widths)?);
        DenseClassifier::from_parameters(widths, scaling, zeros.view())?.check(records)?;
        Ok(Self { records, denominator, widths: widths.to_vec(), scaling, weight_decay })
    }

    /// Value and gradient `[parameters]`.
    ///
    /// # Errors
    /// [`FactoryError::Attribution`] if the point is not finite.
    pub fn value_and_gradient(&self, point: &Array1<f64>) -> Result<(f64, Array1<f64>), FactoryError> {
        let network = DenseClassifier::from_parameters(&self.widths, self.scaling, point.view())?;
        let trace = network.trace(self.records.features().view())?;
        let mean = 1.0 / self.denominator as f64;
        let loss = mean * target::cross_entropy(trace.logits(), self.records.labels());
        let errors = target::loss_errors(trace.logits(), self.records.labels()) * mean;
        let mut gradient = network.reverse(&trace, errors).sum();
        gradient.scaled_add(self.weight_decay, point);
        Ok((loss + 0.5 * self.weight_decay * point.dot(point), gradient))
    }
}
