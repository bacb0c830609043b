//! What the yardstick needs of a model, whatever it is built of.

use std::ops::Range;

use eyre::Result;
use ndarray::{Array2, ArrayView2};
use tributary_attribution::LabelledRecords;

/// A way to train.
pub(super) trait Subject: Sync {
    /// Everything that decides what training gives, besides records and seed.
    fn recipe(&self) -> String;

    /// Weight decay of the objective.
    fn weight_decay(&self) -> f64;

    /// Trains on `records` from a seeded start. `denominator` is N of the objective's mean, for recipes that fix it.
    fn train(&self, records: &LabelledRecords, denominator: usize, seed: u64) -> Result<Box<dyn Model>>;
}

/// A trained model. Parameters are one vector `[p]`.
pub(super) trait Model {
    /// Logits `[n, classes]` of features `[n, width]`.
    fn logits(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>>;

    /// Gradients of the given classes' margins, `[n, p]`.
    fn margin_gradients(&self, features: ArrayView2<'_, f64>, classes: &[usize]) -> Result<Array2<f64>>;

    /// Gradients of the records' losses, `[n, p]`.
    fn loss_gradients(&self, records: &LabelledRecords) -> Result<Array2<f64>>;

    /// The Gauss-Newton matrix `[p, p]` of `1/denominator · Σ loss`.
    fn curvature(&self, records: &LabelledRecords, denominator: usize) -> Result<Array2<f64>>;

    /// Where the last layer's parameters lie.
    fn last_layer(&self) -> Range<usize>;
}
