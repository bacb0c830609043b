//! Attribution-ready training.
//!
//! Influence is the derivative of a minimum, so there has to be one: weight decay is part of the objective, the mean's
//! denominator is fixed (leaving records out removes their terms and changes nothing else), activations are smooth, and
//! L-BFGS runs to convergence. The same recipe on the same records gives the same network.

mod converge;
mod descend;
mod examples;
mod lbfgs;
mod objective;
mod parameters;
mod pass;
mod recipe;
mod start;
mod trainer;

pub use converge::{Converged, Convergence};
pub use descend::{Checkpoint, Descended, Descent};
pub use examples::{Column, Examples, LABEL};
pub use lbfgs::Progress;
pub use objective::Objective;
pub use parameters::{Layout, Place};
pub use recipe::TrainingRecipe;
pub use trainer::Trainer;

use tributary_attribution::{Attribution, AttributionSettings, DenseClassifier, InputScaling, LabelledRecords};

use crate::{FactoryError, PermittedSnapshot};

/// A network at the minimum of its objective, parameters rounded to `f32`, the precision it is served in.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network.
    pub network: DenseClassifier,
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
/// [`FactoryError::Recipe`], [`FactoryError::NotConverged`], [`FactoryError::Attribution`].
pub fn train(
    data: &PermittedSnapshot<'_>,
    recipe: &TrainingRecipe,
    on_step: impl FnMut(Progress),
) -> Result<Trained, FactoryError> {
    let schema = data.snapshot().schema();
    let records = data.labelled()?;
    let widths = recipe.widths(schema.width, usize::from(schema.classes));
    fit(&records, records.len(), &widths, schema.scaling(), recipe, None, on_step)
}

/// Attributes what [`train`] made of the same data. `held_out` decides gate and baseline shares.
///
/// # Errors
/// [`FactoryError::Attribution`].
pub fn attribute(
    data: &PermittedSnapshot<'_>,
    trained: &Trained,
    recipe: &TrainingRecipe,
    held_out: &LabelledRecords,
) -> Result<Attribution, FactoryError> {
    let settings =
        AttributionSettings { damping: recipe.damping(), denominator: data.snapshot().len(), gate_seed: recipe.seed };
    Ok(tributary_attribution::attribute(&trained.network, &data.owned()?, held_out, settings)?)
}

/// The mathematics of [`train`] without its door, for measurements on simulated contributors: minimises the objective
/// over `records` with `denominator` for N, from the recipe's seeded start or from `start`.
///
/// # Errors
/// As [`train`].
pub fn fit(
    records: &LabelledRecords,
    denominator: usize,
    widths: &[usize],
    scaling: InputScaling,
    recipe: &TrainingRecipe,
    start: Option<&DenseClassifier>,
    on_step: impl FnMut(Progress),
) -> Result<Trained, FactoryError> {
    recipe.check()?;
    let objective = Objective::new(records, denominator, widths, scaling, recipe.weight_decay)?;
    let start = match start {
        Some(network) => network.parameters(),
        None => start::parameters(widths, recipe.seed),
    };
    let options = lbfgs::Options { tolerance: recipe.tolerance, most_steps: recipe.most_steps };
    let minimum = lbfgs::minimise(|point| objective.value_and_gradient(point), start, options, on_step)?;
    if minimum.gradient_norm > recipe.tolerance {
        let (iterations, gradient_norm) = (minimum.iterations, minimum.gradient_norm);
        return Err(FactoryError::NotConverged { iterations, gradient_norm });
    }
    Ok(Trained {
        network: DenseClassifier::from_parameters(widths, scaling, minimum.point.view())?.rounded(),
        loss: minimum.value,
        gradient_norm: minimum.gradient_norm,
        iterations: minimum.iterations,
    })
}

#[cfg(test)]
mod tests;
