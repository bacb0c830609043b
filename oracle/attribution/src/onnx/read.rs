//! Checks an ONNX file before anything serves it: whole, standard operators only, nothing outside the file, and the
//! inputs and outputs of an attributed model.

use std::collections::BTreeSet;

use prost::Message;

use super::{
    FEATURES, LOGITS, SKETCH,
    proto::{FLOAT, GraphProto, INT64, ModelProto, TensorProto, ValueInfoProto},
};
use crate::AttributionError;

/// What an attributed model reads and emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelSummary {
    /// Features a record.
    pub input_width: usize,
    /// Classes told apart.
    pub classes: usize,
    /// Numbers in a sketch.
    pub sketch_width: usize,
    /// Operator set.
    pub opset: i64,
}

/// Reads the bytes of an ONNX file as an attributed model.
///
/// # Errors
/// [`AttributionError::Corrupt`] if the bytes are not a whole ONNX file, [`AttributionError::NotAttributed`] if the file
/// is another kind of model.
pub fn read(bytes: &[u8]) -> Result<ModelSummary, AttributionError> {
    let model = ModelProto::decode(bytes).map_err(|error| corrupt(error.to_string()))?;
    let graph = model.graph.as_ref().ok_or_else(|| corrupt("it holds no graph"))?;
    let opset = (model.opset_import.iter())
        .find(|set| set.domain.as_deref().unwrap_or_default().is_empty())
        .and_then(|set| set.version)
        .ok_or_else(|| corrupt("it names no operator set"))?;
    if model.opset_import.len() > 1 {
        return Err(other("it uses operators outside the ONNX standard"));
    }
    check_initializers(graph)?;
    let [input] = graph.input.as_slice() else {
        return Err(other(format!("it has {} inputs instead of `{FEATURES}` alone", graph.input.len())));
    };
    let [logits, sketch] = graph.output.as_slice() else {
        return Err(other(format!("it has {} outputs instead of `{LOGITS}` and `{SKETCH}`", graph.output.len())));
    };
    let summary = ModelSummary {
        input_width: width(input, FEATURES)?,
        classes: width(logits, LOGITS)?,
        sketch_width: width(sketch, SKETCH)?,
        opset,
    };
    check_wiring(graph)?;
    Ok(summary)
}

/// The width of `f32 [batch, width]` with a free batch.
fn width(value: &ValueInfoProto, name: &str) -> Result<usize, AttributionError> {
    let found = value.name.as_deref().unwrap_or_default();
    if found != name {
        return Err(other(format!("it has `{found}` where `{name}` belongs")));
    }
    let tensor = value.r#type.as_ref().and_then(|r#type| r#type.tensor_type.as_ref());
    let dims = tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| shape.dim.as_slice());
    match (tensor.and_then(|tensor| tensor.elem_type), dims) {
        (Some(FLOAT), Some([batch, width])) if batch.dim_value.is_none() => width
            .dim_value
            .and_then(|width| usize::try_from(width).ok())
            .filter(|width| *width > 0)
            .ok_or_else(|| other(format!("`{name}` has no fixed width"))),
        _ => Err(other(format!("`{name}` is not f32 [batch, width] with a free batch"))),
    }
}

fn check_initializers(graph: &GraphProto) -> Result<(), AttributionError> {
    for tensor in &graph.initializer {
        let name = tensor.name.as_deref().unwrap_or_default();
        let expected = byte_length(tensor).ok_or_else(|| other(format!("the type of tensor `{name}` is not known")))?;
        let found = tensor.raw_data.as_ref().map_or(0, Vec::len);
        if found != expected {
            return Err(corrupt(format!("tensor `{name}` has {found} bytes, its shape needs {expected}")));
        }
    }
    Ok(())
}

fn byte_length(tensor: &TensorProto) -> Option<usize> {
    let size = match tensor.data_type? {
        FLOAT => 4,
        INT64 => 8,
        _ => return None,
    };
    tensor.dims.iter().try_fold(size, |product: usize, dim| product.checked_mul(usize::try_from(*dim).ok()?))
}

/// Every value is made once and before it is used, by a standard operator.
fn check_wiring(graph: &GraphProto) -> Result<(), AttributionError> {
    let mut known = BTreeSet::new();
    let inputs = graph.input.iter().map(|input| &input.name);
    for name in inputs.chain(graph.initializer.iter().map(|tensor| &tensor.name)) {
        known.insert(name.as_deref().unwrap_or_default());
    }
    for node in &graph.node {
        let op = node.op_type.as_deref().unwrap_or_default();
        if !node.domain.as_deref().unwrap_or_default().is_empty() {
            return Err(other(format!("operator `{op}` is outside the ONNX standard")));
        }
        if let Some(unknown) = node.input.iter().find(|input| !known.contains(input.as_str())) {
            return Err(corrupt(format!("operator `{op}` reads `{unknown}`, which nothing makes before it")));
        }
        for output in &node.output {
            if !known.insert(output) {
                return Err(corrupt(format!("`{output}` is made twice")));
            }
        }
    }
    let outputs = graph.output.iter().map(|output| output.name.as_deref().unwrap_or_default());
    match outputs.into_iter().find(|output| !known.contains(output)) {
        Some(missing) => Err(corrupt(format!("nothing makes the output `{missing}`"))),
        None => Ok(()),
    }
}

fn corrupt(why: impl Into<String>) -> AttributionError {
    AttributionError::Corrupt(why.into())
}

fn other(why: impl Into<String>) -> AttributionError {
    AttributionError::NotAttributed(why.into())
}
