//! Attribution-ready training: to the minimum of an objective that leaving records out changes by their terms alone.

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::{Progress, Trainer, lbfgs, trainer::single};
use tributary_attribution::Records;

use crate::FactoryError;

/// How to go down to the minimum of `1/N Σ loss + wd/2 · ‖θ‖²`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
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

    /// Begins to minimise the objective over `records` with `denominator` for N, from `start`, by L-BFGS. The same start,
    /// records and recipe give the same parameters.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`]; otherwise as [`Trainer::loss_and_gradient`].
    pub fn converging<'a>(
        &'a mut self,
        records: &'a Records,
        denominator: usize,
        recipe: &'a Convergence,
        start: &Array1<f64>,
    ) -> Result<Converging<'a>, FactoryError> {
        recipe.check()?;
        let objective = |point: &mut Array1<f64>| self.at(point, records, denominator, recipe);
        let state = lbfgs::State::start(objective, start.clone())?;
        Ok(Converging { trainer: self, records, denominator, recipe, state })
    }

    /// Goes on from the state of an earlier [`Converging`].
    ///
    /// # Errors
    /// [`FactoryError::Recipe`], [`FactoryError::ParameterCount`].
    pub fn converging_from<'a>(
        &'a mut self,
        records: &'a Records,
        denominator: usize,
        recipe: &'a Convergence,
        state: lbfgs::State,
    ) -> Result<Converging<'a>, FactoryError> {
        recipe.check()?;
        self.layout().check(state.at.point.len())?;
        Ok(Converging { trainer: self, records, denominator, recipe, state })
    }

    /// Converges from `start` to the end. `on_step` hears of every step.
    ///
    /// # Errors
    /// As [`Trainer::converging`]; [`FactoryError::NotConverged`].
    pub fn converge(
        &mut self,
        records: &Records,
        denominator: usize,
        recipe: &Convergence,
        start: &Array1<f64>,
        mut on_step: impl FnMut(Progress),
    ) -> Result<Converged, FactoryError> {
        let mut converging = self.converging(records, denominator, recipe, start)?;
        while let Some(progress) = converging.step()? {
            on_step(progress);
        }
        converging.finish()
    }

    /// The objective at the nearest point that can be served, to which `point` is moved.
    fn at(
        &mut self,
        point: &mut Array1<f64>,
        records: &Records,
        denominator: usize,
        recipe: &Convergence,
    ) -> Result<(f64, Array1<f64>), FactoryError> {
        *point = single(point).into_iter().map(f64::from).collect();
        self.objective(records, denominator, recipe.weight_decay, point)
    }
}

/// A minimisation that goes on step by step; one that was stopped goes on from its [`state`](Self::state) as if it had not
/// been.
#[derive(Debug)]
pub struct Converging<'a> {
    trainer: &'a mut Trainer,
    records: &'a Records,
    denominator: usize,
    recipe: &'a Convergence,
    state: lbfgs::State,
}

impl Converging<'_> {
    /// The next step; nothing once no step is left.
    ///
    /// # Errors
    /// As [`Trainer::loss_and_gradient`].
    pub fn step(&mut self) -> Result<Option<Progress>, FactoryError> {
        let Self { trainer, records, denominator, recipe, state } = self;
        let options = lbfgs::Options { tolerance: recipe.tolerance, most_steps: recipe.most_steps };
        state.step(|point| trainer.at(point, records, *denominator, recipe), options)
    }

    /// Everything that the next steps depend on beside recipe and records.
    #[must_use]
    pub fn state(&self) -> &lbfgs::State {
        &self.state
    }

    /// The model at the minimum.
    ///
    /// # Errors
    /// [`FactoryError::NotConverged`].
    pub fn finish(self) -> Result<Converged, FactoryError> {
        let (iterations, gradient_norm) = (self.state.iterations(), self.state.gradient_norm());
        // Written so that a gradient that is no number has not converged either.
        if gradient_norm <= self.recipe.tolerance {
            let lbfgs::Evaluated { point, value, .. } = self.state.at;
            Ok(Converged { parameters: point, loss: value, gradient_norm, iterations })
        } else {
            Err(FactoryError::NotConverged { iterations, gradient_norm })
        }
    }
}
