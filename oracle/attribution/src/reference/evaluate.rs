use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    ReferenceError, Value,
    call::{Call, Made},
    choosing, elementwise, layout, linear, normalising, padding, reducing, windows,
};
use crate::graph::{Graph, Node};

/// The graph's outputs for these inputs. An input that is left out takes its default, if the graph has one.
///
/// # Errors
/// [`ReferenceError`].
pub fn evaluate(graph: &Graph, inputs: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, ReferenceError> {
    let mut values: BTreeMap<&str, Cow<'_, Value>> = BTreeMap::new();
    for (name, tensor) in &graph.constants {
        values.insert(name, Cow::Owned(Value::from(tensor)));
    }
    for (name, value) in inputs {
        values.insert(name, Cow::Borrowed(value));
    }
    let needed = needed(graph);
    for node in graph.nodes.iter().filter(|node| node.outputs.iter().any(|made| needed.contains(made.as_str()))) {
        let mut given = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            given.push(match name.as_str() {
                "" => None,
                name => Some(values.get(name).ok_or_else(|| missing(name))?.as_ref()),
            });
        }
        let made = apply(&Call { node, inputs: given })?;
        for (name, value) in node.outputs.iter().zip(made) {
            values.insert(name, Cow::Owned(value));
        }
    }
    let outputs = graph.outputs.iter().map(|output| {
        let value = values.get(output.name.as_str()).ok_or_else(|| missing(&output.name))?;
        Ok((output.name.clone(), value.clone().into_owned()))
    });
    outputs.collect()
}

/// Every value the outputs depend on.
fn needed(graph: &Graph) -> BTreeSet<&str> {
    let mut needed: BTreeSet<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|made| needed.contains(made.as_str())) {
            needed.extend(node.inputs.iter().map(String::as_str));
        }
    }
    needed
}

fn missing(value: &str) -> ReferenceError {
    ReferenceError::Missing { value: value.to_owned() }
}

fn apply(call: &Call<'_>) -> Result<Vec<Value>, ReferenceError> {
    let Node { name, op, domain, .. } = call.node;
    let definition = if domain.is_empty() { definition(op) } else { None };
    let Some(definition) = definition else {
        return Err(ReferenceError::Unsupported { node: name.clone(), op: op.clone() });
    };
    definition(call).map_err(|reason| ReferenceError::Refused { node: name.clone(), op: op.clone(), reason })
}

fn definition(op: &str) -> Option<fn(&Call<'_>) -> Made> {
    Some(match op {
        "Neg" | "Sqrt" | "Exp" | "Log" | "Relu" | "LeakyRelu" | "Sigmoid" | "Tanh" | "Erf" | "Gelu" | "Abs"
        | "Sign" | "Reciprocal" | "Sin" | "Cos" | "Not" => elementwise::unary,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" => elementwise::arithmetic,
        "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual" => elementwise::comparison,
        "And" | "Or" => elementwise::logic,
        "Where" => elementwise::choice,
        "Clip" => elementwise::clip,
        "Cast" => elementwise::cast,
        "Identity" | "Dropout" => layout::identity,
        "Transpose" => layout::transpose,
        "Reshape" => layout::reshaped,
        "Flatten" => layout::flatten,
        "Squeeze" => layout::squeeze,
        "Unsqueeze" => layout::unsqueeze,
        "Concat" => layout::concat,
        "Split" => layout::split,
        "Expand" => layout::expanded,
        "Shape" => layout::shape,
        "Range" => layout::range,
        "ConstantOfShape" => layout::constant_of_shape,
        "Constant" => layout::constant,
        "Slice" => padding::slice,
        "Pad" => padding::pad,
        "Tile" => padding::tile,
        "Trilu" => padding::trilu,
        "Gather" => choosing::gather,
        "GatherElements" => choosing::gather_elements,
        "OneHot" => choosing::one_hot,
        "ArgMax" => choosing::arg_max,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceLogSumExp" => reducing::reduce,
        "Softmax" | "LogSoftmax" => normalising::softmax,
        "LayerNormalization" => normalising::layer,
        "BatchNormalization" => normalising::batch,
        "MatMul" => linear::matmul,
        "Gemm" => linear::gemm,
        "Einsum" => linear::einsum,
        "Conv" => windows::conv,
        "ConvTranspose" => windows::conv_transpose,
        "MaxPool" => windows::max_pool,
        "AveragePool" => windows::average_pool,
        "GlobalAveragePool" => windows::global_average_pool,
        _ => return None,
    })
}
