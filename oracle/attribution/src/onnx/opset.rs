//! From any operator set that is read to [`OPSET`], on the file's own messages, so that operators within subgraphs follow
//! too. Only what changed its meaning or its settings is touched: most operators of 13 to 22 differ in types alone.

use std::collections::BTreeSet;

use super::{
    OnnxError,
    proto::{AttributeProto, GraphProto, INT64, NodeProto, TensorProto, attribute_type},
};
use crate::graph::OPSET;

/// The operator sets that are read.
pub(super) const FROM: i64 = 13;
pub(super) const TO: i64 = 22;

/// Rewrites a graph of operator set `version`.
///
/// # Errors
/// [`OnnxError::Opset`] for versions that are not read, [`OnnxError::Node`] for operators that [`OPSET`] cannot say.
pub(super) fn normalise(graph: &mut GraphProto, version: i64) -> Result<(), OnnxError> {
    if !(FROM..=TO).contains(&version) {
        return Err(OnnxError::Opset { found: version, from: FROM, to: TO });
    }
    if version != OPSET {
        let mut names = BTreeSet::new();
        collect(graph, &mut names);
        rewrite(graph, &mut Rewriter { version, names, nodes: Vec::new() })?;
    }
    Ok(())
}

fn collect(graph: &GraphProto, names: &mut BTreeSet<String>) {
    names.extend(graph.initializer.iter().filter_map(|tensor| tensor.name.clone()));
    names.extend(graph.input.iter().filter_map(|input| input.name.clone()));
    for node in &graph.node {
        names.extend(node.output.iter().cloned());
        subgraphs(node).for_each(|graph| collect(graph, names));
    }
}

/// The graphs among an operator's settings.
pub(super) fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

fn rewrite(graph: &mut GraphProto, rewriter: &mut Rewriter) -> Result<(), OnnxError> {
    let outer = std::mem::take(&mut rewriter.nodes);
    for mut node in std::mem::take(&mut graph.node) {
        let attributes = node.attribute.iter_mut();
        for graph in attributes.flat_map(|attribute| attribute.g.iter_mut().chain(&mut attribute.graphs)) {
            rewrite(graph, rewriter)?;
        }
        if matches!(node.domain.as_deref(), None | Some("" | "ai.onnx")) {
            rewriter.node(node)?;
        } else {
            rewriter.nodes.push(node);
        }
    }
    graph.node = std::mem::replace(&mut rewriter.nodes, outer);
    Ok(())
}

struct Rewriter {
    version: i64,
    names: BTreeSet<String>,
    nodes: Vec<NodeProto>,
}

impl Rewriter {
    fn node(&mut self, mut node: NodeProto) -> Result<(), OnnxError> {
        let op = node.op_type.clone().unwrap_or_default();
        match op.as_str() {
            "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2" | "ReduceLogSum"
            | "ReduceLogSumExp" | "ReduceSumSquare"
                if self.version < 18 =>
            {
                if let Some(axes) = take(&mut node, "axes") {
                    let axes = self.integers(&node, "axes", Some(axes.ints.len()), &axes.ints);
                    node.input.push(axes);
                }
            }
            "Split" if self.version < 18 && node.input.iter().skip(1).all(String::is_empty) => {
                let count = node.output.len() as i64;
                set_int(&mut node, "num_outputs", count);
            }
            "RoiAlign" if self.version < 16 => {
                set_word(&mut node, "coordinate_transformation_mode", "output_half_pixel")
            }
            "GridSample" if self.version < 20 => match take(&mut node, "mode").and_then(|mode| mode.s).as_deref() {
                Some(b"bicubic") => set_word(&mut node, "mode", "cubic"),
                Some(b"nearest") => set_word(&mut node, "mode", "nearest"),
                _ => set_word(&mut node, "mode", "linear"),
            },
            "DFT" if self.version < 20 => {
                let axis = take(&mut node, "axis").and_then(|axis| axis.i).unwrap_or(1);
                let axis = self.integers(&node, "axis", None, &[axis]);
                node.input.resize(2, String::new());
                node.input.push(axis);
            }
            "GroupNormalization" if self.version > OPSET => return self.group_normalization(&node),
            "QuantizeLinear" | "DequantizeLinear" if self.version > OPSET => {
                for setting in ["block_size", "output_dtype"] {
                    if take(&mut node, setting).is_some_and(|setting| setting.i.unwrap_or_default() != 0) {
                        return Err(wrong(
                            &node,
                            format!("{op} with `{setting}` needs operator set 21: export with 20"),
                        ));
                    }
                }
            }
            _ => {}
        }
        self.nodes.push(node);
        Ok(())
    }

