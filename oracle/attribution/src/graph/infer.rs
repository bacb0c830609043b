//! What each operator makes of its inputs' types and shapes, and of their values where those are constant.

use std::collections::BTreeMap;

use super::{Graph, GraphError, Known, Node, Shape, Signature};

/// Everything that is known of a graph's values, in operator order.
pub(super) fn graph(graph: &Graph) -> Result<BTreeMap<String, Known>, GraphError> {
    let mut known = BTreeMap::new();
    for (name, tensor) in &graph.constants {
        let value =
            Known { element: tensor.element(), shape: Shape::fixed(tensor.dims()), value: Some(tensor.clone()) };
        known.insert(name.clone(), value);
    }
    for input in &graph.inputs {
        known.insert(input.name.clone(), Known { element: input.element, shape: input.shape.clone(), value: None });
    }
    for operator in &graph.nodes {
        let made = node(operator, &known, &graph.declared)?;
        for (value, what) in operator.outputs.iter().zip(made) {
            if !value.is_empty() && known.insert(value.clone(), what).is_some() {
                return Err(GraphError::Twice { value: value.clone() });
            }
        }
    }
    Ok(known)
}

/// What is known of an operator's outputs, in their order.
pub(super) fn node(
    node: &Node,
    known: &BTreeMap<String, Known>,
    declared: &BTreeMap<String, Signature>,
) -> Result<Vec<Known>, GraphError> {
    let _ = (known, declared);
    Err(GraphError::Refused { node: node.name.clone(), op: node.op.clone(), reason: "unsupported".to_owned() })
}
