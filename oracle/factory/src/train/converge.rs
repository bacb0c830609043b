//! Attribution-ready training: to the minimum of an objective that leaving records out changes by their terms alone.

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::{Examples, Progress, Trainer, lbfgs, trainer::single};
use crate::FactoryError;

/// How to go down to the minimum of `1/N Σ loss + wd/2 · ‖θ‖²`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convergence {
    /// Weight decay wd.
    pub weight_decay: f64,
    /// Training ends when no entry of the gradient is larger. Losses are computed in `f32`: below 1e-7 rounding is all
    /// that is left of a gradient.
    pub tolerance: f64,
    /// Training fails if it has not ended after so many steps.
    pub most_steps: usize,
}

/// A model at the minimum of its objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Converged {
    /// The parameters, each a number of `f32`.
    pub parameters: Array1<f64>,
    /// The objective there.
    pub loss: f64,
    /// Largest entry of the gradient there.
    pub gradient_norm: f64,
    /// Steps taken.
    pub iterations: usize,
}

impl Trainer {
    /// Minimises the objective over `examples` with `denominator` for N, from `start`, by L-BFGS. The same start,
    /// examples and recipe give the same parameters. `on_step` hears of every step.
    ///
    /// # Errors
    /// [`FactoryError::NotConverged`]; otherwise as [`Trainer::loss_and_gradient`].
    pub fn converge(
        &mut self,
        examples: &Examples,
        denominator: usize,
        recipe: &Convergence,
        start: &Array1<f64>,
        on_step: impl FnMut(Progress),
    ) -> Result<Converged, FactoryError> {
        let mean = 1.0 / denominator.max(1) as f64;
        let objective = |point: &mut Array1<f64>| {
            // The point that is judged is the one that can be served.
            *point = single(point).into_iter().map(f64::from).collect();
            let (loss, mut gradient) = self.loss_and_gradient(point, examples)?;
            gradient *= mean;
            gradient.scaled_add(recipe.weight_decay, point);
            Ok((mean * loss + 0.5 * recipe.weight_decay * point.dot(point), gradient))
        };
        let options = lbfgs::Options { tolerance: recipe.tolerance, most_steps: recipe.most_steps };
        let minimum = lbfgs::minimise(objective, start.clone(), options, on_step)?;
        let (iterations, gradient_norm) = (minimum.iterations, minimum.gradient_norm);
        // Written so that a gradient that is no number has not converged either.
        if gradient_norm <= recipe.tolerance {
            Ok(Converged { parameters: minimum.point, loss: minimum.value, gradient_norm, iterations })
        } else {
            Err(FactoryError::NotConverged { iterations, gradient_norm })
        }
    }
}
