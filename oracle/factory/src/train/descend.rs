//! The usual training: stochastic gradient descent with momentum.

use ndarray::Array1;
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};

use super::{Examples, Trainer, trainer::single};
use crate::FactoryError;

/// How to descend: shuffled batches, a rate that falls linearly to zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descent {
    /// Rate of the first step.
    pub rate: f64,
    /// Share of the last step that the next one keeps.
    pub momentum: f64,
    /// Weight decay wd: added to each batch's mean gradient is wd · θ.
    pub weight_decay: f64,
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples a step.
    pub batch: usize,
    /// Seed of the order of examples.
    pub seed: u64,
    /// Points kept on the way, evenly spaced in epochs, the last of them the end.
    pub checkpoints: usize,
}

/// A model after its last epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Descended {
    /// The parameters, each a number of `f32`.
    pub parameters: Array1<f64>,
    /// The points kept on the way.
    pub checkpoints: Vec<Checkpoint>,
}

/// The model on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Epochs done.
    pub epoch: usize,
    /// Mean loss of the epoch's batches, each before its step, without decay.
    pub loss: f64,
    /// The parameters, each a number of `f32`.
    pub parameters: Array1<f64>,
}

impl Descent {
    /// That the recipe can be followed.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`].
    pub fn check(&self) -> Result<(), FactoryError> {
        let refuse = |what, found: String, instead| Err(FactoryError::Recipe { what, found, instead });
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return refuse("rate", self.rate.to_string(), "give a small positive number such as 0.05");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse("momentum", self.momentum.to_string(), "give a share from 0 up to, not including, 1");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return refuse("weight decay", self.weight_decay.to_string(), "give 0 or a small positive number");
        }
        if self.epochs == 0 || self.batch == 0 {
            let found = format!("{} epochs of batches of {}", self.epochs, self.batch);
            return refuse("length", found, "give at least one of each");
        }
        if self.checkpoints > self.epochs {
            return refuse("number of checkpoints", self.checkpoints.to_string(), "keep at most one an epoch");
        }
        Ok(())
    }

    /// Whether a point is kept after this many epochs.
    fn keeps(&self, epoch: usize) -> bool {
        let due = |epochs: usize| epochs * self.checkpoints / self.epochs.max(1);
        due(epoch) > due(epoch.saturating_sub(1))
    }
}

impl Trainer {
    /// Descends from `start`. The same start, examples and recipe give the same parameters. `on_epoch` hears of every
    /// epoch.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`], [`FactoryError::Diverged`]; otherwise as [`Trainer::loss_and_gradient`].
    pub fn descend(
        &mut self,
        examples: &Examples,
        recipe: &Descent,
        start: &Array1<f64>,
        mut on_epoch: impl FnMut(&Checkpoint),
    ) -> Result<Descended, FactoryError> {
        recipe.check()?;
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let steps = recipe.epochs * examples.len().div_ceil(recipe.batch);
        let (mut point, mut velocity) = (start.clone(), Array1::zeros(start.len()));
        let (mut step, mut checkpoints) = (0usize, Vec::new());
        for epoch in 1..=recipe.epochs {
            order.shuffle(&mut rng);
            let mut epoch_loss = 0.0;
            for places in order.chunks(recipe.batch) {
                let (loss, gradient) = self.loss_and_gradient(&point, &examples.select(places))?;
                if !loss.is_finite() {
                    return Err(FactoryError::Diverged { step });
                }
                epoch_loss += loss;
                velocity *= recipe.momentum;
                velocity.scaled_add(1.0 / places.len() as f64, &gradient);
                velocity.scaled_add(recipe.weight_decay, &point);
                point.scaled_add(-recipe.rate * (1.0 - step as f64 / steps as f64), &velocity);
                step += 1;
            }
            let parameters = single(&point).into_iter().map(f64::from).collect();
            let checkpoint = Checkpoint { epoch, loss: epoch_loss / examples.len().max(1) as f64, parameters };
            on_epoch(&checkpoint);
            if recipe.keeps(epoch) {
                checkpoints.push(checkpoint);
            }
        }
        if examples.is_empty() {
            return Err(FactoryError::NoExamples);
        }
        if point.iter().any(|value| !value.is_finite()) {
            return Err(FactoryError::Diverged { step });
        }
        Ok(Descended { parameters: single(&point).into_iter().map(f64::from).collect(), checkpoints })
    }
}
