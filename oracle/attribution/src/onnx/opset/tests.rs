//! A file and what it becomes in [`OPSET`] compute the same numbers in ONNX Runtime.

use ndarray::{ArrayD, IxDyn};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions, Tensor};

use super::*;
use crate::onnx::{
    decode, encode,
    proto::FLOAT,
    sample::{File, Set, attention, convolutional, node, perceptron, value},
};

fn run(onnx: &[u8], inputs: &[(&str, &ArrayD<f32>)], output: &str) -> ArrayD<f32> {
    let runtime = OnnxRuntime::load(None).unwrap();
    let mut session = Session::open(&runtime, onnx, &SessionOptions::default()).unwrap();
    let inputs: Vec<_> = inputs.iter().map(|(name, values)| (*name, Tensor::from((*values).view()))).collect();
    session.run(&inputs, &[output]).unwrap().remove(0)
}

/// Three records of numbers in −1…1.
fn records(dims: &[usize]) -> ArrayD<f32> {
    let dims: Vec<usize> = std::iter::once(3).chain(dims.iter().copied()).collect();
    let values = (0..dims.iter().product()).map(|place: usize| ((place * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect();
    ArrayD::from_shape_vec(IxDyn(&dims), values).unwrap()
}

fn agrees(file: &File, inputs: &[(&str, &[usize])]) {
    let inputs: Vec<_> = inputs.iter().map(|(name, dims)| (*name, records(dims))).collect();
    let inputs: Vec<_> = inputs.iter().map(|(name, values)| (*name, values)).collect();
    let output = file.model.graph.as_ref().unwrap().output[0].name.clone().unwrap();
    let graph = decode(&file.bytes()).unwrap();
    let (before, after) = (run(&file.bytes(), &inputs, &output), run(&encode(&graph), &inputs, &output));
    assert_eq!(before.dim(), after.dim());
    let largest = before.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 1e-3, "{before}");
    let worst = before.iter().zip(&after).fold(0f32, |worst, (one, other)| worst.max((one - other).abs()));
    assert!(worst <= 1e-6 * largest.max(1.0), "off by {worst}: {before} {after}");
    // What is said of the output holds.
    for (dim, size) in graph.outputs[0].shape.0.iter().zip(after.shape()) {
        let expected = match dim {
            crate::graph::Dim::Fixed(size) => *size,
            crate::graph::Dim::Batch(times) => 3 * times,
        };
        assert_eq!(expected, *size);
    }
}

#[test]
fn models_of_every_operator_set() {
    for opset in FROM..=TO {
        agrees(&perceptron(opset), &[("x", &[4])]);
        agrees(&attention(opset), &[("x", &[3, 4])]);
        agrees(&convolutional(opset), &[("image", &[1, 8, 8])]);
    }
}

#[test]
fn axes_of_reductions_become_an_input() {
    for op in [
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSumExp",
        "ReduceSumSquare",
    ] {
        for (settings, dims) in [
            (vec![Set::Is("axes", &[1, -1]), Set::I("keepdims", 0)], &["batch", "4"][..]),
            (vec![Set::Is("axes", &[2])], &["batch", "3", "1", "2"]),
        ] {
            let file = File::new(13)
                .input("x", FLOAT, &["batch", "3", "4", "2"])
                .node(op, &["x"], &["y"], settings)
                .output("y", dims);
            agrees(&file, &[("x", &[3, 4, 2])]);
        }
    }
}

#[test]
fn splits_without_sizes_say_into_how_many() {
    let file = File::new(13)
        .input("x", FLOAT, &["batch", "6"])
        .node("Split", &["x"], &["a", "b"], vec![Set::I("axis", -1)])
        .node("Sub", &["a", "b"], &["y"], vec![])
        .output("y", &["batch", "3"]);
    agrees(&file, &[("x", &[6])]);
}

#[test]
fn sampling_modes_are_renamed() {
    for mode in ["bilinear", "bicubic", "nearest"] {
        let file = File::new(16)
            .input("x", FLOAT, &["batch", "1", "4", "4"])
            .input("grid", FLOAT, &["batch", "2", "3", "2"])
            .node("GridSample", &["x", "grid"], &["y"], vec![Set::S("mode", mode)])
            .output("y", &["batch", "1", "2", "3"]);
        agrees(&file, &[("x", &[1, 4, 4]), ("grid", &[2, 3, 2])]);
    }
}

#[test]
fn the_axis_of_a_fourier_transform_becomes_an_input() {
    let file = File::new(17)
        .input("x", FLOAT, &["batch", "4", "3", "1"])
        .node("DFT", &["x"], &["y"], vec![Set::I("axis", 2)])
        .output("y", &["batch", "4", "3", "2"]);
    agrees(&file, &[("x", &[4, 3, 1])]);
}

#[test]
fn group_normalization_by_channel_is_said_in_plain_operators() {
    let file = File::new(21)
        .input("x", FLOAT, &["batch", "6", "2", "3"])
        .weights("scale", &[6])
        .weights("bias", &[6])
        .node(
            "GroupNormalization",
            &["x", "scale", "bias"],
            &["y"],
            vec![Set::I("num_groups", 2), Set::F("epsilon", 1e-3)],
        )
        .output("y", &["batch", "6", "2", "3"]);
    agrees(&file, &[("x", &[6, 2, 3])]);
    let graph = decode(&file.bytes()).unwrap();
    assert!(graph.nodes.iter().all(|node| node.op != "GroupNormalization"));
}

#[test]
fn operators_within_subgraphs_follow() {
    let branch = |axis: i64| GraphProto {
        name: Some("branch".to_owned()),
        node: vec![node("ReduceMean", &["x"], &["inner"], vec![Set::Is("axes", &[axis])])],
        output: vec![value("inner", FLOAT, &["batch", "1"])],
        ..GraphProto::default()
    };
    let mut choice = node("If", &["yes"], &["y"], vec![]);
    for (name, axis) in [("then_branch", 1), ("else_branch", -1)] {
        choice.attribute.push(AttributeProto {
            name: Some(name.to_owned()),
            r#type: Some(5),
            g: Some(branch(axis)),
            ..AttributeProto::default()
        });
    }
    let mut file = File::new(14).input("x", FLOAT, &["batch", "4"]).output("y", &["batch", "1"]);
    file.graph().initializer.push(TensorProto {
        name: Some("yes".to_owned()),
        data_type: Some(9),
        raw_data: Some(vec![1]),
        ..TensorProto::default()
    });
    file.graph().node.push(choice);
    agrees(&file, &[("x", &[4])]);
}

#[test]
fn settings_of_a_later_set_are_refused() {
    let mut file = perceptron(21);
    file.graph().node[1] = node("QuantizeLinear", &["h", "a"], &["r"], vec![Set::I("block_size", 2)]);
    assert!(decode(&file.bytes()).unwrap_err().to_string().contains("block_size"));
}
