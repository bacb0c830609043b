//! A model's graph with losses, gradients and steps.

use tributary_attribution::{
    AttributionError,
    compile::LABEL,
    gradient::{self, ParameterGradient},
    graph::{Attribute, Builder, Element, Graph, GraphError, Node, Shape, Signature},
    onnx,
    targets::{self, Seed, Target},
};

use super::{Layout, Optimiser};
use crate::{FactoryError, model::Model};

/// Number by which a step's gradient is multiplied: one over the records.
pub(super) const SCALE: &str = "step/scale";
/// Output of the losses' sum.
pub(super) const LOSS: &str = "step/loss";

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
    let mut losses = Losses::of(model, target)?;
    losses.builder.output(&losses.seed.value)?;
    let mut summed = Vec::new();
    for gradient in &losses.gradients(model)? {
        let value = gradient::summed(&mut losses.builder, gradient)?;
        losses.builder.output(&value)?;
        summed.push(value);
    }
    let (label_rank, loss) = (losses.label_rank()?, losses.seed.value.clone());

    let output = losses.seed.output.clone();
    let mut forward = Builder::extend(gradient::free(model.graph.clone(), &model.parameters)?)?;
    let label = match target {
        Target::Regression => None,
        _ => Some(targets::labels(&mut forward, target, &output, LABEL)?),
    };
    let asked = targets::serve(&mut forward, target, &output, label.as_deref())?.value;
    forward.output(&asked)?;
    Ok(Pass {
        training: onnx::encode(&losses.finish()),
        forward: onnx::encode(&forward.finish()),
        target: asked,
        loss,
        label_rank,
        gradients: summed,
    })
}

/// An ONNX file of losses: the model's first output and `[batch]`.
#[derive(Debug)]
pub(super) struct LossPass {
    pub(super) onnx: Vec<u8>,
    pub(super) output: String,
    pub(super) loss: String,
    pub(super) label_rank: usize,
}

/// Appends the losses alone.
pub(super) fn loss_pass(model: &Model, target: Target) -> Result<LossPass, FactoryError> {
    let mut losses = Losses::of(model, target)?;
    let (output, loss) = (losses.seed.output.clone(), losses.seed.value.clone());
    losses.builder.output(&output)?;
    losses.builder.output(&loss)?;
    let label_rank = losses.label_rank()?;
    Ok(LossPass { onnx: onnx::encode(&losses.finish()), output, loss, label_rank })
}

/// An ONNX file of a whole training step. Beside the records and [`SCALE`] it takes the optimiser's numbers.
#[derive(Debug)]
pub(super) struct StepPass {
    pub(super) onnx: Vec<u8>,
    /// Input and output of the parameters and of each moment, `[parameters]`.
    pub(super) state: Vec<(String, String)>,
    pub(super) label_rank: usize,
}

