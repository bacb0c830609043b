//! Whatever the bytes, there is no panic; and what is understood is written and understood again.

use proptest::prelude::*;

use super::*;

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
