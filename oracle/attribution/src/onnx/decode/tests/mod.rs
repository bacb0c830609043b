use super::{super::encode, *};
use crate::{
    graph::{Attribute, Builder, Dim, Element, OPSET, Shape},
    onnx::{
        proto::*,
        sample::{File, Set, attention, convolutional, perceptron},
    },
};

mod bad;
mod fuzz;
mod outside;
mod shapes;

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
fn long_models_take_no_longer_than_their_length() {
    // 20,000 operators in a chain, last first, with 20,000 constants: quadratic work would take minutes.
    let mut file = File::new(17).input("x", FLOAT, &["batch", "2"]);
    for place in (0..20_000).rev() {
        let (from, to) = (format!("v{place}"), format!("v{}", place + 1));
        let from = if place == 0 { "x" } else { &from };
        file = file.node("ReduceMean", &[from], &[&to], vec![Set::Is("axes", &[1])]);
    }
    let start = std::time::Instant::now();
    let graph = decoded(&file.output("v20000", &["batch", "1"]));
    assert_eq!(graph.nodes.len(), 20_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