/// Appends losses, their gradients and the optimiser's step. Parameters are one vector, so that a step is as many
/// operators for many layers as for one.
pub(super) fn step_pass(
    model: &Model,
    target: Target,
    layout: &Layout,
    optimiser: &Optimiser,
    clip: Option<f64>,
) -> Result<StepPass, FactoryError> {
    let mut losses = Losses::of(model, target)?;
    let gradients = losses.gradients(model)?;
    let label_rank = losses.label_rank()?;
    let builder = &mut losses.builder;
    let total = builder.node("ReduceSum", LOSS, &[&losses.seed.value], vec![("keepdims", Attribute::Int(0))])?;
    builder.output(&total)?;

    let mut flat = Vec::with_capacity(gradients.len());
    for gradient in &gradients {
        let summed = gradient::summed(builder, gradient)?;
        let vector = builder.integers(&[-1]);
        flat.push(builder.node("Reshape", "step/flat", &[&summed, &vector], Vec::new())?);
    }
    let flat: Vec<&str> = flat.iter().map(String::as_str).collect();
    let sum = builder.node("Concat", "step/gradient", &flat, vec![("axis", Attribute::Int(0))])?;
    let scale = builder.input(Signature { name: SCALE.to_owned(), element: Element::F32, shape: Shape::fixed(&[]) })?;
    let mut gradient = builder.node("Mul", "step/gradient", &[&sum, &scale], Vec::new())?;
    if let Some(clip) = clip {
        gradient = clipped(builder, &gradient, clip)?;
    }

    let mut vector = |name: &str| {
        let shape = Shape::fixed(&[layout.len()]);
        builder.input(Signature { name: name.to_owned(), element: Element::F32, shape })
    };
    let parameters = vector("step/parameters")?;
    let moments: Vec<String> = (1..=optimiser.moments())
        .map(|number| vector(&format!("step/moment{number}")))
        .collect::<Result<_, GraphError>>()?;
    let (new, new_moments) = optimiser.append(builder, &parameters, &moments, &gradient)?;
    let inputs = std::iter::once(&parameters).chain(&moments).cloned();
    let outputs: Vec<String> = std::iter::once(new).chain(new_moments).collect();
    for output in &outputs {
        builder.output(output)?;
    }
    let state = inputs.zip(outputs.iter().cloned()).collect();
    let sizes: Vec<i64> = layout.places().iter().map(|place| place.range.len() as i64).collect();
    let sizes = builder.integers(&sizes);
    let mut unpacked = vec![];
    let mut parts = Vec::with_capacity(layout.places().len());
    for (number, place) in layout.places().iter().enumerate() {
        let dims: Vec<i64> = place.dims.iter().map(|size| *size as i64).collect();
        let (part, dims) = (format!("step/part{number}"), builder.integers(&dims));
        unpacked.push(node("Reshape", vec![part.clone(), dims], vec![place.name.clone()]));
        parts.push(part);
    }
    unpacked.insert(0, node("Split", vec![parameters, sizes], parts));

    let mut graph = losses.finish();
    graph.inputs.retain(|input| !model.parameters.contains(&input.name));
    graph.nodes.splice(0..0, unpacked);
    Ok(StepPass { onnx: onnx::encode(&graph), state, label_rank })
}

/// `gradient · min(1, clip / (‖gradient‖ + 10⁻⁶))` (Pascanu et al., 2013).
fn clipped(builder: &mut Builder, gradient: &str, clip: f64) -> Result<String, GraphError> {
    let (clip, little, one) = (builder.scalar(clip as f32), builder.scalar(1e-6), builder.scalar(1.0));
    let norm = builder.node("ReduceL2", "step/norm", &[gradient], vec![("keepdims", Attribute::Int(0))])?;
    let norm = builder.node("Add", "step/norm", &[&norm, &little], Vec::new())?;
    let share = builder.node("Div", "step/share", &[&clip, &norm], Vec::new())?;
    let share = builder.node("Min", "step/share", &[&share, &one], Vec::new())?;
    builder.node("Mul", "step/gradient", &[gradient, &share], Vec::new())
}

fn node(op: &str, inputs: Vec<String>, outputs: Vec<String>) -> Node {
    let name = outputs.first().cloned().unwrap_or_default();
    Node { name, op: op.to_owned(), inputs, outputs, ..Node::default() }
}

/// A model whose parameters are inputs, with the losses of its first output.
struct Losses {
    builder: Builder,
    label: String,
    seed: Seed,
}

impl Losses {
    fn of(model: &Model, target: Target) -> Result<Self, FactoryError> {
        let output = model.graph.outputs.first().ok_or(AttributionError::NoOutput)?.name.clone();
        let freed = gradient::free(model.graph.clone(), &model.parameters)?;
        let mut builder = Builder::extend(Graph { outputs: Vec::new(), ..freed })?;
        let label = targets::labels(&mut builder, target, &output, LABEL)?;
        let seed = targets::loss(&mut builder, target, &output, &label)?;
        Ok(Self { builder, label, seed })
    }

    fn gradients(&mut self, model: &Model) -> Result<Vec<ParameterGradient>, FactoryError> {
        let seeds = [(self.seed.output.as_str(), self.seed.cotangent.as_str())];
        Ok(gradient::reverse(&mut self.builder, &seeds, &model.parameters)?)
    }

    fn label_rank(&self) -> Result<usize, FactoryError> {
        Ok(self.builder.shape(&self.label)?.rank())
    }

    /// The graph. A record to train on has a label; the default, what the model serves, would teach it nothing.
    fn finish(self) -> Graph {
        let mut graph = self.builder.finish();
        graph.constants.remove(&self.label);
        graph
    }
}
