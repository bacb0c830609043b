use serde::{Deserialize, Serialize};
use tributary_attribution::InputScaling;

use super::{Activation, Model, layers::Layers};
use crate::FactoryError;

/// Dense layers with an activation between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultilayerPerceptron {
    /// Widths of the hidden layers; none for softmax regression.
    pub hidden: Vec<usize>,
    /// Between the layers.
    pub activation: Activation,
}

impl MultilayerPerceptron {
    /// See [`Architecture::model`](super::Architecture::model). Softmax regression starts at zero: it has one minimum.
    ///
    /// # Errors
    /// As there.
    pub fn model(&self, width: usize, classes: usize, scaling: InputScaling, seed: u64) -> Result<Model, FactoryError> {
        let widths: Vec<usize> = std::iter::once(width).chain(self.hidden.iter().copied()).chain([classes]).collect();
        if widths.contains(&0) || classes < 2 {
            let instead = "every layer needs a unit and a classifier two classes";
            return Err(FactoryError::Recipe { what: "widths", found: format!("{widths:?}"), instead });
        }
        let mut layers = Layers::new(width, scaling, self.activation, seed)?;
        let mut inputs = width;
        for hidden in &self.hidden {
            layers.dense(inputs, *hidden)?;
            layers.activate()?;
            inputs = *hidden;
        }
        match self.hidden.is_empty() {
            true => layers.dense_of_zeros(inputs, classes)?,
            false => layers.dense(inputs, classes)?,
        }
        layers.finish()
    }
}
