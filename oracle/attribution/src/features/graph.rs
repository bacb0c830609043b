//! The graph that turns labelled records into losses and features.

use super::reduction::{Reduction, parts};
use crate::{
    AttributionError,
    compile::LABEL,
    gradient,
    graph::{Attribute, Builder, Dim, Graph},
    targets::{self, Target},
};

/// Output of the loss graph: losses `[batch]`.
pub(super) const LOSSES: &str = "tributary/losses";
/// Output of the loss graph: features `[batch, width]`.
pub(super) const FEATURES: &str = "tributary/features";

/// A model that also gives losses and features.
#[derive(Clone, Debug)]
pub(super) struct LossGraph {
    pub(super) graph: Graph,
    /// The input that takes the labels.
    pub(super) label: String,
    /// Its dimensions.
    pub(super) label_rank: usize,
    /// The model's output.
    pub(super) output: String,
    /// Numbers in the last dimension of the output: classes, labels or tokens.
    pub(super) classes: usize,
    /// Numbers a record's features have.
    pub(super) width: usize,
}

/// The output that is attributed: the first.
pub(crate) fn attributed_output(model: &Graph) -> Result<String, AttributionError> {
    model.outputs.first().map(|output| output.name.clone()).ok_or(AttributionError::NoOutput)
}

pub(super) fn loss_graph(
    model: &Graph,
    target: Target,
    parameters: &[String],
    reduction: &Reduction,
) -> Result<LossGraph, AttributionError> {
    let output = attributed_output(model)?;
    let mut builder = Builder::extend(model.clone())?;
    let classes = match builder.shape(&output)?.0.last() {
        Some(Dim::Fixed(size)) => *size,
        _ => 1,
    };
    let label = targets::labels(&mut builder, target, &output, LABEL)?;
    let loss = targets::loss(&mut builder, target, &output, &label)?;
    let gradients = gradient::reverse(&mut builder, &[(&output, &loss.cotangent)], parameters)?;
    let parts = parts(&mut builder, &gradients, reduction)?;
    let values: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    let features = builder.node("Concat", "tributary/side_by_side", &values, vec![("axis", Attribute::Int(1))])?;
    builder.output_as(&loss.value, LOSSES)?;
    builder.output_as(&features, FEATURES)?;
    let label_rank = builder.shape(&label)?.rank();
    let width = parts.iter().map(|part| part.width).sum();
    Ok(LossGraph { graph: builder.finish(), label, label_rank, output, classes, width })
}
