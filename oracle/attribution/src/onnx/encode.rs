use prost::Message;

use super::{
    proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, attribute_type},
    signature, tensor,
};
use crate::graph::{Attribute, Graph, Node, OPSET};

/// The version of the file format that goes with operator set 20.
const IR_VERSION: i64 = 9;

/// The bytes of an ONNX file. Equal graphs give equal bytes.
pub fn encode(graph: &Graph) -> Vec<u8> {
    let own = OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) };
    let others = graph
        .domains
        .iter()
        .map(|(domain, version)| OperatorSetIdProto { domain: Some(domain.clone()), version: Some(*version) });
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("tributary".to_owned()),
        graph: Some(GraphProto {
            node: graph.nodes.iter().map(node).collect(),
            name: Some(graph.name.clone()),
            initializer: graph.constants.iter().map(|(name, constant)| tensor::encode(name, constant)).collect(),
            input: graph.inputs.iter().map(signature::encode).collect(),
            output: graph.outputs.iter().map(signature::encode).collect(),
            value_info: graph.declared.values().map(signature::encode).collect(),
            ..GraphProto::default()
        }),
        opset_import: std::iter::once(own).chain(others).collect(),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

fn node(node: &Node) -> NodeProto {
    NodeProto {
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        name: Some(node.name.clone()),
        op_type: Some(node.op.clone()),
        attribute: node.attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        domain: Some(node.domain.clone()),
        ..NodeProto::default()
    }
}

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let bare = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    match value {
        Attribute::Int(value) => AttributeProto { i: Some(*value), r#type: Some(attribute_type::INT), ..bare },
        Attribute::Float(value) => AttributeProto { f: Some(*value), r#type: Some(attribute_type::FLOAT), ..bare },
        Attribute::String(value) => {
            AttributeProto { s: Some(value.clone().into_bytes()), r#type: Some(attribute_type::STRING), ..bare }
        }
        Attribute::Ints(values) => AttributeProto { ints: values.clone(), r#type: Some(attribute_type::INTS), ..bare },
        Attribute::Floats(values) => {
            AttributeProto { floats: values.clone(), r#type: Some(attribute_type::FLOATS), ..bare }
        }
        Attribute::Strings(values) => AttributeProto {
            strings: values.iter().map(|value| value.clone().into_bytes()).collect(),
            r#type: Some(attribute_type::STRINGS),
            ..bare
        },
        Attribute::Tensor(value) => {
            AttributeProto { t: Some(tensor::encode("", value)), r#type: Some(attribute_type::TENSOR), ..bare }
        }
        Attribute::Opaque(bytes) => AttributeProto::decode(bytes.as_slice()).unwrap_or(bare),
    }
}
