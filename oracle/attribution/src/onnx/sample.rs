//! Files as exporters write them, put together by hand for tests.

use prost::Message;

use super::proto::*;

/// A file under construction.
#[derive(Clone, Default)]
pub(super) struct File {
    pub(super) model: ModelProto,
}

/// An operator's setting.
pub(super) enum Set<'a> {
    I(&'a str, i64),
    Is(&'a str, &'a [i64]),
    F(&'a str, f32),
    S(&'a str, &'a str),
    T(&'a str, Box<TensorProto>),
}

impl File {
    pub(super) fn new(opset: i64) -> Self {
        let opset_import = vec![OperatorSetIdProto { domain: None, version: Some(opset) }];
        let graph = Some(GraphProto { name: Some("main".into()), ..GraphProto::default() });
        Self { model: ModelProto { ir_version: Some(8), opset_import, graph, ..ModelProto::default() } }
    }

    pub(super) fn graph(&mut self) -> &mut GraphProto {
        self.model.graph.as_mut().unwrap()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.model.encode_to_vec()
    }

    /// An input; dimensions are numbers or names.
    pub(super) fn input(mut self, name: &str, kind: i32, dims: &[&str]) -> Self {
        self.graph().input.push(value(name, kind, dims));
        self
    }

    pub(super) fn output(mut self, name: &str, dims: &[&str]) -> Self {
        self.graph().output.push(value(name, FLOAT, dims));
        self
    }

    pub(super) fn weights(mut self, name: &str, dims: &[i64]) -> Self {
        let count: i64 = dims.iter().product();
        // Values that differ, of both signs, small.
        let values = (0..count).map(|place| ((place * 7 + 3) % 11) as f32 / 11.0 - 0.45);
        self.graph().initializer.push(TensorProto {
            dims: dims.to_vec(),
            data_type: Some(FLOAT),
            name: Some(name.into()),
            raw_data: Some(values.flat_map(|value: f32| value.to_le_bytes()).collect()),
            ..TensorProto::default()
        });
        self
    }

    pub(super) fn integers(mut self, name: &str, values: &[i64]) -> Self {
        let tensor = TensorProto { name: Some(name.into()), ..integers(values) };
        self.graph().initializer.push(tensor);
        self
    }

    pub(super) fn node(mut self, op: &str, inputs: &[&str], outputs: &[&str], settings: Vec<Set<'_>>) -> Self {
        self.graph().node.push(node(op, inputs, outputs, settings));
        self
    }
}

pub(super) fn integers(values: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: Some(INT64),
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub(super) fn node(op: &str, inputs: &[&str], outputs: &[&str], settings: Vec<Set<'_>>) -> NodeProto {
    let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    NodeProto {
        input: strings(inputs),
        output: strings(outputs),
        name: Some(format!("/{}", outputs.first().unwrap_or(&op))),
        op_type: Some(op.into()),
        attribute: settings.into_iter().map(setting).collect(),
        ..NodeProto::default()
    }
}

fn setting(setting: Set<'_>) -> AttributeProto {
    let bare =
        |name: &str, kind| AttributeProto { name: Some(name.into()), r#type: Some(kind), ..AttributeProto::default() };
    match setting {
        Set::I(name, value) => AttributeProto { i: Some(value), ..bare(name, attribute_type::INT) },
        Set::Is(name, values) => AttributeProto { ints: values.to_vec(), ..bare(name, attribute_type::INTS) },
        Set::F(name, value) => AttributeProto { f: Some(value), ..bare(name, attribute_type::FLOAT) },
        Set::S(name, word) => AttributeProto { s: Some(word.into()), ..bare(name, attribute_type::STRING) },
        Set::T(name, tensor) => AttributeProto { t: Some(*tensor), ..bare(name, attribute_type::TENSOR) },
    }
}

pub(super) fn value(name: &str, kind: i32, dims: &[&str]) -> ValueInfoProto {
    let dim = |dim: &&str| match dim.parse() {
        Ok(size) => Dimension { dim_value: Some(size), dim_param: None },
        Err(_) => Dimension { dim_value: None, dim_param: Some((*dim).to_owned()) },
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorType { elem_type: Some(kind), shape });
    ValueInfoProto { name: Some(name.into()), r#type: Some(TypeProto { tensor_type, ..TypeProto::default() }) }
}

/// `logits = relu(x·Aᵀ + a)·Bᵀ + b`, as PyTorch writes it.
pub(super) fn perceptron(opset: i64) -> File {
    File::new(opset)
        .input("x", FLOAT, &["batch", "4"])
        .weights("A", &[3, 4])
        .weights("a", &[3])
        .weights("B", &[2, 3])
        .weights("b", &[2])
        .node("Gemm", &["x", "A", "a"], &["h"], vec![Set::F("alpha", 1.0), Set::I("transB", 1)])
        .node("Relu", &["h"], &["r"], vec![])
        .node("Gemm", &["r", "B", "b"], &["logits"], vec![Set::I("transB", 1)])
        .output("logits", &["batch", "2"])
}

/// One head of self-attention with reshapes to targets computed from `Shape`, as PyTorch's first exporter writes it: 3
/// tokens of width 4.
pub(super) fn attention(opset: i64) -> File {
    let mean = if opset < 18 {
        node("ReduceMean", &["x"], &["mean"], vec![Set::Is("axes", &[-1]), Set::I("keepdims", 1)])
    } else {
        node("ReduceMean", &["x", "last"], &["mean"], vec![Set::I("keepdims", 1)])
    };
    let parts = if opset < 18 { vec![Set::I("axis", 2)] } else { vec![Set::I("axis", 2), Set::I("num_outputs", 3)] };
    let single = |value: i64| TensorProto { dims: vec![], ..integers(&[value]) };
    let mut file = File::new(opset)
        .input("x", FLOAT, &["batch", "3", "4"])
        .weights("W", &[4, 12])
        .weights("O", &[4, 2])
        .integers("last", &[-1])
        .integers("first", &[0])
        .integers("width", &[4]);
    file.graph().node.push(mean);
    file.node("Sub", &["x", "mean"], &["centred"], vec![])
        .node("MatMul", &["centred", "W"], &["qkv"], vec![])
        .node("Split", &["qkv"], &["q", "k", "v"], parts)
        .node("Transpose", &["k"], &["kt"], vec![Set::Is("perm", &[0, 2, 1])])
        .node("MatMul", &["q", "kt"], &["scores"], vec![])
        .node("Softmax", &["scores"], &["weights"], vec![Set::I("axis", -1)])
        .node("MatMul", &["weights", "v"], &["mixed"], vec![])
        .node("Shape", &["mixed"], &["dims"], vec![])
        .node("Constant", &[], &["zero"], vec![Set::T("value", Box::new(single(0)))])
        .node("Constant", &[], &["one"], vec![Set::T("value", Box::new(single(1)))])
        .node("Gather", &["dims", "zero"], &["rows"], vec![Set::I("axis", 0)])
        .node("Gather", &["dims", "one"], &["tokens"], vec![Set::I("axis", 0)])
        .node("Mul", &["rows", "tokens"], &["all"], vec![])
        .node("Unsqueeze", &["all", "first"], &["all_list"], vec![])
        .node("Concat", &["all_list", "width"], &["target"], vec![Set::I("axis", 0)])
        .node("Reshape", &["mixed", "target"], &["flat"], vec![])
        .node("MatMul", &["flat", "O"], &["flat_out"], vec![])
        .node("Unsqueeze", &["rows", "first"], &["rows_list"], vec![])
        .node("Concat", &["rows_list", "last"], &["back"], vec![Set::I("axis", 0)])
        .node("Reshape", &["flat_out", "back"], &["logits"], vec![])
        .output("logits", &["batch", "6"])
}

/// A small convolutional net with what its exporter leaves in: constants as operators, dropout in inference.
pub(super) fn convolutional(opset: i64) -> File {
    File::new(opset)
        .input("image", FLOAT, &["n", "1", "8", "8"])
        .weights("K", &[4, 1, 3, 3])
        .weights("k", &[4])
        .weights("D", &[4, 5])
        .node(
            "Conv",
            &["image", "K", "k"],
            &["c"],
            vec![
                Set::Is("kernel_shape", &[3, 3]),
                Set::Is("pads", &[1, 1, 1, 1]),
                Set::Is("strides", &[1, 1]),
                Set::Is("dilations", &[1, 1]),
                Set::I("group", 1),
            ],
        )
        .node("Relu", &["c"], &["r"], vec![])
        .node("MaxPool", &["r"], &["p"], vec![Set::Is("kernel_shape", &[2, 2]), Set::Is("strides", &[2, 2])])
        .node("GlobalAveragePool", &["p"], &["g"], vec![])
        .node("Constant", &[], &["rate"], vec![Set::F("value_float", 0.5)])
        .node("Dropout", &["g", "rate"], &["d"], vec![])
        .node("Flatten", &["d"], &["f"], vec![Set::I("axis", 1)])
        .node("MatMul", &["f", "D"], &["logits"], vec![])
        .output("logits", &["n", "5"])
}
