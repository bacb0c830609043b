//! A base as a trainer takes it: one input of features, one output of logits, and nothing that only others need.

use tributary_attribution::{
    compile::{LABEL, SKETCH},
    graph::{Builder, Dim, Element, Graph, Node, Shape, Signature, Tensor},
};

use super::{
    BaseError,
    surgery::{Names, holds_graph, makers, needed, operator, rename},
};
use crate::model::{FEATURES, LOGITS};

/// Names that training and attribution give to values of their own.
const RESERVED: [&str; 4] = [FEATURES, LOGITS, LABEL, SKETCH];

/// The base with the input [`FEATURES`] `[batch, width]` and, of its outputs, the one called [`LOGITS`] or else the first
/// of `f32`, under that name and of any shape. A softmax that stands last is left out: losses and margins begin at logits.
///
/// # Errors
/// [`BaseError::NoOutput`], [`BaseError::Inputs`], [`BaseError::Input`], [`BaseError::Subgraph`], [`BaseError::NoHead`] for
/// a model that answers its input.
pub(super) fn plain(base: &Graph, width: usize) -> Result<Graph, BaseError> {
    let reals = || base.outputs.iter().filter(|output| output.element == Element::F32);
    let output = reals().find(|output| output.name == LOGITS).or_else(|| reals().next()).ok_or(BaseError::NoOutput)?;
    let output = Signature { name: logits(base, output), ..output.clone() };
    let mut graph = needed(Graph { outputs: vec![output.clone()], ..base.clone() });
    if let Some(node) = graph.nodes.iter().find(|node| holds_graph(node)) {
        return Err(BaseError::Subgraph { node: node.name.clone(), op: node.op.clone() });
    }
    if graph.nodes.is_empty() {
        return Err(BaseError::NoHead { shape: output.shape });
    }
    // What may be left out is left out: its default is a constant like others.
    let Graph { inputs, constants, .. } = &mut graph;
    inputs.retain(|input| !constants.contains_key(&input.name));
    check_input(&graph.inputs, width)?;
    let mut names = Names::of(&graph);
    for reserved in RESERVED {
        if names.has(reserved) {
            let other = names.fresh(&format!("base.{reserved}"));
            rename(&mut graph, reserved, &other);
        }
    }
    if let [output] = graph.outputs.as_slice() {
        let from = output.name.clone();
        rename(&mut graph, &from, LOGITS);
    }
    Ok(read_features(graph, &mut names, width))
}

/// The value before a softmax and what only hands on.
fn logits(graph: &Graph, output: &Signature) -> String {
    let makers = makers(graph);
    let mut at = output.name.as_str();
    while let Some(node) = makers.get(at).and_then(|place| graph.nodes.get(*place)) {
        let along = node.int("axis", -1);
        let last = along == -1 || usize::try_from(along).is_ok_and(|along| along + 1 == output.shape.rank());
        let hands_on = match node.op.as_str() {
            "Identity" => true,
            "Softmax" | "LogSoftmax" => last,
            _ => false,
        };
        match node.input(0).filter(|_| hands_on && node.domain.is_empty()) {
            Some(before) => at = before,
            None => break,
        }
    }
    at.to_owned()
}

fn check_input(inputs: &[Signature], width: usize) -> Result<(), BaseError> {
    match inputs {
        [input] if input.element == Element::F32 && numbers(&input.shape) == Some(width) => Ok(()),
        [Signature { name, element, shape }] => {
            Err(BaseError::Input { input: name.clone(), element: *element, shape: shape.clone(), width })
        }
        _ => Err(BaseError::Inputs { found: inputs.iter().map(|input| input.name.clone()).collect() }),
    }
}

/// The one input becomes [`FEATURES`], brought into its dimensions where these are more than a row.
fn read_features(mut graph: Graph, names: &mut Names, width: usize) -> Graph {
    for Signature { name, element, shape } in std::mem::take(&mut graph.inputs) {
        if shape.rank() == 2 {
            rename(&mut graph, &name, FEATURES);
        } else {
            let dims = names.fresh("features.shape");
            graph.constants.insert(dims.clone(), Tensor::integers(&shape.to_reshape()));
            let node = names.fresh("features.shaped");
            graph.nodes.insert(0, Node { name: node, ..operator("Reshape", &[FEATURES, &dims], &name) });
        }
        let shape = Shape::batched(&[width]);
        graph.inputs.push(Signature { name: FEATURES.to_owned(), element, shape });
    }
    graph
}

/// Numbers a record of `[batch, …]`.
fn numbers(shape: &Shape) -> Option<usize> {
    let (Dim::Batch(1), sizes) = shape.0.split_first()? else { return None };
    let mut dims = Shape(sizes.to_vec()).to_fixed()?.into_iter();
    dims.try_fold(1usize, usize::checked_mul)
}

/// Whether the output holds `outputs` numbers a record along one dimension.
pub(super) fn gives(builder: &Builder, outputs: usize) -> bool {
    let Ok(known) = builder.known(LOGITS) else { return false };
    let sizes = known.shape.0.iter().skip(1).filter(|dim| **dim != Dim::Fixed(1)).count();
    let along_one = sizes <= 1 && numbers(&known.shape) == Some(outputs);
    along_one && known.element == Element::F32
}

/// The output as `[batch, outputs]`, where it [gives](gives) as many.
pub(super) fn flat(mut graph: Graph, shape: &Shape, outputs: usize) -> Graph {
    let wanted = Shape::batched(&[outputs]);
    if *shape != wanted {
        let mut names = Names::of(&graph);
        let (before, dims) = (names.fresh("logits.shaped"), names.fresh("logits.shape"));
        rename(&mut graph, LOGITS, &before);
        graph.constants.insert(dims.clone(), Tensor::integers(&wanted.to_reshape()));
        graph.nodes.push(operator("Reshape", &[&before, &dims], LOGITS));
        graph.outputs = vec![Signature { name: LOGITS.to_owned(), element: Element::F32, shape: wanted }];
    }
    graph
}
