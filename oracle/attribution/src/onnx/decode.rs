use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::{
    OnnxError,
    opset::{self, subgraphs},
    proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto, attribute_type},
    signature, sort,
    tensor::{self, External},
};
use crate::graph::{Attribute, Builder, Data, Graph, GraphError, Node, Signature, Tensor};

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

/// As [`decode`]; `external` gives the numbers that a model keeps in other files: it is called with the file's name beside
/// the model, the offset and the length in bytes.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(bytes: &[u8], external: &dyn Fn(&str, u64, u64) -> Option<Vec<u8>>) -> Result<Graph, OnnxError> {
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
    read_nodes(file.node, &mut graph, &outputs, external)?;
    for value in values.iter().chain(&outputs).filter_map(|value| signature::value(value, &batches)) {
        graph.declared.insert(value.name.clone(), value);
    }
    finish(graph, &outputs)
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
        keep(graph, name, tensor::decode(constant, external)?)?;
    }
    Ok(())
}

fn keep(graph: &mut Graph, name: String, tensor: Tensor) -> Result<(), OnnxError> {
    if graph.constants.contains_key(&name) {
        return Err(GraphError::Twice { value: name }.into());
    }
    graph.constants.insert(name, tensor);
    Ok(())
}

/// Reads inputs; gives the names that the file has for the batch. Older files list weights among the inputs: an input of
/// fixed dimensions that has a value is a constant.
fn read_inputs(inputs: &[ValueInfoProto], graph: &mut Graph) -> Result<Vec<String>, OnnxError> {
    let mut batches = Vec::new();
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
        batches.extend(batch.filter(|batch| !batches.contains(batch)));
        graph.inputs.push(signature);
    }
    Ok(batches)
}

fn read_nodes(
    nodes: Vec<NodeProto>,
    graph: &mut Graph,
    outputs: &[ValueInfoProto],
    external: External<'_>,
) -> Result<(), OnnxError> {
    let mut used: BTreeSet<String> = outputs.iter().filter_map(|output| output.name.clone()).collect();
    used.extend(graph.inputs.iter().map(|input| input.name.clone()));
    let mut kept = Vec::with_capacity(nodes.len());
    let mut reads = Vec::with_capacity(nodes.len());
    for proto in nodes {
        let mut within = Vec::new();
        subgraphs(&proto).for_each(|graph| read_within(graph, &mut within));
        let node = node(proto, external)?;
        if !node.domain.is_empty() && !graph.domains.contains_key(&node.domain) {
            return Err(OnnxError::Domain(node.domain));
        }
        if let (true, [output]) = (node.domain.is_empty() && node.op == "Constant", node.outputs.as_slice())
            && let Some(constant) = constant(&node)
        {
            keep(graph, output.clone(), constant)?;
            continue;
        }
        used.extend(node.inputs.iter().chain(&within).cloned());
        kept.push(node);
        reads.push(within);
    }
    graph.nodes = sort::sort(kept, &reads)?;
    graph.constants.retain(|name, _| used.contains(name));
    for (name, constant) in &graph.constants {
        tensor::check_finite(name, constant)?;
    }
    Ok(())
}

/// All names that operators within a subgraph take; some of them are made outside.
fn read_within(graph: &GraphProto, names: &mut Vec<String>) {
    names.extend(graph.output.iter().filter_map(|output| output.name.clone()));
    for node in &graph.node {
        names.extend(node.input.iter().filter(|name| !name.is_empty()).cloned());
        subgraphs(node).for_each(|graph| read_within(graph, names));
    }
}

fn node(proto: NodeProto, external: External<'_>) -> Result<Node, OnnxError> {
    let called = proto.name.filter(|name| !name.is_empty());
    let name = called.or_else(|| proto.output.first().cloned()).unwrap_or_default();
    let wrong =
        |reason: &str| OnnxError::Node { node: name.clone(), reason: format!("{reason}: export the model again") };
    let op = proto.op_type.filter(|op| !op.is_empty()).ok_or_else(|| wrong("it names no operator"))?;
    if proto.output.iter().all(String::is_empty) {
        return Err(wrong("it makes nothing"));
    }
    let mut attributes = BTreeMap::new();
    for setting in proto.attribute {
        let setting_name = setting.name.clone().unwrap_or_default();
        if attributes.insert(setting_name.clone(), attribute(setting, &name, external)?).is_some() {
            return Err(wrong(&format!("setting `{setting_name}` is given twice")));
        }
    }
    Ok(Node { name, domain: own_domain(proto.domain), op, inputs: proto.input, outputs: proto.output, attributes })
}

