//! What each operator makes of its inputs' types and shapes, and of their values where those are constant.
//!
//! Operators are told apart by family: [`elementwise`], [`contraction`], [`window`], [`reduction`], [`layout`] (the same
//! numbers in other dimensions), [`selection`] (some of the numbers), [`making`] (numbers from settings alone). [`fold`]
//! computes the small integer values from which exporters build shapes. An operator that none of them knows makes values
//! that are known only if the file declares them.

mod call;
mod contraction;
mod einsum;
mod elementwise;
mod fold;
mod layout;
mod making;
mod places;
mod reduction;
mod selection;
mod window;

use std::collections::BTreeMap;

use self::call::{Call, Made, Trouble};
use super::{Graph, GraphError, Known, Node, Signature};

/// What is known of every value; nothing of those whose operator is unknown.
pub(super) type Values = BTreeMap<String, Option<Known>>;

/// Everything that is known of a graph's values.
pub(super) fn graph(graph: &Graph) -> Result<Values, GraphError> {
    let mut values = Values::new();
    for (name, tensor) in &graph.constants {
        values.insert(name.clone(), Some(Known::constant(tensor)));
    }
    for input in &graph.inputs {
        values.insert(input.name.clone(), Some(Known::of(input.element, input.shape.clone())));
    }
    for operator in &graph.nodes {
        for (value, known) in node(operator, &values, &graph.declared)? {
            if values.contains_key(&value) {
                return Err(GraphError::Twice { value });
            }
            values.insert(value, known);
        }
    }
    Ok(values)
}

/// An operator's outputs by name, and what is known of them.
pub(super) fn node(
    node: &Node,
    values: &Values,
    declared: &BTreeMap<String, Signature>,
) -> Result<Vec<(String, Option<Known>)>, GraphError> {
    let mut inputs = Vec::with_capacity(node.inputs.len());
    let mut told = node.domain.is_empty();
    for name in &node.inputs {
        if name.is_empty() {
            inputs.push(None);
            continue;
        }
        let known = values.get(name).ok_or_else(|| GraphError::Missing { value: name.clone() })?;
        told &= known.is_some();
        inputs.push(known.as_ref());
    }
    let made = if told { made(&Call::new(node, inputs)) } else { Err(Trouble::Unknown) };
    let mut made = match made {
        Ok(made) => made.into_iter().map(Some).collect(),
        Err(Trouble::Unknown) => Vec::new(),
        Err(Trouble::Refused(reason)) => {
            return Err(GraphError::Refused { node: node.name.clone(), op: node.op.clone(), reason });
        }
    };
    made.resize(node.outputs.len().max(made.len()), None);
    let named = node.outputs.iter().zip(made).filter(|(name, _)| !name.is_empty());
    Ok(named.map(|(name, known)| (name.clone(), known.or_else(|| said(declared, name)))).collect())
}

/// Why nothing is known of a value: the error names the operator that makes it.
pub(super) fn untold(graph: &Graph, value: &str) -> GraphError {
    match graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == value)) {
        Some(node) => GraphError::Unknown { node: node.name.clone(), op: node.op.clone(), value: value.to_owned() },
        None => GraphError::Missing { value: value.to_owned() },
    }
}

fn said(declared: &BTreeMap<String, Signature>, name: &str) -> Option<Known> {
    declared.get(name).map(|signature| Known::of(signature.element, signature.shape.clone()))
}

fn made(call: &Call<'_>) -> Made {
    call.check_attributes()?;
    let mut made = match call.node.op.as_str() {
        "Gemm" => contraction::gemm(call),
        "MatMul" => contraction::matmul(call),
        "Einsum" => einsum::einsum(call),
        "Conv" => window::conv(call),
        "ConvTranspose" => window::conv_transpose(call),
        "MaxPool" | "AveragePool" | "LpPool" => window::pool(call),
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => window::global_pool(call),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2"
        | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceSumSquare" => reduction::reduce(call),
        "ArgMax" | "ArgMin" => reduction::arg(call),
        "TopK" => reduction::top(call),
        "Reshape" => layout::reshape(call),
        "Flatten" => layout::flatten(call),
        "Squeeze" => layout::squeeze(call),
        "Unsqueeze" => layout::unsqueeze(call),
        "Transpose" => layout::transpose(call),
        "Expand" => layout::expand(call),
        "Tile" => layout::tile(call),
        "Pad" => layout::pad(call),
        "Concat" => selection::concat(call),
        "Split" => selection::split(call),
        "Slice" => selection::slice(call),
        "Gather" => selection::gather(call),
        "GatherElements" => selection::gather_elements(call),
        "OneHot" => selection::one_hot(call),
        "Constant" => making::constant(call),
        "ConstantOfShape" => making::constant_of_shape(call),
        "Shape" => making::shape(call),
        "Size" => making::size(call),
        "Range" => making::range(call),
        _ => elementwise::elementwise(call),
    }?;
    for known in &mut made {
        call::check(known)?;
    }
    fold::fold(call, &mut made);
    Ok(made)
}

#[cfg(test)]
mod tests;