    /// From 21 on scale and bias are per channel, which the operator of 20 cannot say: in plain operators
    /// (Wu & He 2018), each group of `[batch, groups, …]` is centred, scaled to variance 1, and then weighted.
    fn group_normalization(&mut self, node: &NodeProto) -> Result<(), OnnxError> {
        let setting = |name: &str| node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name));
        let groups = setting("num_groups").and_then(|groups| groups.i).unwrap_or_default();
        let epsilon = setting("epsilon").and_then(|epsilon| epsilon.f).unwrap_or(1e-5);
        let ([x, scale, bias], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
            return Err(wrong(
                node,
                "GroupNormalization takes three values and makes one: export the model again".into(),
            ));
        };
        let in_groups = self.integers(node, "groups", Some(3), &[0, groups, -1]);
        let in_channels = self.integers(node, "channels", Some(3), &[0, 0, -1]);
        let column = self.integers(node, "column", Some(2), &[-1, 1]);
        let last = self.integers(node, "axes", Some(1), &[-1]);
        let epsilon = self.constant(
            node,
            "epsilon",
            TensorProto { data_type: Some(super::proto::FLOAT), float_data: vec![epsilon], ..TensorProto::default() },
        );
        let dims = self.step(node, "Shape", "dims", &[x]);
        let grouped = self.step(node, "Reshape", "grouped", &[x, &in_groups]);
        let mean = self.step(node, "ReduceMean", "mean", &[&grouped, &last]);
        let centred = self.step(node, "Sub", "centred", &[&grouped, &mean]);
        let square = self.step(node, "Mul", "square", &[&centred, &centred]);
        let variance = self.step(node, "ReduceMean", "variance", &[&square, &last]);
        let raised = self.step(node, "Add", "raised", &[&variance, &epsilon]);
        let deviation = self.step(node, "Sqrt", "deviation", &[&raised]);
        let normal = self.step(node, "Div", "normal", &[&centred, &deviation]);
        let whole = self.step(node, "Reshape", "whole", &[&normal, &dims]);
        let by_channel = self.step(node, "Reshape", "by_channel", &[&whole, &in_channels]);
        let scale = self.step(node, "Reshape", "scale", &[scale, &column]);
        let bias = self.step(node, "Reshape", "bias", &[bias, &column]);
        let scaled = self.step(node, "Mul", "scaled", &[&by_channel, &scale]);
        let shifted = self.step(node, "Add", "shifted", &[&scaled, &bias]);
        self.nodes.push(NodeProto {
            input: vec![shifted, dims],
            output: vec![y.clone()],
            name: node.name.clone(),
            op_type: Some("Reshape".to_owned()),
            ..NodeProto::default()
        });
        Ok(())
    }

    fn step(&mut self, near: &NodeProto, op: &str, what: &str, inputs: &[&String]) -> String {
        let name = self.fresh(near, what);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|input| (*input).clone()).collect(),
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(op.to_owned()),
            ..NodeProto::default()
        });
        name
    }

    /// A constant of integers: a list, or one number without dimensions.
    fn integers(&mut self, near: &NodeProto, what: &str, length: Option<usize>, values: &[i64]) -> String {
        self.constant(
            near,
            what,
            TensorProto {
                dims: length.map(|length| length as i64).into_iter().collect(),
                data_type: Some(INT64),
                int64_data: values.to_vec(),
                ..TensorProto::default()
            },
        )
    }

    fn constant(&mut self, near: &NodeProto, what: &str, tensor: TensorProto) -> String {
        let name = self.fresh(near, what);
        let value = AttributeProto {
            name: Some("value".to_owned()),
            t: Some(tensor),
            r#type: Some(attribute_type::TENSOR),
            ..AttributeProto::default()
        };
        self.nodes.push(NodeProto {
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some("Constant".to_owned()),
            attribute: vec![value],
            ..NodeProto::default()
        });
        name
    }

    fn fresh(&mut self, near: &NodeProto, what: &str) -> String {
        let stem = format!("{}.{what}", near.output.first().map_or("node", String::as_str));
        let mut name = stem.clone();
        let mut number = 2usize;
        while !self.names.insert(name.clone()) {
            name = format!("{stem}.{number}");
            number += 1;
        }
        name
    }
}

fn wrong(node: &NodeProto, reason: String) -> OnnxError {
    OnnxError::Node { node: node.name.clone().unwrap_or_default(), reason }
}

fn take(node: &mut NodeProto, name: &str) -> Option<AttributeProto> {
    let place = node.attribute.iter().position(|attribute| attribute.name.as_deref() == Some(name))?;
    Some(node.attribute.remove(place))
}

fn set_int(node: &mut NodeProto, name: &str, value: i64) {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(attribute_type::INT),
        ..AttributeProto::default()
    });
}

fn set_word(node: &mut NodeProto, name: &str, value: &str) {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        s: Some(value.as_bytes().to_vec()),
        r#type: Some(attribute_type::STRING),
        ..AttributeProto::default()
    });
}
