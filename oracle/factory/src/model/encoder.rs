use serde::{Deserialize, Serialize};

use super::{Activation, Inputs, Model, layers::Layers};
use crate::FactoryError;

/// A transformer encoder (Vaswani et al., 2017; norms first, Xiong et al., 2020): a record's numbers in patches of equal
/// length, each patch a position; blocks of self-attention and dense layers; the positions' mean into a dense layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Encoder {
    /// Numbers of a record in one position: a row of an image, say.
    pub patch: usize,
    /// Numbers of a position between the blocks.
    pub width: usize,
    /// Attention heads: a divisor of the width.
    pub heads: usize,
    /// Blocks.
    pub blocks: usize,
    /// In the blocks' dense layers, which are four times as wide.
    pub activation: Activation,
}

impl Default for Encoder {
    /// 26,346 parameters on the digits' 8 × 8 images.
    fn default() -> Self {
        Self { patch: 8, width: 32, heads: 4, blocks: 2, activation: Activation::default() }
    }
}

/// Wider layers have more weights than are held.
const MOST_WIDTH: usize = 1 << 14;

impl Encoder {
    /// See [`Architecture::model`](super::Architecture::model).
    ///
    /// # Errors
    /// As there.
    pub fn model(&self, width: usize, outputs: usize, inputs: &Inputs, seed: u64) -> Result<Model, FactoryError> {
        let Self { patch, width: inner, heads, blocks, activation } = *self;
        let mut layers = Layers::new(width, inputs, activation, seed)?;
        let refuse = |what, found: String, instead| Err(FactoryError::Recipe { what, found, instead });
        if patch == 0 || layers.width() != width || !width.is_multiple_of(patch) {
            let found = format!("{patch} of {width} numbers");
            return refuse("patch", found, "give a divisor of the record's numbers; categories have no patches");
        }
        if inner == 0 || heads == 0 || !inner.is_multiple_of(heads) || blocks == 0 || outputs == 0 {
            let found = format!("width {inner}, {heads} heads, {blocks} blocks, {outputs} outputs");
            return refuse("size", found, "give at least one of each, and as many heads as divide the width");
        }
        if inner > MOST_WIDTH {
            return refuse("width", inner.to_string(), "make the network smaller");
        }
        let positions = width / patch;
        layers.reshape(&[positions, patch])?;
        layers.matrix(patch, inner)?;
        layers.add_each(&[positions, inner])?;
        for _ in 0..blocks {
            let before = layers.mark();
            layers.normalise(inner)?;
            layers.attend(positions, inner, heads)?;
            layers.add(&before)?;
            let before = layers.mark();
            layers.normalise(inner)?;
            layers.matrix(inner, 4 * inner)?;
            layers.activate()?;
            layers.matrix(4 * inner, inner)?;
            layers.add(&before)?;
        }
        layers.normalise(inner)?;
        layers.mean_of_positions()?;
        layers.dense(inner, outputs)?;
        layers.finish()
    }
}
