//! A model's graph with losses and gradients.

use tributary_attribution::{
    gradient,
    graph::{Builder, Graph},
    onnx,
    targets::{self, Target},
};

use super::LABEL;
use crate::{
    FactoryError,
    model::{LOGITS, Model},
};

/// Two ONNX files in which the model's parameters are inputs.
#[derive(Debug)]
pub(super) struct Pass {
    /// Losses `[batch]` and gradients, each of its parameter's dimensions, summed over the batch.
    pub(super) training: Vec<u8>,
    /// The model alone.
    pub(super) forward: Vec<u8>,
    /// Output of the losses.
    pub(super) loss: String,
    /// Outputs of the gradients, in the parameters' order.
    pub(super) gradients: Vec<String>,
}

/// Appends the losses of `target` and their gradients to the model.
pub(super) fn training_pass(model: &Model, target: Target) -> Result<Pass, FactoryError> {
    let forward = gradient::free(model.graph.clone(), &model.parameters)?;
    let mut builder = Builder::extend(Graph { outputs: Vec::new(), ..forward.clone() })?;
    let label = targets::labels(&mut builder, target, LOGITS, LABEL)?;
    let seed = targets::loss(&mut builder, target, LOGITS, &label)?;
    let gradients = gradient::reverse(&mut builder, &[(&seed.output, &seed.cotangent)], &model.parameters)?;
    builder.output(&seed.value)?;
    let mut summed = Vec::with_capacity(gradients.len());
    for gradient in &gradients {
        let value = gradient::summed(&mut builder, gradient)?;
        builder.output(&value)?;
        summed.push(value);
    }
    let mut training = builder.finish();
    // A record to train on has a label; the default, what the model serves, would teach it nothing.
    training.constants.remove(&label);
    Ok(Pass { training: onnx::encode(&training), forward: onnx::encode(&forward), loss: seed.value, gradients: summed })
}