fn attribute(setting: AttributeProto, node: &str, external: External<'_>) -> Result<Attribute, OnnxError> {
    let name = setting.name.clone().unwrap_or_default();
    let empty = || OnnxError::Node {
        node: node.to_owned(),
        reason: format!("setting `{name}` has no value: export the model again"),
    };
    let kind = setting.r#type.unwrap_or_default();
    Ok(match kind {
        attribute_type::FLOAT => Attribute::Float(setting.f.ok_or_else(empty)?),
        attribute_type::INT => Attribute::Int(setting.i.ok_or_else(empty)?),
        attribute_type::FLOATS => Attribute::Floats(setting.floats),
        attribute_type::INTS => Attribute::Ints(setting.ints),
        attribute_type::TENSOR => Attribute::Tensor(tensor::decode(setting.t.ok_or_else(empty)?, external)?),
        attribute_type::STRING => match String::from_utf8(setting.s.clone().unwrap_or_default()) {
            Ok(word) => Attribute::String(word),
            Err(_) => Attribute::Opaque(setting.encode_to_vec()),
        },
        attribute_type::STRINGS => {
            let words = setting.strings.iter().map(|word| String::from_utf8(word.clone())).collect::<Result<_, _>>();
            words.map_or_else(|_| Attribute::Opaque(setting.encode_to_vec()), Attribute::Strings)
        }
        _ => Attribute::Opaque(setting.encode_to_vec()),
    })
}

/// What a `Constant` operator holds, if it is numbers.
fn constant(node: &Node) -> Option<Tensor> {
    let mut settings = node.attributes.values();
    match (settings.next(), settings.next()) {
        (Some(Attribute::Tensor(tensor)), None) => Some(tensor.clone()),
        (Some(Attribute::Int(value)), None) => Tensor::new(Vec::new(), Data::I64(vec![*value])),
        (Some(Attribute::Ints(values)), None) => Some(Tensor::integers(values)),
        (Some(Attribute::Float(value)), None) => Some(Tensor::scalar(*value)),
        (Some(Attribute::Floats(values)), None) => Tensor::new(vec![values.len()], Data::F32(values.clone())),
        _ => None,
    }
}

/// Checks types and dimensions of everything, and gives outputs theirs.
fn finish(mut graph: Graph, outputs: &[ValueInfoProto]) -> Result<Graph, OnnxError> {
    // What follows by itself needs no declaration.
    let declared = std::mem::take(&mut graph.declared);
    let mut builder = Builder::extend(graph)?;
    let missing: BTreeMap<String, Signature> = declared
        .into_iter()
        .filter(|(name, _)| matches!(builder.known(name), Err(GraphError::Unknown { .. })))
        .collect();
    if !missing.is_empty() {
        builder = Builder::extend(Graph { declared: missing, ..builder.finish() })?;
    }
    let mut signatures: Vec<Signature> = Vec::with_capacity(outputs.len());
    for value in outputs {
        let name = value.name.clone().unwrap_or_default();
        if signatures.iter().any(|other| other.name == name) {
            return Err(GraphError::Twice { value: name }.into());
        }
        let known = builder.known(&name)?;
        let said = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()?.elem_type).unwrap_or_default();
        if said != 0 && i64::from(said) != known.element.code() {
            let found = tensor::type_name(said);
            let reason = format!("it is {}, the file says {found}: export the model again", known.element);
            return Err(OnnxError::Signature { value: name, reason });
        }
        signatures.push(Signature { name, element: known.element, shape: known.shape.clone() });
    }
    Ok(Graph { outputs: signatures, ..builder.finish() })
}
