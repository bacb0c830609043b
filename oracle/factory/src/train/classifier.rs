//! From a permitted snapshot to a trained graph.

use tributary_attribution::{graph::Graph, targets::Target};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::{Convergence, Examples, Progress, Trainer};
use crate::{
    FactoryError, PermittedSnapshot,
    model::{Architecture, Model},
};

/// A classifier at the minimum of its objective, parameters in `f32`, the precision it is served in.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedClassifier {
    /// The graph with the trained parameters as constants, and their names.
    pub model: Model,
    /// Objective at the minimum.
    pub loss: f64,
    /// Largest entry of the gradient there.
    pub gradient_norm: f64,
    /// Steps taken.
    pub iterations: usize,
}

impl TrainedClassifier {
    /// The graph with the trained parameters as constants.
    pub fn graph(&self) -> &Graph {
        &self.model.graph
    }
}

/// Trains a classifier on a permitted snapshot, whose number of records is the objective's denominator, from the start
/// that `seed` gives. `on_step` hears of every step.
///
/// # Errors
/// [`FactoryError::Recipe`], [`FactoryError::NotConverged`], [`FactoryError::Runtime`].
pub fn train_classifier(
    data: &PermittedSnapshot<'_>,
    runtime: &OnnxRuntime,
    architecture: &Architecture,
    recipe: &Convergence,
    seed: u64,
    on_step: impl FnMut(Progress),
) -> Result<TrainedClassifier, FactoryError> {
    let schema = data.snapshot().schema();
    let model = architecture.model(schema.width, usize::from(schema.classes), schema.scaling(), seed)?;
    let mut trainer = Trainer::new(runtime, &model, Target::Margin, &SessionOptions::default())?;
    let examples = Examples::labelled(&data.labelled()?)?;
    let start = trainer.start()?;
    let minimum = trainer.converge(&examples, examples.len(), recipe, &start, on_step)?;
    Ok(TrainedClassifier {
        model: Model { graph: trainer.graph(&minimum.parameters)?, parameters: model.parameters },
        loss: minimum.loss,
        gradient_norm: minimum.gradient_norm,
        iterations: minimum.iterations,
    })
}
