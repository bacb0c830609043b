//! Models to train: graphs whose weights are constants with seeded values, and whose input is a record as it is contributed.

mod convolutional;
mod encoder;
mod inputs;
mod layers;
mod perceptron;
mod scaling;

pub use convolutional::{Convolutional, Pooling};
pub use encoder::Encoder;
pub use inputs::Inputs;
pub use layers::Activation;
pub(crate) use layers::normal;
pub use perceptron::MultilayerPerceptron;
pub use scaling::InputScaling;

use serde::{Deserialize, Serialize};
use tributary_attribution::graph::Graph;

use crate::FactoryError;

/// Name of a model's input, `[batch, width]`.
pub const FEATURES: &str = "features";
/// Name of a model's output, `[batch, classes]`.
pub const LOGITS: &str = "logits";

/// A model before training.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The graph: [`FEATURES`] in, [`LOGITS`] out.
    pub graph: Graph,
    /// The constants that training changes, in the graph's order. Everything else (input scaling, shapes) is fixed.
    pub parameters: Vec<String>,
}

/// How a model is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Dense layers; softmax regression without hidden ones.
    Perceptron(MultilayerPerceptron),
    /// Two convolutions before one dense layer.
    Convolutional(Convolutional),
    /// A transformer encoder.
    Encoder(Encoder),
}

impl Architecture {
    /// The graph for records of `width` numbers: logits of `outputs` classes, or one number. The same seed gives the same
    /// weights.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`] for sizes that make no network, [`FactoryError::Graph`].
    pub fn model(
        &self,
        width: usize,
        outputs: usize,
        inputs: impl Into<Inputs>,
        seed: u64,
    ) -> Result<Model, FactoryError> {
        let inputs = inputs.into();
        match self {
            Self::Perceptron(perceptron) => perceptron.model(width, outputs, &inputs, seed),
            Self::Convolutional(convolutional) => convolutional.model(width, outputs, &inputs, seed),
            Self::Encoder(encoder) => encoder.model(width, outputs, &inputs, seed),
        }
    }
}

#[cfg(test)]
mod tests;
