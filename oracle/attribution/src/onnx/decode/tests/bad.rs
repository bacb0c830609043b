//! Files that are refused.

use super::*;
use crate::onnx::sample::{node, value};

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
