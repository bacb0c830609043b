//! Changing a graph by hand: names, and leaving out what nobody needs.

use std::collections::{BTreeMap, BTreeSet};

use tributary_attribution::graph::{Attribute, Data, Graph, Node, Tensor};

use crate::FactoryError;

/// Most numbers of one new weight: 1 GiB.
const MOST_NUMBERS: usize = 1 << 28;

/// The names of a graph's values and operators, from which new ones keep apart: ONNX Runtime takes no two operators of one
/// name.
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn of(graph: &Graph) -> Self {
        let given = graph.inputs.iter().map(|input| &input.name).chain(graph.constants.keys());
        let made = graph.nodes.iter().flat_map(|node| node.outputs.iter().chain([&node.name]));
        Self(given.chain(made).cloned().collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// A name nothing has yet: `stem`, or `stem` and a number.
    pub(super) fn fresh(&mut self, stem: &str) -> String {
        let mut name = stem.to_owned();
        let mut number = 1u64;
        while !self.0.insert(name.clone()) {
            number += 1;
            name = format!("{stem}.{number}");
        }
        name
    }
}

/// Calls a value otherwise wherever it stands, and the operator that is called like it.
pub(super) fn rename(graph: &mut Graph, from: &str, to: &str) {
    let change = |name: &mut String| {
        if name == from {
            to.clone_into(name);
        }
    };
    for signature in graph.inputs.iter_mut().chain(&mut graph.outputs) {
        change(&mut signature.name);
    }
    for node in &mut graph.nodes {
        node.inputs.iter_mut().chain(&mut node.outputs).chain([&mut node.name]).for_each(change);
    }
    if let Some(tensor) = graph.constants.remove(from) {
        graph.constants.insert(to.to_owned(), tensor);
    }
    if let Some(mut signature) = graph.declared.remove(from) {
        to.clone_into(&mut signature.name);
        graph.declared.insert(to.to_owned(), signature);
    }
}

/// What the outputs need and no more. A value that is among the inputs is taken from there, even if an operator makes it.
pub(super) fn needed(mut graph: Graph) -> Graph {
    let given: BTreeSet<String> = graph.inputs.iter().map(|input| input.name.clone()).collect();
    let mut wanted: BTreeSet<String> = graph.outputs.iter().map(|output| output.name.clone()).collect();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes).into_iter().rev() {
        if node.outputs.iter().any(|made| wanted.contains(made) && !given.contains(made)) {
            wanted.extend(node.inputs.iter().filter(|input| !input.is_empty()).cloned());
            nodes.push(node);
        }
    }
    nodes.reverse();
    let made: BTreeSet<&str> = nodes.iter().flat_map(|node| &node.outputs).map(String::as_str).collect();
    graph.declared.retain(|value, _| made.contains(value.as_str()));
    graph.domains.retain(|domain, _| nodes.iter().any(|node| node.domain == *domain));
    graph.constants.retain(|constant, _| wanted.contains(constant));
    graph.inputs.retain(|input| wanted.contains(&input.name));
    graph.nodes = nodes;
    graph
}

/// The operator that makes each value, by its place.
pub(super) fn makers(graph: &Graph) -> BTreeMap<&str, usize> {
    let mut makers = BTreeMap::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        makers.extend(node.outputs.iter().filter(|made| !made.is_empty()).map(|made| (made.as_str(), place)));
    }
    makers
}

/// Whether an operator holds operators of its own, whose inputs cannot be told.
pub(super) fn holds_graph(node: &Node) -> bool {
    node.attributes.values().any(|value| matches!(value, Attribute::Opaque(_)))
}

/// An operator of ONNX's own with one output, called like that.
pub(super) fn operator(op: &str, inputs: &[&str], output: &str) -> Node {
    Node {
        name: output.to_owned(),
        op: op.to_owned(),
        inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
        outputs: vec![output.to_owned()],
        ..Node::default()
    }
}

/// A weight of these dimensions, its numbers drawn one after the other, row-major.
///
/// # Errors
/// [`FactoryError::Recipe`] where it would be too large to train.
pub(super) fn weight(dims: &[usize], draw: impl FnMut() -> f32) -> Result<Tensor, FactoryError> {
    let count = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    let count = count.filter(|count| *count <= MOST_NUMBERS);
    let values = count.map(|count| std::iter::repeat_with(draw).take(count).collect());
    let tensor = values.and_then(|values| Tensor::new(dims.to_vec(), Data::F32(values)));
    tensor.ok_or_else(|| FactoryError::Recipe {
        what: "shape",
        found: format!("{dims:?}"),
        instead: "ask for fewer outputs or a lower rank",
    })
}
