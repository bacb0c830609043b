//! Dense layers, and the last of them.

use tributary_attribution::graph::{Builder, Dim, Element, Graph, Node, Shape, Signature};

use super::{
    BaseError,
    surgery::{Names, makers, needed, operator, rename, weight},
};
use crate::{FactoryError, model::LOGITS};

/// A product `x · W` of a value that carries the batch and a matrix that all records share.
pub(super) struct Dense<'a> {
    /// `x`, `[…, inputs]`.
    pub(super) x: &'a str,
    /// The value of `W`.
    pub(super) weight: &'a str,
    /// Whether `W` is kept as `[outputs, inputs]`.
    pub(super) transposed: bool,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

impl<'a> Dense<'a> {
    /// What an operator is, if it is one: a `MatMul`, or a `Gemm` that takes `x` as it is.
    pub(super) fn of(builder: &Builder, node: &'a Node) -> Option<Self> {
        let transposed = match node.op.as_str() {
            "MatMul" => false,
            "Gemm" if node.int("transA", 0) == 0 => node.int("transB", 0) != 0,
            _ => return None,
        };
        let (x, weight) = (node.input(0)?, node.input(1)?);
        let (rows, matrix) = (builder.known(x).ok()?, builder.known(weight).ok()?);
        let dims = matrix.shape.to_fixed()?;
        let (inputs, outputs) = match (dims.as_slice(), transposed) {
            ([inputs, outputs], false) | ([outputs, inputs], true) => (*inputs, *outputs),
            _ => return None,
        };
        let real = node.domain.is_empty() && rows.element == Element::F32 && matrix.element == Element::F32;
        let fits = rows.shape.rank() >= 2 && rows.shape.0.last() == Some(&Dim::Fixed(inputs));
        let layer = Self { x, weight, transposed, inputs, outputs };
        (real && fits && rows.shape.batch_axis().is_some()).then_some(layer)
    }
}

/// The place of the dense layer of one row a record that everything in the output comes from, with nothing but operators
/// of one such input behind it: a bias, a change of dimensions, an activation.
pub(super) fn last_dense(builder: &Builder) -> Option<usize> {
    let graph = builder.graph();
    let makers = makers(graph);
    let carries = |value: &str| builder.known(value).map_or(true, |known| known.shape.batch_axis().is_some());
    let mut at = graph.outputs.first()?.name.as_str();
    loop {
        let place = *makers.get(at)?;
        let node = graph.nodes.get(place)?;
        match node.op.as_str() {
            "MatMul" | "Gemm" => {
                let layer = Dense::of(builder, node)?;
                let row = builder.shape(layer.x).is_ok_and(|shape| *shape == Shape::batched(&[layer.inputs]));
                return (row && !node.input(2).is_some_and(carries)).then_some(place);
            }
            "Conv" | "ConvTranspose" | "Einsum" => return None,
            _ => {}
        }
        let mut before = node.inputs.iter().filter(|input| !input.is_empty() && carries(input));
        at = before.next()?;
        if before.next().is_some() {
            return None;
        }
    }
}

/// The graph with a new dense layer of `outputs` in place of its last one and of all that stands behind that, and the
/// names of the new layer's weight and bias. Both are zero: a head alone has an objective with one minimum, and starting
/// from zero favours no class.
///
/// # Errors
/// [`BaseError::NoHead`], [`FactoryError::Graph`], [`FactoryError::Recipe`].
pub(super) fn replaced(graph: Graph, outputs: usize) -> Result<(Graph, Vec<String>), FactoryError> {
    let builder = Builder::extend(graph)?;
    let place = last_dense(&builder).and_then(|place| builder.graph().nodes.get(place));
    let Some(layer) = place.and_then(|node| Dense::of(&builder, node)) else {
        return Err(BaseError::NoHead { shape: builder.shape(LOGITS)?.clone() }.into());
    };
    let (features, inputs) = (layer.x.to_owned(), layer.inputs);
    let mut graph = builder.finish();
    let mut names = Names::of(&graph);
    let before = names.fresh("base.logits");
    rename(&mut graph, LOGITS, &before);
    let (matrix, bias) = (names.fresh("head.weight"), names.fresh("head.bias"));
    graph.constants.insert(matrix.clone(), weight(&[inputs, outputs], || 0.0)?);
    graph.constants.insert(bias.clone(), weight(&[outputs], || 0.0)?);
    graph.nodes.push(operator("Gemm", &[&features, &matrix, &bias], LOGITS));
    let shape = Shape::batched(&[outputs]);
    graph.outputs = vec![Signature { name: LOGITS.to_owned(), element: Element::F32, shape }];
    Ok((needed(graph), vec![matrix, bias]))
}
