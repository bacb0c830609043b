use serde::{Deserialize, Serialize};

use super::{Activation, Inputs, Model, layers::Layers};
use crate::FactoryError;

/// For square images of one channel: twice a 3 × 3 convolution, an activation and a 2 × 2 pool, then a dense layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Convolutional {
    /// Channels of the two convolutions.
    pub channels: [usize; 2],
    /// After each convolution.
    pub activation: Activation,
    /// How height and width are halved.
    pub pooling: Pooling,
}

/// How four neighbours become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Their mean: smooth.
    #[default]
    Average,
    /// The largest.
    Maximum,
}

impl Default for Convolutional {
    /// 1,898 parameters on the digits' 8 × 8 images.
    fn default() -> Self {
        Self { channels: [8, 16], activation: Activation::default(), pooling: Pooling::default() }
    }
}

impl Convolutional {
    /// See [`Architecture::model`](super::Architecture::model). `width` is the number of pixels: a square of a multiple
    /// of 4.
    ///
    /// # Errors
    /// As there.
    pub fn model(&self, width: usize, outputs: usize, inputs: &Inputs, seed: u64) -> Result<Model, FactoryError> {
        let side = width.isqrt();
        if width == 0 || inputs.width(width) != width || side * side != width || !side.is_multiple_of(4) {
            let instead = "a convolutional network needs square images whose side is a multiple of 4";
            return Err(FactoryError::Recipe { what: "number of features", found: width.to_string(), instead });
        }
        let [first, second] = self.channels;
        if first == 0 || second == 0 || outputs == 0 {
            let found = format!("{:?} with {outputs} outputs", self.channels);
            let instead = "every convolution needs a channel";
            return Err(FactoryError::Recipe { what: "channels", found, instead });
        }
        let pool = match self.pooling {
            Pooling::Average => "AveragePool",
            Pooling::Maximum => "MaxPool",
        };
        let mut layers = Layers::new(width, inputs, self.activation, seed)?;
        layers.reshape(&[1, side, side])?;
        for (inputs, outputs) in [(1, first), (first, second)] {
            layers.convolution(inputs, outputs)?;
            layers.activate()?;
            layers.pool(pool)?;
        }
        let flat = second * (side / 4) * (side / 4);
        layers.reshape(&[flat])?;
        layers.dense(flat, outputs)?;
        layers.finish()
    }
}
