//! A model's graph with losses and gradients.

use tributary_attribution::{
    AttributionError,
    compile::LABEL,
    gradient,
    graph::{Builder, Graph},
    onnx,
    targets::{self, Target},
};

use crate::{FactoryError, model::Model};

/// Two ONNX files in which the model's parameters are inputs.
#[derive(Debug)]
pub(super) struct Pass {
    /// Losses `[batch]` and gradients, each of its parameter's dimensions, summed over the batch.
    pub(super) training: Vec<u8>,
    /// The model, and beside its outputs the target of each record.
    pub(super) forward: Vec<u8>,
    /// Output of the targets, `[batch]`.
    pub(super) target: String,
    /// Output of the losses.
    pub(super) loss: String,
    /// Dimensions of the labels.
    pub(super) label_rank: usize,
    /// Outputs of the gradients, in the parameters' order.
    pub(super) gradients: Vec<String>,
}

/// Appends the losses of `target` on the model's first output and their gradients to the model.
pub(super) fn training_pass(model: &Model, target: Target) -> Result<Pass, FactoryError> {
    let output = model.graph.outputs.first().ok_or(AttributionError::NoOutput)?.name.clone();
    let freed = gradient::free(model.graph.clone(), &model.parameters)?;
    let mut builder = Builder::extend(Graph { outputs: Vec::new(), ..freed.clone() })?;
    let label = targets::labels(&mut builder, target, &output, LABEL)?;
    let seed = targets::loss(&mut builder, target, &output, &label)?;
    let gradients = gradient::reverse(&mut builder, &[(&seed.output, &seed.cotangent)], &model.parameters)?;
    builder.output(&seed.value)?;
    let mut summed = Vec::with_capacity(gradients.len());
    for gradient in &gradients {
        let value = gradient::summed(&mut builder, gradient)?;
        builder.output(&value)?;
        summed.push(value);
    }
    let label_rank = builder.shape(&label)?.rank();
    let mut training = builder.finish();
    // A record to train on has a label; the default, what the model serves, would teach it nothing.
    training.constants.remove(&label);

    let mut forward = Builder::extend(freed)?;
    let label = match target {
        Target::Regression => None,
        _ => Some(targets::labels(&mut forward, target, &output, LABEL)?),
    };
    let asked = targets::serve(&mut forward, target, &output, label.as_deref())?.value;
    forward.output(&asked)?;
    Ok(Pass {
        training: onnx::encode(&training),
        forward: onnx::encode(&forward.finish()),
        target: asked,
        loss: seed.value,
        label_rank,
        gradients: summed,
    })
}
