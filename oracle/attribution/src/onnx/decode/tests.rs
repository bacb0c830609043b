use proptest::prelude::*;
use prost::Message;

use super::{super::encode, *};
use crate::{
    graph::{Dim, Element, OPSET, Shape},
    onnx::{
        proto::*,
        sample::{File, Set, attention, convolutional, node, perceptron, value},
    },
};

fn decoded(file: &File) -> Graph {
    decode(&file.bytes()).unwrap()
}

/// What a change makes of a good file.
fn changed(change: impl FnOnce(&mut GraphProto)) -> Result<Graph, OnnxError> {
    let mut file = perceptron(OPSET);
    change(file.graph());
    decode(&file.bytes())
}

fn graph_error(result: Result<Graph, OnnxError>) -> GraphError {
    match result {
        Err(OnnxError::Graph(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn ops(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.op.as_str()).collect()
}

#[test]
fn files_become_graphs() {
    let graph = decoded(&perceptron(17));
    assert_eq!(ops(&graph), ["Gemm", "Relu", "Gemm"]);
    assert_eq!(graph.inputs[0].shape, Shape::batched(&[4]));
    assert_eq!(graph.outputs[0].shape, Shape::batched(&[2]));
    assert_eq!(graph.constants["A"].dims(), [3, 4]);
    assert_eq!(graph.nodes[0].attributes["transB"], Attribute::Int(1));
    let graph = decoded(&convolutional(13));
    assert_eq!(graph.outputs[0].shape, Shape::batched(&[5]));
    assert_eq!(graph.constants["rate"].floats().unwrap(), [0.5]);
    assert!(!ops(&graph).contains(&"Constant"));
}

#[test]
fn graphs_become_the_same_graphs_again() {
    for file in [perceptron(13), attention(17), attention(21), convolutional(22)] {
        let graph = decoded(&file);
        let bytes = encode(&graph);
        assert_eq!(decode(&bytes).unwrap(), graph);
        assert_eq!(encode(&decode(&bytes).unwrap()), bytes);
    }
}

#[test]
fn targets_computed_from_the_batch_follow() {
    for opset in 13..=22 {
        let graph = decoded(&attention(opset));
        assert_eq!(graph.outputs[0].shape, Shape::batched(&[6]));
        let builder = Builder::extend(graph).unwrap();
        assert_eq!(builder.shape("flat").unwrap().0, [Dim::Batch(3), Dim::Fixed(4)]);
        assert_eq!(builder.known("flat").unwrap().rounds, 1);
    }
}

#[test]
fn operators_are_sorted_and_their_order_kept_where_it_may() {
    let mut file = attention(20);
    file.graph().node.reverse();
    let sorted = decoded(&file);
    assert_eq!(sorted.outputs, decoded(&attention(20)).outputs);
    assert!(Builder::extend(sorted).is_ok());
    let graph = decoded(&attention(20));
    assert_eq!(ops(&graph)[..3], ["ReduceMean", "Sub", "MatMul"]);
}

#[test]
fn unused_constants_are_dropped() {
    let graph = decoded(&perceptron(20).weights("idle", &[5]));
    assert!(!graph.constants.contains_key("idle"));
}

#[test]
fn weights_listed_as_inputs_are_constants() {
    let graph = decoded(&perceptron(13).input("A", FLOAT, &["3", "4"]));
    assert_eq!(graph.inputs.len(), 1);
    assert!(graph.constants.contains_key("A"));
    let wrong = perceptron(13).input("A", FLOAT, &["4", "3"]);
    assert!(matches!(decode(&wrong.bytes()), Err(OnnxError::Tensor { .. })));
}

#[test]
fn inputs_with_a_default_may_be_left_out() {
    let graph = decoded(&perceptron(20).integers("label", &[-1]).input("label", INT64, &["batch"]));
    assert_eq!(graph.inputs[1].element, Element::I64);
    assert_eq!(graph.inputs[1].shape, Shape::batched(&[]));
    assert!(graph.constants.contains_key("label"));
    assert_eq!(decode(&encode(&graph)).unwrap(), graph);
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = perceptron(20).bytes();
    for cut in 0..bytes.len() {
        assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert!(matches!(decode(b"<html>not found</html>"), Err(OnnxError::Corrupt(_))));
}

#[test]
fn operator_sets_are_refused_by_number() {
    for opset in [1, 12, 23, -4] {
        let error = decode(&perceptron(opset).bytes()).unwrap_err();
        assert_eq!(error, OnnxError::Opset { found: opset, from: 13, to: 22 });
    }
    let mut file = perceptron(20);
    file.model.opset_import.clear();
    assert!(matches!(decode(&file.bytes()), Err(OnnxError::Corrupt(_))));
    let mut file = perceptron(20);
    file.graph().node[1].domain = Some("com.example".into());
    assert_eq!(decode(&file.bytes()).unwrap_err(), OnnxError::Domain("com.example".into()));
    let mut file = perceptron(20);
    file.model.functions.push(FunctionProto { name: Some("gelu_fast".into()) });
    assert_eq!(decode(&file.bytes()).unwrap_err(), OnnxError::Function("gelu_fast".into()));
}

#[test]
fn cycles_and_missing_and_doubled_values() {
    let cycle = changed(|graph| graph.node[0].input[0] = "r".into());
    assert!(matches!(graph_error(cycle), GraphError::Cycle { .. }));
    let missing = changed(|graph| drop(graph.node.remove(1)));
    assert_eq!(graph_error(missing), GraphError::Missing { value: "r".into() });
    let missing = changed(|graph| graph.output[0].name = Some("nobody".into()));
    assert_eq!(graph_error(missing), GraphError::Missing { value: "nobody".into() });
    for twice in [
        changed(|graph| graph.node[1].output[0] = "h".into()),
        changed(|graph| graph.node[1].output[0] = "A".into()),
        changed(|graph| graph.node[1].output[0] = "x".into()),
        changed(|graph| graph.initializer[1].name = Some("A".into())),
        changed(|graph| graph.input.push(graph.input[0].clone())),
        changed(|graph| graph.output.push(graph.output[0].clone())),
    ] {
        assert!(matches!(graph_error(twice), GraphError::Twice { .. }));
    }
}

#[test]
fn wrong_types() {
    let mixed = changed(|graph| graph.node[1] = node("Add", &["h", "k"], &["r"], vec![])).map(|_| ());
    assert!(mixed.is_err());
    let integers = perceptron(20).integers("k", &[1]);
    let mut file = integers.clone();
    file.graph().node[1] = node("Add", &["h", "k"], &["r"], vec![]);
    assert!(graph_error(decode(&file.bytes())).to_string().contains("f32 and i64 together"));
    let setting = changed(|graph| graph.node[0].attribute[1].r#type = Some(attribute_type::FLOATS));
    assert!(graph_error(setting).to_string().contains("`transB`"));
    let none = changed(|graph| graph.node[0].attribute[1].i = None);
    assert!(matches!(none, Err(OnnxError::Node { .. })));
    let said = changed(|graph| graph.output[0] = value("logits", INT64, &["batch", "2"]));
    assert!(matches!(said, Err(OnnxError::Signature { .. })));
    for (code, name) in [(10, "float16"), (16, "bfloat16"), (3, "int8"), (8, "string"), (99, "type 99")] {
        let weights = changed(|graph| graph.initializer[0].data_type = Some(code)).unwrap_err();
        assert!(weights.to_string().contains(name), "{weights}");
        let input = changed(|graph| graph.input[0] = value("x", code, &["batch", "4"])).unwrap_err();
        assert!(input.to_string().contains(name), "{input}");
    }
}

#[test]
fn weights_that_do_not_fit() {
    let tensor =
        |change: fn(&mut TensorProto)| changed(|graph| change(&mut graph.initializer[0])).unwrap_err().to_string();
    assert!(tensor(|tensor| tensor.dims[0] = 4).contains("64 bytes"));
    assert!(tensor(|tensor| tensor.dims[0] = -3).contains("negative"));
    assert!(tensor(|tensor| tensor.dims = vec![i64::MAX, i64::MAX]).contains("absurdly"));
    assert!(tensor(|tensor| tensor.dims = vec![1 << 61, 1 << 10, 0]).contains("absurdly"));
    assert!(tensor(|tensor| tensor.raw_data.as_mut().unwrap().truncate(13)).contains("48 bytes"));
    assert!(tensor(|tensor| tensor.raw_data = None).contains("48 bytes"));
    assert!(tensor(|tensor| tensor.dims = vec![4, 3]).contains("4 meets 3"));
    let sparse = changed(|graph| graph.sparse_initializer.push(SparseTensorProto::default()));
    assert!(sparse.unwrap_err().to_string().contains("sparse"));
}

#[test]
fn weights_that_are_not_finite() {
    let with = |values: &[f32]| {
        changed(|graph| {
            let raw = graph.initializer[0].raw_data.as_mut().unwrap();
            for (place, value) in values.iter().enumerate() {
                raw[4 * place..4 * place + 4].copy_from_slice(&value.to_le_bytes());
            }
        })
    };
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(with(&[0.5, wrong]).unwrap_err(), OnnxError::NotFinite { tensor: "A".into() });
    }
    // A mask is of 0 and −∞ alone.
    let masks = [0.0, f32::NEG_INFINITY].repeat(6);
    assert!(with(&masks).is_ok());
    assert!(with(&[f32::NAN; 12]).is_err());
    assert!(with(&[f32::INFINITY; 12]).is_err());
}

#[test]
fn inputs_need_a_batch_and_fixed_sizes() {
    let input = |dims: &[&str]| changed(|graph| graph.input[0] = value("x", FLOAT, dims)).map(|_| ());
    assert!(input(&["1", "4"]).unwrap_err().to_string().contains("dynamic batch"));
    assert!(input(&["0", "4"]).unwrap_err().to_string().contains("no records"));
    assert!(input(&[]).unwrap_err().to_string().contains("dynamic batch"));
    assert!(input(&["batch", "width"]).unwrap_err().to_string().contains("dimension 1"));
    assert!(input(&["batch", "0"]).is_err());
    assert!(input(&["batch", "99999999999999"]).is_err());
    assert!(input(&["-1", "4"]).is_ok());
    assert!(input(&["", "4"]).is_ok());
    let bare = changed(|graph| graph.input[0].r#type = None);
    assert!(matches!(bare, Err(OnnxError::Signature { .. })));
    let sequence = changed(|graph| {
        graph.input[0].r#type = Some(TypeProto { sequence_type: Some(vec![]), ..TypeProto::default() });
    });
    assert!(sequence.unwrap_err().to_string().contains("tensor"));
}

#[test]
fn a_batch_that_was_baked_in_is_named() {
    let file = File::new(17)
        .input("x", FLOAT, &["batch", "2", "2"])
        .integers("target", &[1, 4])
        .node("Reshape", &["x", "target"], &["y"], vec![])
        .output("y", &["1", "4"]);
    assert!(decode(&file.bytes()).unwrap_err().to_string().contains("dynamic batch"));
}

#[test]
fn a_model_that_mixes_records_is_refused() {
    let file = File::new(20)
        .input("x", FLOAT, &["batch", "2"])
        .integers("first", &[0])
        .node("ReduceMean", &["x", "first"], &["mean"], vec![])
        .node("Sub", &["x", "mean"], &["y"], vec![])
        .output("y", &["batch", "2"]);
    assert!(decode(&file.bytes()).unwrap_err().to_string().contains("one of all the records"));
}

#[test]
fn shapes_that_cannot_be_told() {
    let unknown = |dims: &[&str]| {
        changed(|graph| {
            graph.node[2] = node("NonMaxSuppression", &["r"], &["logits"], vec![]);
            graph.output[0] = value("logits", FLOAT, dims);
        })
    };
    assert!(
        matches!(graph_error(unknown(&["batch", "found"])), GraphError::Unknown { op, .. } if op == "NonMaxSuppression")
    );
    let graph = unknown(&["batch", "7"]).unwrap();
    assert_eq!(graph.outputs[0].shape, Shape::batched(&[7]));
    assert_eq!(graph.declared.len(), 1);
    assert_eq!(decode(&encode(&graph)).unwrap(), graph);
    // What a file says within is used as well, in terms of the batch.
    let graph = changed(|graph| {
        graph.node[1] = node("Bizarre", &["h"], &["r"], vec![]);
        graph.value_info.push(value("r", FLOAT, &["2*batch", "3"]));
        graph.value_info.push(value("h", FLOAT, &["batch", "3"]));
    });
    let graph = graph.unwrap();
    assert_eq!(graph.outputs[0].shape.0, [Dim::Batch(2), Dim::Fixed(2)]);
    assert_eq!(graph.declared.keys().collect::<Vec<_>>(), ["logits", "r"]);
}

#[test]
fn numbers_outside_the_file() {
    let outside = |entries: &[(&str, &str)]| {
        let mut file = perceptron(20);
        let tensor = &mut file.graph().initializer[0];
        tensor.raw_data = None;
        tensor.data_location = Some(EXTERNAL);
        tensor.external_data = entries
            .iter()
            .map(|(key, value)| StringStringEntryProto { key: Some((*key).into()), value: Some((*value).into()) })
            .collect();
        file.bytes()
    };
    let whole = outside(&[("location", "weights.bin"), ("offset", "8"), ("length", "48")]);
    let missing = decode(&whole).unwrap_err();
    assert_eq!(missing, OnnxError::External { tensor: "A".into(), location: "weights.bin".into() });
    let given = decode_with(&whole, &|location, offset, length| {
        assert_eq!((location, offset, length), ("weights.bin", 8, 48));
        Some(vec![0; 48])
    });
    let given = given.unwrap();
    assert_eq!(given.constants["A"].floats().unwrap(), [0.0; 12]);
    assert_eq!(decode(&encode(&given)).unwrap(), given);
    let short = decode_with(&outside(&[("location", "weights.bin")]), &|_, _, _| Some(vec![0; 47]));
    assert!(matches!(short, Err(OnnxError::External { .. })));
    for location in ["", "/etc/passwd", "../weights.bin", "a/../../b", "C:\\weights.bin"] {
        let result = decode_with(&outside(&[("location", location)]), &|_, _, _| panic!("asked for {location}"));
        assert!(matches!(result, Err(OnnxError::Tensor { .. })), "{location}");
    }
    for wrong in [("length", "47"), ("length", "many"), ("offset", "-1")] {
        assert!(decode_with(&outside(&[("location", "w"), wrong]), &|_, _, _| Some(vec![0; 48])).is_err());
    }
}

#[test]
fn subgraphs_are_carried_along() {
    // `If` that reads `r` and the constant `half` from outside; nothing else reads them.
    let branch = |op: &str| GraphProto {
        node: vec![node(op, &["r", "half"], &["inner"], vec![])],
        output: vec![value("inner", FLOAT, &["batch", "3"])],
        ..GraphProto::default()
    };
    let mut choice = node("If", &["yes"], &["chosen"], vec![]);
    for (name, op) in [("then_branch", "Mul"), ("else_branch", "Add")] {
        let setting =
            AttributeProto { name: Some(name.into()), r#type: Some(5), g: Some(branch(op)), ..Default::default() };
        choice.attribute.push(setting);
    }
    let mut file = perceptron(20).weights("half", &[1]);
    let yes =
        TensorProto { name: Some("yes".into()), data_type: Some(9), raw_data: Some(vec![1]), ..Default::default() };
    file.graph().initializer.push(yes);
    file.graph().node.insert(0, choice);
    file.graph().node[3].input[0] = "chosen".into();
    file.graph().value_info.push(value("chosen", FLOAT, &["batch", "3"]));
    let graph = decoded(&file);
    assert_eq!(ops(&graph), ["Gemm", "Relu", "If", "Gemm"]);
    assert!(graph.constants.contains_key("half"));
    assert!(matches!(graph.nodes[2].attributes["then_branch"], Attribute::Opaque(_)));
    assert_eq!(decode(&encode(&graph)).unwrap(), graph);
    let written = ModelProto::decode(encode(&graph).as_slice()).unwrap().graph.unwrap();
    assert_eq!(written.node[2].attribute[1].g.as_ref().unwrap(), &branch("Mul"));
}

#[test]
fn absurd_files() {
    let nodes = changed(|graph| graph.node.resize(NODE_LIMIT + 1, NodeProto::default()));
    assert!(matches!(nodes, Err(OnnxError::Corrupt(_))));
    let huge = File::new(20)
        .input("x", FLOAT, &["batch", "2"])
        .integers("times", &[1 << 39, 1 << 39])
        .node("Tile", &["x", "times"], &["y"], vec![])
        .output("y", &["batch", "2"]);
    assert!(decode(&huge.bytes()).unwrap_err().to_string().contains("absurdly"));
    let range = File::new(20)
        .input("x", FLOAT, &["batch", "2"])
        .integers("dims", &[1 << 20, 1 << 20, 1 << 20])
        .node("ConstantOfShape", &["dims"], &["y"], vec![])
        .output("y", &["2"]);
    assert!(decode(&range.bytes()).unwrap_err().to_string().contains("absurdly"));
    let nothing = changed(|graph| graph.node[1].output.clear());
    assert!(matches!(nothing, Err(OnnxError::Node { .. })));
    let nameless = changed(|graph| graph.node[1].op_type = None);
    assert!(matches!(nameless, Err(OnnxError::Node { .. })));
    let doubled = changed(|graph| {
        let setting = graph.node[0].attribute[0].clone();
        graph.node[0].attribute.push(setting);
    });
    assert!(matches!(doubled, Err(OnnxError::Node { .. })));
    assert!(matches!(changed(|graph| graph.output.clear()), Err(OnnxError::Corrupt(_))));
    let window = File::new(20)
        .input("x", FLOAT, &["batch", "1", "9"])
        .node(
            "MaxPool",
            &["x"],
            &["y"],
            vec![
                Set::Is("kernel_shape", &[i64::MAX]),
                Set::Is("pads", &[i64::MAX, i64::MAX]),
                Set::Is("strides", &[i64::MAX]),
                Set::Is("dilations", &[i64::MAX]),
            ],
        )
        .output("y", &["batch", "1", "1"]);
    assert!(decode(&window.bytes()).is_err());
}

fn samples() -> Vec<Vec<u8>> {
    vec![perceptron(20).bytes(), attention(13).bytes(), attention(22).bytes(), convolutional(17).bytes()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn no_changed_byte_makes_it_panic(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = samples().swap_remove(which);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = decode(&bytes);
    }

    /// Well-formed messages with wrong contents reach further than changed bytes.
    #[test]
    fn no_changed_graph_makes_it_panic(
        which in 0usize..4,
        changes in prop::collection::vec((0u8..8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), number()), 1..5),
    ) {
        let mut model = ModelProto::decode(samples().swap_remove(which).as_slice()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        for (kind, one, other, number) in changes {
            alter(graph, kind, one, other, number);
        }
        if let Ok(graph) = decode(&model.encode_to_vec()) {
            prop_assert_eq!(decode(&encode(&graph)).unwrap(), graph);
        }
    }
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(1 << 40), -3i64..9, any::<i64>()]
}

fn alter(graph: &mut GraphProto, kind: u8, one: prop::sample::Index, other: prop::sample::Index, number: i64) {
    const OPS: [&str; 30] = [
        "Gemm",
        "MatMul",
        "Add",
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Transpose",
        "Expand",
        "Tile",
        "Pad",
        "Concat",
        "Split",
        "Slice",
        "Gather",
        "GatherElements",
        "OneHot",
        "Shape",
        "Range",
        "ConstantOfShape",
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "ReduceSum",
        "ArgMax",
        "TopK",
        "Where",
        "Cast",
        "LayerNormalization",
        "Div",
    ];
    let values: Vec<String> = graph
        .node
        .iter()
        .flat_map(|node| node.output.clone())
        .chain(graph.initializer.iter().flat_map(|t| t.name.clone()))
        .collect();
    let place = one.index(graph.node.len());
    let node = &mut graph.node[place];
    match kind {
        0 => node.op_type = Some(OPS[other.index(OPS.len())].into()),
        1 => node.input.push(values[other.index(values.len())].clone()),
        2 if !node.input.is_empty() => {
            let input = other.index(node.input.len());
            node.input[input] = values[number.unsigned_abs() as usize % values.len()].clone();
        }
        3 if !node.attribute.is_empty() => {
            let setting = other.index(node.attribute.len());
            let setting = &mut node.attribute[setting];
            setting.i = Some(number);
            if let Some(last) = setting.ints.last_mut() {
                *last = number;
            }
        }
        4 => {
            let constant = one.index(graph.initializer.len());
            let constant = &mut graph.initializer[constant];
            if constant.int64_data.is_empty() {
                let dim = other.index(constant.dims.len().max(1));
                if let Some(dim) = constant.dims.get_mut(dim) {
                    *dim = number;
                }
            } else {
                let value = other.index(constant.int64_data.len());
                constant.int64_data[value] = number;
            }
        }
        5 => {
            let names = ["axis", "keepdims", "to", "group", "num_outputs", "allowzero", "transA", "start", "end"];
            let name = names[other.index(names.len())];
            node.attribute.retain(|setting| setting.name.as_deref() != Some(name));
            node.attribute.push(AttributeProto {
                name: Some(name.into()),
                i: Some(number),
                r#type: Some(attribute_type::INT),
                ..AttributeProto::default()
            });
        }
        6 => {
            let names = ["perm", "pads", "strides", "dilations", "kernel_shape", "output_padding"];
            let name = names[other.index(names.len())];
            node.attribute.retain(|setting| setting.name.as_deref() != Some(name));
            node.attribute.push(AttributeProto {
                name: Some(name.into()),
                ints: vec![number, number ^ 1],
                r#type: Some(attribute_type::INTS),
                ..AttributeProto::default()
            });
        }
        _ => {
            if let Some(dim) = graph.input[0]
                .r#type
                .as_mut()
                .and_then(|kind| kind.tensor_type.as_mut()?.shape.as_mut()?.dim.last_mut())
            {
                *dim = Dimension { dim_value: Some(number), dim_param: None };
            }
        }
    }
}

#[test]
fn a_large_model_takes_no_longer_than_its_bytes() {
    // 20,000 operators in a chain, last first, with 20,000 constants: quadratic work would take minutes.
    let mut file = File::new(17).input("x", FLOAT, &["batch", "2"]);
    for place in (0..20_000).rev() {
        let (from, to) = (format!("v{place}"), format!("v{}", place + 1));
        let from = if place == 0 { "x" } else { &from };
        file = file.node("ReduceMean", &[from], &[&to], vec![Set::Is("axes", &[1])]);
    }
    let file = file.output("v20000", &["batch", "1"]);
    let start = std::time::Instant::now();
    let graph = decoded(&file);
    assert_eq!(graph.nodes.len(), 20_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
