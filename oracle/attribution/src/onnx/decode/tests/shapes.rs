//! Dimensions that cannot be used or cannot be told.

use super::*;
use crate::onnx::sample::{node, value};

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
