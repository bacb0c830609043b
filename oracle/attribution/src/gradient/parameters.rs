use std::collections::{BTreeMap, BTreeSet};

use super::{GradientError, rules};
use crate::graph::{Element, Graph, Node, Shape, Signature};

/// Which of a model's weights are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layers {
    /// The weights and bias of the last dense layer or convolution.
    Last,
    /// All.
    All,
    /// These.
    Named(Vec<String>),
}

/// A constant this large in size is a mask, not a weight.
const MASK: f32 = 1e4;

/// The weights of a model, in the order in which its operators use them.
///
/// ONNX does not tell weights from other constants. Taken are the `f32` constants that reach an output and are, as they
/// stand or after a change of layout, the matrix or bias of a dense layer, a convolution, a normalisation or an einsum,
/// a table that is gathered from, or more than one number added to or multiplied with a value that no input is alone:
/// scaling of the inputs is not a weight, and no mask is. What this rule misses can be [named](Layers::Named).
pub fn parameters(graph: &Graph) -> Vec<String> {
    let weights = Weights::of(graph);
    weights.used.into_iter().map(|(weight, _)| weight.to_owned()).collect()
}

/// The weights a caller means, in the order of [`parameters`] or of their names.
///
/// # Errors
/// [`GradientError::NoParameter`] for a name that is no `f32` constant, [`GradientError::NoLayer`].
pub fn select(graph: &Graph, layers: &Layers) -> Result<Vec<String>, GradientError> {
    let selected = match layers {
        Layers::All => parameters(graph),
        Layers::Last => last(graph),
        Layers::Named(names) => {
            let known = |name: &&String| graph.constants.get(*name).is_none_or(|it| it.element() != Element::F32);
            if let Some(name) = names.iter().find(known) {
                return Err(GradientError::NoParameter { parameter: name.clone() });
            }
            let mut unique = BTreeSet::new();
            names.iter().filter(|name| unique.insert(name.as_str())).cloned().collect()
        }
    };
    if selected.is_empty() { Err(GradientError::NoLayer) } else { Ok(selected) }
}

/// The same graph with constants as inputs of the same name and dimensions, so that each run may bring other weights.
///
/// # Errors
/// [`GradientError::NoParameter`] for a name that is no `f32` constant.
pub fn free(mut graph: Graph, parameters: &[String]) -> Result<Graph, GradientError> {
    for name in parameters {
        let input = graph.inputs.iter().any(|input| input.name == *name);
        let tensor = graph.constants.remove(name).filter(|tensor| !input && tensor.element() == Element::F32);
        let Some(tensor) = tensor else { return Err(GradientError::NoParameter { parameter: name.clone() }) };
        let shape = Shape::fixed(tensor.dims());
        graph.inputs.push(Signature { name: name.clone(), element: Element::F32, shape });
    }
    Ok(graph)
}

fn last(graph: &Graph) -> Vec<String> {
    let weights = Weights::of(graph);
    let dense = |node: &Node| matches!(node.op.as_str(), "Gemm" | "MatMul" | "Conv" | "ConvTranspose");
    let of = |place: usize| weights.used.iter().filter(move |(_, users)| users.contains(&place));
    let layer = (0..graph.nodes.len()).rev().find(|place| dense(&graph.nodes[*place]) && of(*place).next().is_some());
    let Some(layer) = layer else { return Vec::new() };
    let made = graph.nodes[layer].output(0);
    let bias = graph
        .nodes
        .iter()
        .position(|node| node.op == "Add" && made.is_some_and(|made| node.inputs.iter().any(|input| input == made)));
    let of_bias = |users: &BTreeSet<usize>| bias.is_some_and(|bias| users.contains(&bias));
    let own = weights.used.iter().filter(|(_, users)| users.contains(&layer) || of_bias(users));
    own.map(|(weight, _)| (*weight).to_owned()).collect()
}

/// Weights in the order of their first use, each with the places of the operators that use it as one.
struct Weights<'a> {
    used: Vec<(&'a str, BTreeSet<usize>)>,
}

impl<'a> Weights<'a> {
    fn of(graph: &'a Graph) -> Self {
        let reaching = reaching(graph);
        let given: BTreeSet<&str> = graph.inputs.iter().map(|input| input.name.as_str()).collect();
        // Constants as they stand or after a change of layout, by value; and values made of the inputs alone.
        let mut stands_for: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, tensor) in &graph.constants {
            let small = |values: &[f32]| values.iter().all(|value| value.abs() < MASK);
            if !given.contains(name.as_str()) && tensor.floats().is_some_and(small) {
                stands_for.insert(name, BTreeSet::from([name.as_str()]));
            }
        }
        let mut raw = given;
        let mut used: Vec<(&str, BTreeSet<usize>)> = Vec::new();
        for (place, node) in graph.nodes.iter().enumerate() {
            if node.inputs.iter().any(|input| raw.contains(input.as_str())) && is_scaling(node) {
                raw.extend(node.outputs.iter().map(String::as_str));
            }
            if !node.outputs.iter().any(|made| reaching.contains(made.as_str())) {
                continue;
            }
            for (input, name) in node.inputs.iter().enumerate() {
                let Some(constants) = stands_for.get(name.as_str()).cloned() else { continue };
                if is_weight(node, input) && !(is_elementwise(node) && is_plain(graph, node, &raw, &constants)) {
                    for constant in &constants {
                        match used.iter_mut().find(|(weight, _)| weight == constant) {
                            Some((_, users)) => drop(users.insert(place)),
                            None => used.push((constant, BTreeSet::from([place]))),
                        }
                    }
                } else if keeps_numbers(node) {
                    for made in &node.outputs {
                        stands_for.entry(made).or_default().extend(&constants);
                    }
                }
            }
        }
        Self { used }
    }
}

/// Values on which an output depends smoothly.
fn reaching(graph: &Graph) -> BTreeSet<&str> {
    let mut reaching: BTreeSet<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
    for node in graph.nodes.iter().rev().filter(|node| !rules::is_constant(node)) {
        if node.outputs.iter().any(|made| reaching.contains(made.as_str())) {
            reaching.extend(node.inputs.iter().map(String::as_str));
        }
    }
    reaching
}

/// Whether a constant in this place of an operator is a weight.
fn is_weight(node: &Node, place: usize) -> bool {
    match node.op.as_str() {
        "Gemm" | "MatMul" | "Einsum" => true,
        "Conv" | "ConvTranspose" | "LayerNormalization" | "BatchNormalization" => matches!(place, 1 | 2),
        "Gather" => place == 0,
        _ => is_elementwise(node),
    }
}

fn is_elementwise(node: &Node) -> bool {
    matches!(node.op.as_str(), "Add" | "Mul")
}

/// Whether this sum or product only scales inputs, or moves all numbers alike.
fn is_plain(graph: &Graph, node: &Node, raw: &BTreeSet<&str>, constants: &BTreeSet<&str>) -> bool {
    let single = |name: &&str| graph.constants.get(*name).is_some_and(|tensor| tensor.len() <= 1);
    node.inputs.iter().any(|input| raw.contains(input.as_str())) || constants.iter().all(single)
}

fn keeps_numbers(node: &Node) -> bool {
    rules::keeps_order(node)
        || matches!(node.op.as_str(), "Transpose" | "Slice" | "Split" | "Concat" | "Expand" | "Tile" | "Pad")
}

/// Operators that leave the inputs what they are.
fn is_scaling(node: &Node) -> bool {
    keeps_numbers(node) || matches!(node.op.as_str(), "Add" | "Sub" | "Mul" | "Div" | "Clip")
}
