mod check;
mod operators;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::{
    OnnxError, opset,
    proto::{GraphProto, ModelProto, OperatorSetIdProto, ValueInfoProto},
    signature,
    tensor::{self, External},
};
use crate::graph::{Graph, GraphError};

/// More operators than any model has; hostile files may promise millions in few bytes.
const NODE_LIMIT: usize = 1 << 20;

/// A graph from the bytes of an ONNX file that keeps all its numbers itself.
///
/// Operators stand in an order in which each finds its inputs made, `Constant` operators are constants, everything is in
/// operator set [`OPSET`](crate::graph::OPSET), and the first dimension of each input is the batch.
///
/// # Errors
/// [`OnnxError`] says what is wrong with the file and what to do.
pub fn decode(bytes: &[u8]) -> Result<Graph, OnnxError> {
    decode_with(bytes, &|_, _, _| None)
}

/// As [`decode`], of a model that keeps numbers in other files. No file is opened here: `external` gives them.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(bytes: &[u8], external: External<'_>) -> Result<Graph, OnnxError> {
    let model = ModelProto::decode(bytes).map_err(|error| OnnxError::Corrupt(error.to_string()))?;
    if let Some(function) = model.functions.into_iter().next() {
        return Err(OnnxError::Function(function.name.unwrap_or_default()));
    }
    let (version, domains) = versions(model.opset_import)?;
    let mut file = model.graph.ok_or_else(|| OnnxError::Corrupt("it holds no graph".to_owned()))?;
    opset::normalise(&mut file, version)?;
    if file.node.len() > NODE_LIMIT {
        return Err(OnnxError::Corrupt(format!("it has {} operators", file.node.len())));
    }
    if file.output.is_empty() {
        return Err(OnnxError::Corrupt("it has no outputs".to_owned()));
    }
    if let Some(sparse) = file.sparse_initializer.first() {
        let tensor = sparse.values.as_ref().and_then(|values| values.name.clone()).unwrap_or_default();
        return Err(OnnxError::Tensor { tensor, reason: "it is sparse: export it dense".to_owned() });
    }
    let outputs = std::mem::take(&mut file.output);
    let values = std::mem::take(&mut file.value_info);
    let mut graph = Graph { name: file.name.take().unwrap_or_default(), domains, ..Graph::default() };
    read_tensors(&mut file, &mut graph, external)?;
    let batches = read_inputs(&file.input, &mut graph)?;
    operators::read(file.node, &mut graph, &outputs, external)?;
    for value in values.iter().chain(&outputs).filter_map(|value| signature::value(value, &batches)) {
        graph.declared.insert(value.name.clone(), value);
    }
    check::finish(graph, &outputs)
}

/// The version of ONNX's own operators and those of others.
fn versions(sets: Vec<OperatorSetIdProto>) -> Result<(i64, BTreeMap<String, i64>), OnnxError> {
    let mut domains = BTreeMap::new();
    for set in sets {
        domains.insert(own_domain(set.domain), set.version.unwrap_or_default());
    }
    let own = domains.remove("");
    Ok((own.ok_or_else(|| OnnxError::Corrupt("it names no operator set".to_owned()))?, domains))
}

/// ONNX's own domain has two names.
fn own_domain(domain: Option<String>) -> String {
    domain.filter(|domain| domain != "ai.onnx").unwrap_or_default()
}

fn read_tensors(file: &mut GraphProto, graph: &mut Graph, external: External<'_>) -> Result<(), OnnxError> {
    for constant in std::mem::take(&mut file.initializer) {
        let name = constant.name.clone().unwrap_or_default();
        let constant = tensor::decode(constant, external)?;
        if graph.constants.insert(name.clone(), constant).is_some() {
            return Err(GraphError::Twice { value: name }.into());
        }
    }
    Ok(())
}

/// Reads inputs; gives the names that the file has for the batch. Older files list weights among the inputs: an input of
/// fixed dimensions that has a value is a constant.
fn read_inputs(inputs: &[ValueInfoProto], graph: &mut Graph) -> Result<BTreeSet<String>, OnnxError> {
    let mut batches = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for value in inputs {
        let name = value.name.clone().unwrap_or_default();
        if name.is_empty() || !seen.insert(name.clone()) {
            return Err(GraphError::Twice { value: name }.into());
        }
        let constant = graph.constants.get(&name);
        if let (Some(constant), Some(dims)) = (constant, signature::fixed(value)) {
            if dims != constant.dims() {
                let reason = format!("it is {:?}, as an input it is {dims:?}: export the model again", constant.dims());
                return Err(OnnxError::Tensor { tensor: name, reason });
            }
            continue;
        }
        let (signature, batch) = signature::input(value)?;
        if constant.is_some_and(|constant| constant.element() != signature.element) {
            let reason = format!("it is an input of {}, its value is not: export the model again", signature.element);
            return Err(OnnxError::Signature { value: name, reason });
        }
        batches.extend(batch);
        graph.inputs.push(signature);
    }
    Ok(batches)
}

#[cfg(test)]
mod tests;
