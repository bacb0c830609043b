use serde::{Deserialize, Serialize};

use super::{Activation, Inputs, Model, layers::Layers};
use crate::FactoryError;

/// Dense layers with an activation between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MultilayerPerceptron {
    /// Widths of the hidden layers; none for softmax regression, or linear regression where a number is learnt.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// Between the layers.
    #[serde(default)]
    pub activation: Activation,
}

impl MultilayerPerceptron {
    /// See [`Architecture::model`](super::Architecture::model). Without hidden layers it starts at zero: there is one
    /// minimum.
    ///
    /// # Errors
    /// As there.
    pub fn model(&self, width: usize, outputs: usize, inputs: &Inputs, seed: u64) -> Result<Model, FactoryError> {
        let mut layers = Layers::new(width, inputs, self.activation, seed)?;
        let mut inputs = layers.width();
        if self.hidden.contains(&0) || inputs == 0 || outputs == 0 {
            let found = format!("{inputs}, {:?}, {outputs}", self.hidden);
            return Err(FactoryError::Recipe { what: "widths", found, instead: "every layer needs a unit" });
        }
        for hidden in &self.hidden {
            layers.dense(inputs, *hidden)?;
            layers.activate()?;
            inputs = *hidden;
        }
        match self.hidden.is_empty() {
            true => layers.dense_of_zeros(inputs, outputs)?,
            false => layers.dense(inputs, outputs)?,
        }
        layers.finish()
    }
}
