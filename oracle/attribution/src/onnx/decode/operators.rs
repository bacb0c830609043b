//! Operators of a file.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::own_domain;
use crate::{
    graph::{Attribute, Data, Graph, GraphError, Node, Tensor},
    onnx::{
        OnnxError,
        opset::subgraphs,
        proto::{AttributeProto, GraphProto, NodeProto, ValueInfoProto, attribute_type},
        sort,
        tensor::{self, External},
    },
};

/// Reads operators in an order in which each finds its inputs made, and the constants among them; drops constants that
/// nobody uses.
pub(super) fn read(
    nodes: Vec<NodeProto>,
    graph: &mut Graph,
    outputs: &[ValueInfoProto],
    external: External<'_>,
) -> Result<(), OnnxError> {
    let mut used: BTreeSet<String> = outputs.iter().filter_map(|output| output.name.clone()).collect();
    used.extend(graph.inputs.iter().map(|input| input.name.clone()));
    let mut made: BTreeSet<String> = graph.inputs.iter().map(|input| input.name.clone()).collect();
    made.extend(graph.constants.keys().cloned());
    let mut kept = Vec::with_capacity(nodes.len());
    let mut reads = Vec::with_capacity(nodes.len());
    for proto in nodes {
        let mut within = Vec::new();
        subgraphs(&proto).for_each(|graph| read_within(graph, &mut within));
        let node = node(proto, external)?;
        if !node.domain.is_empty() && !graph.domains.contains_key(&node.domain) {
            return Err(OnnxError::Domain(node.domain));
        }
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if !made.insert(output.clone()) {
                return Err(GraphError::Twice { value: output.clone() }.into());
            }
        }
        if let (true, [output]) = (node.domain.is_empty() && node.op == "Constant", node.outputs.as_slice())
            && let Some(constant) = constant(&node)
        {
            graph.constants.insert(output.clone(), constant);
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
        attribute_type::TENSOR => {
            let mut tensor = setting.t.ok_or_else(empty)?;
            // Such constants are called after their operator.
            tensor.name = Some(node.to_owned());
            Attribute::Tensor(tensor::decode(tensor, external)?)
        }
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
