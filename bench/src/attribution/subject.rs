//! What the yardstick needs of a model, whatever it is built of.

use std::ops::Range;

use eyre::Result;
use ndarray::{Array1, Array2, Array4, ArrayD, ArrayView2, Axis, Zip};
use serde_json::Value;
use tributary_attribution::{curvature::Accumulator, graph::Graph};
use tributary_runtime::OnnxRuntime;

use crate::attribution::labelled::LabelledRecords;

use super::logits::probabilities;

/// A way to train.
pub(super) trait Subject: Sync {
    /// Everything that decides what training gives, besides records and seed.
    fn recipe(&self) -> String;

    /// λ for the curvature of the whole of `records` that stands for a retraining on half of them: what pulls parameters
    /// back, in the scale of the whole.
    fn damping(&self, records: usize) -> f64;

    /// How models are built and trained, for whoever rebuilds them from [`Model::tensors`].
    fn description(&self) -> Value;

    /// Where models compute.
    fn runtime(&self) -> &OnnxRuntime;

    /// Trains on `records` from a seeded start. `denominator` is N of the objective's mean, for recipes that fix it.
    fn train(&self, records: &LabelledRecords, denominator: usize, seed: u64) -> Result<Box<dyn Model>>;
}

/// A layer's inputs and output errors, `[n, groups, positions, …]`.
#[derive(Clone, Debug)]
pub(super) struct Factors {
    pub(super) activation: Array4<f32>,
    pub(super) error: Array4<f32>,
}

/// A trained classifier. Parameters are one vector `[p]`.
pub(super) trait Model {
    /// The model as it is released.
    fn graph(&self) -> Result<Graph>;

    /// How many parameters there are.
    fn parameters(&self) -> usize;

    /// The parameters by name, in the vector's order.
    fn tensors(&self) -> Result<Vec<(String, ArrayD<f32>)>>;

    /// Logits `[n, classes]` of features `[n, width]`.
    fn logits(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>>;

    /// Gradients of the given classes' margins, `[n, p]`.
    fn margin_gradients(&self, features: ArrayView2<'_, f64>, classes: &[usize]) -> Result<Array2<f64>>;

    /// The same gradients as factors, layer by layer.
    fn factors(&self, features: ArrayView2<'_, f64>, classes: &[usize]) -> Result<Vec<Factors>>;

    /// Where the last layer's parameters lie.
    fn last_layer(&self) -> Result<Range<usize>>;

    /// Per record, how its loss changes with its margin: minus what the model leaves to the other classes, `[n]`.
    /// Cross-entropy is a function of the margin alone.
    fn loss_slopes(&self, records: &LabelledRecords) -> Result<Array1<f64>> {
        let probabilities = probabilities(&self.logits(records.features().view())?);
        let rows = probabilities.outer_iter().zip(records.labels());
        Ok(rows.map(|(row, label)| -others(row, *label)).collect())
    }

    /// Gradients of the records' losses, `[n, p]`.
    fn loss_gradients(&self, records: &LabelledRecords) -> Result<Array2<f64>> {
        let mut gradients = self.margin_gradients(records.features().view(), records.labels())?;
        let slopes = self.loss_slopes(records)?;
        Zip::from(gradients.rows_mut()).and(&slopes).for_each(|mut gradient, slope| gradient *= *slope);
        Ok(gradients)
    }

    /// The Gauss-Newton matrix `[p, p]` of `1/denominator · Σ loss`: the expectation over the model's own classes.
    fn curvature(&self, records: &LabelledRecords, denominator: usize) -> Result<Array2<f64>> {
        let mut sum = Accumulator::new(self.parameters())?;
        for (class, weights) in self.fisher_weights(records, denominator)?.columns().into_iter().enumerate() {
            let classes = vec![class; records.len()];
            sum.add(self.margin_gradients(records.features().view(), &classes)?.view(), weights)?;
        }
        Ok(sum.finish())
    }

    /// What each class of each record weighs in the Fisher information as margin gradients, `[n, classes]`.
    fn fisher_weights(&self, records: &LabelledRecords, denominator: usize) -> Result<Array2<f64>> {
        let probabilities = probabilities(&self.logits(records.features().view())?);
        let mut weights = probabilities.clone();
        for (mut weights, row) in weights.axis_iter_mut(Axis(0)).zip(probabilities.outer_iter()) {
            for (class, weight) in weights.iter_mut().enumerate() {
                *weight *= others(row, class).powi(2) / denominator as f64;
            }
        }
        Ok(weights)
    }
}

/// What other classes have together: 1 − p would lose its digits for a confident class.
fn others(row: ndarray::ArrayView1<'_, f64>, class: usize) -> f64 {
    row.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, p)| p).sum()
}
