//! Training, on ONNX Runtime alone.
//!
//! | module | what it holds |
//! |---|---|
//! | `recipe` | what a run is told: start, method, validation, seed |
//! | `run` | a run from its recipe to its model, in a folder that it goes on from when it was stopped |
//! | `converge`, `lbfgs` | attribution-ready training: to the minimum of an objective |
//! | `descend`, `optimiser`, `schedule`, `validation` | the usual training: mini-batches, AdamW or SGD inside the graph |
//! | `pass`, `trainer`, `parameters` | a model's graph with losses, gradients and steps; its sessions; its weights as a vector |
//! | `state`, `curve` | what a stopped run goes on from; how a run went |
//!
//! Influence is the derivative of a minimum, so there has to be one: weight decay is part of the objective, the mean's
//! denominator is fixed (leaving records out removes their terms and changes nothing else), activations are smooth, and
//! L-BFGS runs to convergence. That is the default. Losses and gradients come from the model's own graph, extended by
//! [`tributary_attribution::gradient`]; the same recipe on the same records with the same provider gives the same model.

mod converge;
mod curve;
mod descend;
mod lbfgs;
mod optimiser;
mod parameters;
mod pass;
mod recipe;
mod run;
mod schedule;
mod state;
mod trainer;
mod validation;

pub use converge::{Converged, Convergence, Converging};
pub use curve::Curve;
pub use descend::{Checkpoint, Descended, Descending, Descent, Epoch, Stepped};
pub use lbfgs::{Progress, State as ConvergenceState};
pub use optimiser::{ADAMW, Optimiser};
pub use parameters::{Layout, Place};
pub use recipe::{Method, Start, TrainingRecipe};
pub use run::{CURVE_FILE, RECIPE_FILE, RunFolder, Step, Workplace};
pub use schedule::{Decay, Schedule};
pub use state::{DescentState, STATE_FILE, State};
pub use trainer::Trainer;
pub use validation::Validated;

use tributary_attribution::{
    Attribution, AttributionSettings, CurvatureKind, Directions, HeldOut, OwnedRecords, features::usual_expectation,
    gradient::Layers, graph::Graph, onnx, targets::Target,
};
use tributary_dataset::PermittedSnapshot;
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{Address, keccak256};

use self::{
    run::{Ended, Run},
    validation::apart,
};
use crate::{FactoryError, records};

/// A trained model, parameters rounded to `f32`, the precision it is served in.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub graph: Graph,
    /// Names of the constants that were trained.
    pub parameters: Vec<String>,
    /// What it learnt to say.
    pub target: Target,
    /// Mean loss of the records it was trained on.
    pub loss: f64,
    /// Largest entry of the gradient of the mean loss with what pulls parameters to zero: 0 at a minimum.
    pub gradient_norm: f64,
    /// Steps taken.
    pub iterations: usize,
    /// Places of the snapshot's records that it was trained on.
    pub used: Vec<usize>,
    /// How training went.
    pub curve: Curve,
}

/// Trains on a permitted snapshot; in a workplace with a folder, goes on from where a run of the same recipe, records and
/// provider was stopped. `on_step` hears of every step.
///
/// # Errors
/// [`FactoryError::Recipe`], [`FactoryError::NotTrainable`], [`FactoryError::NotConverged`], [`FactoryError::Diverged`],
/// [`FactoryError::State`], [`FactoryError::Runtime`].
pub fn train(
    workplace: &Workplace<'_>,
    data: &PermittedSnapshot<'_>,
    recipe: &TrainingRecipe,
    on_step: impl FnMut(Step),
) -> Result<Trained, FactoryError> {
    recipe.check()?;
    let schema = data.snapshot().schema();
    let target = records::target(schema)?;
    let owned = records::owned(data)?;
    let owners: Vec<Address> = data.snapshot().records().map(|(_, owner)| owner).collect();
    let (used, watched) = apart(&owners, recipe.validation, recipe.seed);
    let (training, validation) = (owned.records().select(&used), owned.records().select(&watched));
    let model = match &recipe.start {
        Start::Scratch(architecture) => {
            let inputs = records::inputs(schema, &training);
            architecture.model(schema.features.fields(), schema.classes().unwrap_or(1), inputs, recipe.seed)?
        }
    };
    let name = Run::name(workplace, recipe, keccak256(onnx::encode(&model.graph)), data.permission().snapshot_root);
    let validation = Some(&validation).filter(|records| !records.is_empty());
    let run = Run { workplace, recipe, name, training: &training, validation };
    let Ended { parameters, steps, curve } = run.follow(&model, target, on_step)?;
    let mut trainer = Trainer::new(workplace.runtime, &model, target, &workplace.session)?;
    let (loss, mut gradient) = trainer.loss_and_gradient(&parameters, &training)?;
    let count = used.len() as f64;
    gradient /= count;
    gradient.scaled_add(recipe.pull(used.len()), &parameters);
    Ok(Trained {
        graph: trainer.graph(&parameters)?,
        parameters: model.parameters,
        target,
        loss: loss / count,
        gradient_norm: gradient.iter().fold(0.0, |largest, entry| f64::max(largest, entry.abs())),
        iterations: steps,
        used,
        curve,
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
        target: trained.target,
        layers: Layers::Named(trained.parameters.clone()),
        damping: recipe.damping(trained.used.len()),
        denominator: trained.used.len(),
        expectation: usual_expectation(trained.target, classes, recipe.seed),
        curvature: CurvatureKind::BySize,
        directions: Directions::BySize,
        gate_seed: recipe.seed,
        threads: 1,
    };
    let owners: Vec<Address> = data.snapshot().records().map(|(_, owner)| owner).collect();
    let owners: Vec<Address> = trained.used.iter().filter_map(|place| owners.get(*place).copied()).collect();
    let owned = OwnedRecords::new(records::permitted(data)?.select(&trained.used), &owners)?;
    Ok(tributary_attribution::attribute(runtime, &trained.graph, &owned, held_out, &settings, |_| ())?)
}

#[cfg(test)]
mod tests;
