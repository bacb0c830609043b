//! Numbers in other files; values that operators within a subgraph take from outside.

use super::*;
use crate::onnx::sample::{node, value};

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
