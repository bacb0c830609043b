//! Attribution-ready training: to the minimum of an objective that leaving records out changes by their terms alone.

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::{Progress, Trainer, lbfgs, trainer::single};
use tributary_attribution::Records;

use crate::FactoryError;

/// How to go down to the minimum of `1/N Σ loss + wd/2 · ‖θ‖²`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convergence {
    /// Weight decay wd.
    pub weight_decay: f64,
    /// Training ends when no entry of the gradient is larger. Losses and gradients are computed in `f32`: their rounding
    /// sets a floor below which no tolerance is met.
    pub tolerance: f64,
    /// Training fails if it has not ended after so many steps.
    pub most_steps: usize,
}

impl Default for Convergence {
    fn default() -> Self {
        Self { weight_decay: 3e-3, tolerance: 1e-6, most_steps: 20_000 }
    }
}

impl Convergence {
    /// That the recipe can be followed.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`].
    pub fn check(&self) -> Result<(), FactoryError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let refuse = |what, found: f64, instead| Err(FactoryError::Recipe { what, found: found.to_string(), instead });
        if !positive(self.weight_decay) {
            let instead = "without a positive weight decay there is no single minimum to attribute; 0.003 works well";
            return refuse("weight decay", self.weight_decay, instead);
        }
        if !positive(self.tolerance) {
            return refuse("tolerance", self.tolerance, "give a small positive number such as 1e-6");
        }
        Ok(())
    }
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
    /// Largest entry of the objective's gradient at `parameters`: 0 at its minimum.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`]; otherwise as [`Trainer::loss_and_gradient`].
    pub fn gradient_norm(
        &mut self,
        records: &Records,
        denominator: usize,
        recipe: &Convergence,
        parameters: &Array1<f64>,
    ) -> Result<f64, FactoryError> {
        recipe.check()?;
        let (_, gradient) = self.objective(records, denominator, recipe.weight_decay, parameters)?;
        Ok(gradient.iter().fold(0.0, |largest, entry| f64::max(largest, entry.abs())))
    }

    /// `1/N Σ loss + wd/2 · ‖θ‖²` and its gradient.
    fn objective(
        &mut self,
        records: &Records,
        denominator: usize,
        weight_decay: f64,
        parameters: &Array1<f64>,
    ) -> Result<(f64, Array1<f64>), FactoryError> {
        let mean = 1.0 / denominator.max(1) as f64;
        let (loss, mut gradient) = self.loss_and_gradient(parameters, records)?;
        gradient *= mean;
        gradient.scaled_add(weight_decay, parameters);
        Ok((mean * loss + 0.5 * weight_decay * parameters.dot(parameters), gradient))
    }

    /// Minimises the objective over `records` with `denominator` for N, from `start`, by L-BFGS. The same start,
    /// records and recipe give the same parameters. `on_step` hears of every step.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`], [`FactoryError::NotConverged`]; otherwise as [`Trainer::loss_and_gradient`].
    pub fn converge(
        &mut self,
        records: &Records,
        denominator: usize,
        recipe: &Convergence,
        start: &Array1<f64>,
        on_step: impl FnMut(Progress),
    ) -> Result<Converged, FactoryError> {
        recipe.check()?;
        let objective = |point: &mut Array1<f64>| {
            // The point that is judged is the one that can be served.
            *point = single(point).into_iter().map(f64::from).collect();
            self.objective(records, denominator, recipe.weight_decay, point)
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
