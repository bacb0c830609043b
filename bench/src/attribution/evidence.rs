//! What one release gives every method to work with.

use std::ops::Range;

use crate::attribution::labelled::LabelledRecords;
use eyre::Result;
use ndarray::{Array2, Axis};

use super::{logits::served_classes, subject::Model, task::Task};

/// Gradients and curvature of one model, and whose records are whose.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Gradients of the margins asked about, `[queries, p]`.
    pub(super) queries: Array2<f64>,
    /// Effects of the records, `−∇loss/N`, `[n, p]`.
    pub(super) records: Array2<f64>,
    /// Gauss-Newton matrix, `[p, p]`.
    pub(super) curvature: Array2<f64>,
    /// Where the last layer lies.
    pub(super) last_layer: Range<usize>,
    /// Per record, its contributor.
    pub(super) owners: Vec<usize>,
    pub(super) contributors: usize,
}

impl Evidence {
    /// Of a model trained on `training` out of the task's records; the margins of `classes` at the task's queries.
    pub(super) fn new(model: &dyn Model, training: &LabelledRecords, task: &Task, classes: &[usize]) -> Result<Self> {
        let denominator = task.training.len();
        Ok(Self {
            queries: model.margin_gradients(task.queries.features().view(), classes)?,
            records: model.loss_gradients(&task.training)? / -(denominator as f64),
            curvature: model.curvature(training, denominator)?,
            last_layer: model.last_layer()?,
            owners: task.owners.clone(),
            contributors: task.contributors,
        })
    }

    /// Effects of the contributors: their records' sums, `[contributors, p]`.
    pub(super) fn contributors(&self) -> Array2<f64> {
        by_owner(&self.records, &self.owners, self.contributors)
    }
}

/// Rows summed by owner, `[contributors, …]`.
pub(super) fn by_owner(rows: &Array2<f64>, owners: &[usize], contributors: usize) -> Array2<f64> {
    let mut sums = Array2::zeros((contributors, rows.ncols()));
    for (owner, row) in owners.iter().zip(rows.outer_iter()) {
        sums.index_axis_mut(Axis(0), *owner).scaled_add(1.0, &row);
    }
    sums
}

/// The classes a model serves.
pub(super) fn served(model: &dyn Model, records: &LabelledRecords) -> Result<Vec<usize>> {
    Ok(served_classes(&model.logits(records.features().view())?))
}

/// Share of records whose label is served.
pub(super) fn accuracy(model: &dyn Model, records: &LabelledRecords) -> Result<f64> {
    let served = served(model, records)?;
    let right = served.iter().zip(records.labels()).filter(|(served, label)| served == label).count();
    Ok(right as f64 / records.len() as f64)
}
