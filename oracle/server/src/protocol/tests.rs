use serde_json::json;

use super::*;

fn body(input: serde_json::Value) -> Vec<u8> {
    serde_json::to_vec(&json!({ "id": "7", "inputs": [input] })).unwrap()
}

fn ask(input: serde_json::Value) -> Result<Asked, ProtocolError> {
    read(&body(input), None, "x", &[2, 2])
}

#[test]
fn numbers_come_flat_nested_or_as_bytes_and_are_the_same() {
    let flat = ask(json!({"name": "x", "shape": [1, 2, 2], "datatype": "FP32", "data": [1, 2.5, -3, 4e-3]})).unwrap();
    assert_eq!(flat.features, [1.0, 2.5, -3.0, 4e-3]);
    assert_eq!(flat.id.as_deref(), Some("7"));
    let nested =
        ask(json!({"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [[[1, 2.5], [-3, 4e-3]]]})).unwrap();
    assert_eq!(nested.features, flat.features);

    let mut bytes =
        body(json!({"name": "x", "shape": [1, 2, 2], "datatype": "FP32", "parameters": {"binary_data_size": 16}}));
    let length = bytes.len().to_string();
    bytes.extend(flat.features.iter().flat_map(|number| number.to_le_bytes()));
    assert_eq!(read(&bytes, Some(&length), "x", &[2, 2]).unwrap().features, flat.features);
}

#[test]
fn what_does_not_fit_is_refused_by_what_is_wrong() {
    let input = |shape: serde_json::Value, data: serde_json::Value| {
        ask(json!({"name": "x", "shape": shape, "datatype": "FP32", "data": data}))
    };
    for shape in [json!([]), json!([0, 2, 2]), json!([-1, 2, 2]), json!([1, 2]), json!([1, 2, 3]), json!([1, 2, 2, 1])]
    {
        assert!(matches!(input(shape.clone(), json!([1, 2, 3, 4])), Err(ProtocolError::Shape { .. })), "{shape}");
    }
    assert!(matches!(input(json!([i64::MAX, 2, 2]), json!([1])), Err(ProtocolError::Shape { .. })));
    assert!(matches!(
        input(json!([2, 2, 2]), json!([1, 2, 3, 4])),
        Err(ProtocolError::Length { found: 4, expected: 8 })
    ));
    assert!(matches!(input(json!([1, 2, 2]), json!(["1"])), Err(ProtocolError::Data(_))));
    assert!(matches!(input(json!([1, 2, 2]), json!({"a": 1})), Err(ProtocolError::Data(_))));
    let deep = (0..40).fold(json!([1, 2, 3, 4]), |value, _| json!([value]));
    assert!(matches!(input(json!([1, 2, 2]), deep), Err(ProtocolError::Data(_))));
    let other = |name: &str, datatype: &str| {
        ask(json!({"name": name, "shape": [1, 4], "datatype": datatype, "data": [1, 2, 3, 4]}))
    };
    assert!(matches!(other("y", "FP32"), Err(ProtocolError::UnknownInput { .. })));
    assert!(matches!(other("x", "INT64"), Err(ProtocolError::Datatype { .. })));
    assert!(matches!(read(b"{\"inputs\": []}", None, "x", &[4]), Err(ProtocolError::Inputs { found: 0, .. })));
    assert!(matches!(read(b"\xff", None, "x", &[4]), Err(ProtocolError::Json(_))));
}

#[test]
fn bytes_that_are_not_what_was_said_are_refused() {
    let json = body(json!({"name": "x", "shape": [1, 4], "datatype": "FP32", "parameters": {"binary_data_size": 16}}));
    let length = json.len().to_string();
    let with = |tail: &[u8]| [json.as_slice(), tail].concat();
    for tail in [&[0; 0][..], &[0; 15], &[0; 17], &[0; 20]] {
        assert!(matches!(read(&with(tail), Some(&length), "x", &[4]), Err(ProtocolError::Binary(_))), "{}", tail.len());
    }
    for length in ["", "x", "-1", "999999999999999999999", &(json.len() + 17).to_string()] {
        assert!(matches!(read(&with(&[0; 16]), Some(length), "x", &[4]), Err(ProtocolError::Binary(_))), "{length}");
    }
    // Bytes behind an input that carries its numbers itself.
    let itself = body(json!({"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}));
    let length = itself.len().to_string();
    assert!(matches!(read(&[itself, vec![0]].concat(), Some(&length), "x", &[4]), Err(ProtocolError::Binary(_))));
}

#[test]
fn an_answer_reads_back_as_it_was_written_in_either_form() {
    let response = || InferResponse {
        model_name: "m".into(),
        model_version: "1".into(),
        id: None,
        parameters: Parameters::default(),
        outputs: Vec::new(),
    };
    let mut asked = ask(json!({"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]})).unwrap();
    for binary in [false, true] {
        asked.binary = binary;
        let written = write(&asked, response(), "logits", vec![1, 3], &[0.1, -2.0, 3e9]).unwrap();
        assert_eq!(written.json_length.is_some(), binary);
        let length = written.json_length.map(|length| length.to_string());
        let (_, numbers) = read_answer(&written.bytes, length.as_deref(), "logits").unwrap();
        assert_eq!(numbers, [0.1, -2.0, 3e9]);
    }
    let output = |name: &str, parameters: serde_json::Value| RequestedOutput {
        name: name.into(),
        parameters: serde_json::from_value(parameters).unwrap(),
    };
    asked.outputs = vec![output("logits", json!({"binary_data": false}))];
    assert!(write(&asked, response(), "logits", vec![1, 1], &[1.0]).unwrap().json_length.is_none());
    asked.outputs = vec![output("sketch", json!({}))];
    let refused = write(&asked, response(), "logits", vec![1, 1], &[1.0]);
    assert!(matches!(refused, Err(ProtocolError::UnknownOutput { .. })));
    asked.outputs = vec![output("logits", json!({"classification": 3}))];
    assert_eq!(write(&asked, response(), "logits", vec![1, 1], &[1.0]), Err(ProtocolError::Classification));
}

#[test]
fn a_signature_reads_back_from_its_header_and_nothing_else_does() {
    for text in ["", "no base64", "e30=", "////"] {
        assert!(matches!(Signature::from_header(text), Err(ProtocolError::Signature(_))), "{text}");
    }
}
