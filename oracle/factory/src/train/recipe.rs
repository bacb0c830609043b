//! What a training run is told.

use serde::{Deserialize, Serialize};

use super::Convergence;
use crate::model::{Activation, Architecture, MultilayerPerceptron};

/// A recipe: the same recipe on the same records gives the same network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Widths of the GELU hidden layers; none for softmax regression.
    pub hidden: Vec<usize>,
    /// Weight decay wd: the objective holds wd/2 · ‖θ‖².
    pub weight_decay: f64,
    /// Seed of the initial parameters and of the gate's bootstrap.
    pub seed: u64,
    /// Training ends when no entry of the gradient is larger.
    pub tolerance: f64,
    /// Training fails if it has not ended after so many steps.
    pub most_steps: usize,
}

impl Default for TrainingRecipe {
    /// Softmax regression: its objective has one minimum, so that leaving data out has one true effect and anybody who
    /// retrains finds the same network.
    fn default() -> Self {
        Self { hidden: Vec::new(), weight_decay: 3e-3, seed: 1, tolerance: 1e-6, most_steps: 20_000 }
    }
}

impl TrainingRecipe {
    /// Damping λ of the curvature: twice the weight decay, the curvature that random half-coalitions see.
    pub fn damping(&self) -> f64 {
        2.0 * self.weight_decay
    }

    /// What is trained.
    pub fn architecture(&self) -> Architecture {
        Architecture::Perceptron(MultilayerPerceptron { hidden: self.hidden.clone(), activation: Activation::Gelu })
    }

    /// How it is trained.
    pub fn convergence(&self) -> Convergence {
        Convergence { weight_decay: self.weight_decay, tolerance: self.tolerance, most_steps: self.most_steps }
    }
}
