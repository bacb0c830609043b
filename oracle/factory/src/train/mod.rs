//! Attribution-ready training.
//!
//! Influence is the derivative of a minimum, so there has to be one: weight decay is part of the objective, the mean's
//! denominator is fixed (leaving records out removes their terms and changes nothing else), activations are smooth, and
//! L-BFGS runs to convergence. The same recipe on the same records gives the same model.
//!
//! Losses and gradients come from the model's own graph, extended by [`tributary_attribution::gradient`] and run by ONNX
//! Runtime; [`Trainer::descend`] is the usual training, for comparison.

mod converge;
mod descend;
mod lbfgs;
mod optimiser;
mod parameters;
mod pass;
mod recipe;
mod schedule;
mod state;
mod trainer;
mod validation;

pub use converge::{Converged, Convergence, Converging};
pub use descend::{Checkpoint, Descended, Descending, Descent, Epoch, Stepped};
pub use lbfgs::{Progress, State as ConvergenceState};
pub use optimiser::{ADAMW, Optimiser};
pub use parameters::{Layout, Place};
pub use recipe::TrainingRecipe;
pub use schedule::{Decay, Schedule};
pub use state::{DescentState, STATE_FILE, State};
pub use trainer::Trainer;
pub use validation::Validated;

use tributary_attribution::{
    Attribution, AttributionSettings, CurvatureKind, Directions, HeldOut, features::usual_expectation,
    gradient::Layers, graph::Graph, targets::Target,
};
use tributary_dataset::PermittedSnapshot;
use tributary_runtime::{OnnxRuntime, SessionOptions};

use crate::{FactoryError, records};

/// A model at the minimum of its objective, parameters rounded to `f32`, the precision it is served in.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub graph: Graph,
    /// Objective at the minimum.
    pub loss: f64,
    /// Largest entry of the gradient there.
    pub gradient_norm: f64,
    /// Steps taken.
    pub iterations: usize,
}

/// Trains a classifier on a permitted snapshot. `on_step` hears of every step.
///
/// # Errors
/// [`FactoryError::Recipe`], [`FactoryError::NotConverged`], [`FactoryError::Runtime`].
pub fn train(
    runtime: &OnnxRuntime,
    data: &PermittedSnapshot<'_>,
    recipe: &TrainingRecipe,
    on_step: impl FnMut(Progress),
) -> Result<Trained, FactoryError> {
    let schema = data.snapshot().schema();
    let classes = schema.classes().ok_or(FactoryError::NotTrainable("its records have no classes"))?;
    let model =
        recipe.architecture().model(schema.features.fields(), classes, records::scaling(schema), recipe.seed)?;
    let records = records::permitted(data)?;
    let mut trainer = Trainer::new(runtime, &model, Target::Margin, &SessionOptions::default())?;
    let start = trainer.start()?;
    let converged = trainer.converge(&records, records.len(), &recipe.convergence(), &start, on_step)?;
    Ok(Trained {
        graph: trainer.graph(&converged.parameters)?,
        loss: converged.loss,
        gradient_norm: converged.gradient_norm,
        iterations: converged.iterations,
    })
}

/// Attributes what [`train`] made of the same data. `held_out` decides gate and baseline shares.
///
/// # Errors
/// [`FactoryError::Attribution`].
pub fn attribute(
    runtime: &OnnxRuntime,
    data: &PermittedSnapshot<'_>,
    trained: &Trained,
    recipe: &TrainingRecipe,
    held_out: &HeldOut,
) -> Result<Attribution, FactoryError> {
    let classes = data.snapshot().schema().classes().unwrap_or_default();
    let settings = AttributionSettings {
        target: Target::Margin,
        layers: Layers::All,
        damping: Some(recipe.damping()),
        denominator: data.snapshot().len(),
        expectation: usual_expectation(Target::Margin, classes, recipe.seed),
        curvature: CurvatureKind::BySize,
        directions: Directions::BySize,
        gate_seed: recipe.seed,
        threads: 1,
    };
    Ok(tributary_attribution::attribute(runtime, &trained.graph, &records::owned(data)?, held_out, &settings, |_| ())?)
}

#[cfg(test)]
mod tests;
