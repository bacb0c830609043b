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
pub use recipe::{BaseStart, Method, Start, TrainingRecipe};
pub use run::{CURVE_FILE, CURVE_PICTURE, RECIPE_FILE, RunFolder, Step, Workplace};
pub use schedule::{Decay, Schedule};
pub use state::{DescentState, STATE_FILE, State};
pub use trainer::Trainer;
pub use validation::Validated;

use std::{fs, io, path::PathBuf};

use tributary_attribution::{
    Attribution, AttributionSettings, CurvatureKind, Directions, HeldOut, Records, features::usual_expectation,
    gradient::Layers, graph::Graph, onnx, targets::Target,
};
use tributary_dataset::PermittedSnapshot;
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{B256, keccak256};

use self::{
    run::{Ended, Run},
    validation::apart,
};
use crate::{
    FactoryError,
    base::{Frozen, adapt},
    foreign::model::Given,
    model::Model,
    records,
};

/// A trained model, parameters rounded to `f32`, the precision it is served in.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub graph: Graph,
    /// Names of the constants that were trained.
    pub parameters: Vec<String>,
    /// keccak-256 of the ONNX file it started from.
    pub base: Option<B256>,
    /// What it learnt to say.
    pub target: Target,
    /// Mean loss of the records it was trained on.
    pub loss: f64,
    /// Of a model that was trained to convergence: the largest entry of its objective's gradient, 0 at the minimum.
    pub gradient_norm: Option<f64>,
    /// Damping λ of the curvature that attribution takes; where none is known, a share of the curvature.
    pub damping: Option<f64>,
    /// Steps taken.
    pub iterations: usize,
    /// Places of the snapshot's records that it was trained on.
    pub used: Vec<usize>,
    /// How training went.
    pub curve: Curve,
    /// The file of the run's last state, from which the same training ends at once.
    pub state: Option<PathBuf>,
}

impl Trained {
    /// Removes the run's last state: what was made of it is kept elsewhere now.
    ///
    /// # Errors
    /// [`FactoryError::Io`].
    pub fn settle(&self) -> Result<(), FactoryError> {
        match self.state.as_ref().map(|path| (path, fs::remove_file(path))) {
            Some((path, Err(source))) if source.kind() != io::ErrorKind::NotFound => {
                Err(FactoryError::Io { path: path.clone(), source })
            }
            _ => Ok(()),
        }
    }
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
    let (used, watched) = apart(&records::owners(data), recipe.validation, recipe.seed);
    let all = records::permitted(data)?;
    let (training, validation) = (all.select(&used), all.select(&watched));
    let (width, outputs) = (schema.features.fields(), schema.classes().unwrap_or(1));
    let (model, base) = match &recipe.start {
        Start::Scratch(architecture) => {
            (architecture.model(width, outputs, records::inputs(schema, &training), recipe.seed)?, None)
        }
        Start::Base(BaseStart { file, adaptation }) => {
            let base = Given::read(file).map_err(|source| FactoryError::BaseFile(Box::new(source)))?;
            (adapt(&base.graph, adaptation, width, outputs, recipe.seed)?, Some(keccak256(base.whole())))
        }
    };
    let name = Run::name(workplace, recipe, keccak256(onnx::encode(&model.graph)), data.permission().snapshot_root);
    let run = |training: &Records, validation: &Records, model: &Model| {
        let validation = Some(validation).filter(|records| !records.is_empty());
        Run { workplace, recipe, name, training, validation }.follow(model, target, on_step)
    };
    // What no parameter moves is computed once, if there is room for it.
    let frozen = match base {
        Some(_) => Frozen::split(&model)?.filter(|frozen| frozen.fits(training.len() + validation.len())),
        None => None,
    };
    let Ended { parameters, steps, served, curve, state } = match frozen {
        None => run(&training, &validation, &model)?,
        Some(frozen) => {
            let cached = |records| frozen.records(workplace.runtime, &workplace.session, records);
            let validation = if validation.is_empty() { validation } else { cached(&validation)? };
            run(&cached(&training)?, &validation, frozen.model())?
        }
    };
    let mut trainer = Trainer::new(workplace.runtime, &model, target, &workplace.session)?;
    let (loss, _) = trainer.loss_and_gradient(&parameters, &training)?;
    let gradient_norm = match &recipe.method {
        Method::Converge(recipe) => Some(trainer.gradient_norm(&training, used.len(), recipe, &parameters)?),
        Method::Descend(_) => None,
    };
    Ok(Trained {
        graph: trainer.graph(&parameters)?,
        parameters: model.parameters,
        base,
        target,
        loss: loss / used.len() as f64,
        gradient_norm,
        damping: recipe.damping(used.len(), served),
        iterations: steps,
        used,
        curve,
        state,
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
    let owned = records::owned(data, &trained.used)?;
    let settings = attribution(trained, recipe, data.snapshot().schema().classes().unwrap_or_default());
    Ok(tributary_attribution::attribute(runtime, &trained.graph, &owned, held_out, &settings, |_| ())?)
}

/// How a trained model is attributed.
pub(crate) fn attribution(trained: &Trained, recipe: &TrainingRecipe, classes: usize) -> AttributionSettings {
    AttributionSettings {
        target: trained.target,
        layers: Layers::Named(trained.parameters.clone()),
        damping: trained.damping,
        denominator: trained.used.len(),
        expectation: usual_expectation(trained.target, classes, recipe.seed),
        curvature: CurvatureKind::BySize,
        directions: Directions::BySize,
        gate_seed: recipe.seed,
        threads: 1,
    }
}

#[cfg(test)]
mod tests;
