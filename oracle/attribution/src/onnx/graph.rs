//! Writes a graph node by node. Values are named by whoever makes them or after their node; order is the order of calls,
//! so equal calls give equal bytes.

use prost::Message;

use super::proto::{
    ATTRIBUTE_INT, AttributeProto, Dimension, FLOAT, GraphProto, INT64, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};

/// ONNX IR version that goes with operator set 18.
const IR_VERSION: i64 = 8;

/// Name of a value in the graph.
#[derive(Clone, Debug)]
pub(super) struct Value(String);

#[derive(Debug, Default)]
pub(super) struct GraphWriter {
    graph: GraphProto,
}

impl GraphWriter {
    pub(super) fn input(&mut self, name: &str, width: usize) -> Value {
        self.graph.input.push(rows_of(name, width));
        Value(name.to_owned())
    }

    /// Publishes a value as the output of its name.
    pub(super) fn output(&mut self, value: &Value, width: usize) {
        self.graph.output.push(rows_of(&value.0, width));
    }

    pub(super) fn floats(&mut self, name: &str, dims: &[usize], values: impl Iterator<Item = f64>) -> Value {
        self.tensor(name, dims, FLOAT, values.flat_map(|value| (value as f32).to_le_bytes()).collect())
    }

    /// A number without dimensions.
    pub(super) fn scalar(&mut self, name: &str, value: f64) -> Value {
        self.floats(name, &[], std::iter::once(value))
    }

    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> Value {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, &[values.len()], INT64, raw)
    }

    /// Appends a node whose only output is called `name`.
    pub(super) fn node(&mut self, name: &str, op: &str, inputs: &[&Value], attributes: &[(&str, i64)]) -> Value {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: vec![name.to_owned()],
            name: Some(name.to_owned()),
            op_type: Some(op.to_owned()),
            attribute: attributes
                .iter()
                .map(|(name, value)| AttributeProto {
                    name: Some((*name).to_owned()),
                    i: Some(*value),
                    r#type: Some(ATTRIBUTE_INT),
                    ..AttributeProto::default()
                })
                .collect(),
            ..NodeProto::default()
        });
        Value(name.to_owned())
    }

    pub(super) fn finish(mut self, name: &str) -> Vec<u8> {
        self.graph.name = Some(name.to_owned());
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("tributary".to_owned()),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(super::OPSET) }],
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }

    fn tensor(&mut self, name: &str, dims: &[usize], data_type: i32, raw_data: Vec<u8>) -> Value {
        self.graph.initializer.push(TensorProto {
            dims: dims.iter().map(|dim| *dim as i64).collect(),
            data_type: Some(data_type),
            name: Some(name.to_owned()),
            raw_data: Some(raw_data),
            ..TensorProto::default()
        });
        Value(name.to_owned())
    }
}

/// `f32 [batch, width]` with a free batch.
fn rows_of(name: &str, width: usize) -> ValueInfoProto {
    let batch = Dimension { dim_value: None, dim_param: Some("batch".to_owned()) };
    let width = Dimension { dim_value: Some(width as i64), dim_param: None };
    let shape = Some(TensorShapeProto { dim: vec![batch, width] });
    let tensor_type = Some(TensorType { elem_type: Some(FLOAT), shape });
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type, ..TypeProto::default() }) }
}
