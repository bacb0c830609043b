use super::*;

#[test]
fn a_head_starts_at_zero_on_a_backbone_that_stays_as_it_was() {
    let (records, _) = digits();
    for base in [perceptron(), convolutional(), encoder()] {
        let model = adapt(&base, &Adaptation::Head, 64, 7, 1).unwrap();
        assert_eq!(model.parameters, ["head.weight", "head.bias"]);
        assert_eq!(gradient::select(&model.graph, &Layers::Last).unwrap(), model.parameters);
        assert_eq!(model.graph.inputs[0].shape, Shape::batched(&[64]));
        assert_eq!((model.graph.inputs[0].name.as_str(), model.graph.inputs.len()), (FEATURES, 1));
        assert_eq!(model.graph.outputs.len(), 1);
        for (name, tensor) in model.graph.constants.iter().filter(|(name, _)| base.constants.contains_key(*name)) {
            assert_eq!(tensor, &base.constants[name]);
        }
        let gone: Vec<&String> = (gradient::parameters(&base).iter())
            .filter(|name| !model.graph.constants.contains_key(*name))
            .map(|name| base.constants.get_key_value(name).unwrap().0)
            .collect();
        assert_eq!(gone.len(), 2, "the old weight and bias alone: {gone:?}");
        let logits = answers(&model.graph, &records);
        assert_eq!(logits.shape(), [300, 7]);
        assert!(logits.iter().all(|logit| *logit == 0.0));
        // A head that a base already has is replaced again, under names of its own.
        let again = adapt(&model.graph, &Adaptation::Head, 64, 10, 1).unwrap();
        assert_eq!(again.graph.nodes.len(), model.graph.nodes.len());
    }
}

#[test]
fn all_weights_go_on_from_where_they_are() {
    let (records, _) = digits();
    for base in [perceptron(), convolutional()] {
        let model = adapt(&base, &Adaptation::Full, 64, 10, 1).unwrap();
        assert_eq!(model.parameters, gradient::parameters(&base));
        assert_eq!(answers(&model.graph, &records), answers(&base, &records));
    }
    // Logits, not what a softmax makes of them.
    let base = encoder();
    let model = adapt(&base, &Adaptation::Full, 64, 10, 1).unwrap();
    assert_eq!(model.parameters, gradient::parameters(&base));
    let (logits, shares) = (answers(&model.graph, &records), answers(&base, &records));
    for (logits, shares) in logits.rows().into_iter().zip(shares.rows()) {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        assert!(logits.iter().zip(shares).all(|(logit, share)| (logit.exp() / sum - share).abs() < 1e-6));
    }
    // Another number of outputs is another head.
    for base in [perceptron(), convolutional(), encoder()] {
        let model = adapt(&base, &Adaptation::Full, 64, 4, 1).unwrap();
        assert!(model.parameters.ends_with(&["head.weight".to_owned(), "head.bias".to_owned()]));
        assert_eq!(model.parameters.len(), gradient::parameters(&base).len());
        assert_eq!(answers(&model.graph, &records).shape(), [300, 4]);
    }
}

#[test]
fn adapters_start_where_the_base_is() {
    let (records, _) = digits();
    let encoder_layers = ["embed", "attention.query", "attention.key", "attention.value", "attention.out"];
    let cases: [(Graph, Adaptation, Vec<&str>); 4] = [
        (perceptron(), lora(4, &[]), vec!["layer1.weight", "layer2.weight"]),
        (convolutional(), lora(4, &["layer3"]), vec!["layer3.weight"]),
        (encoder(), lora(2, &[]), encoder_layers.to_vec()),
        (encoder(), lora(2, &["classifier", "attention"]), [&encoder_layers[1..], &["classifier"]].concat()),
    ];
    for (base, adaptation, layers) in cases {
        let model = adapt(&base, &adaptation, 64, 10, 1).unwrap();
        assert_eq!(model.parameters.len(), 2 * layers.len(), "{:?}", model.parameters);
        for (pair, layer) in model.parameters.chunks(2).zip(&layers) {
            assert!(pair[0].starts_with(layer) && pair[0].ends_with(".lora.a"), "{pair:?} for {layer}");
            assert!(pair[1].starts_with(layer) && pair[1].ends_with(".lora.b"), "{pair:?} for {layer}");
            let (down, up) = (&model.graph.constants[&pair[0]], &model.graph.constants[&pair[1]]);
            assert_eq!(down.dims()[1], up.dims()[0]);
            assert!(down.floats().unwrap().iter().all(|value| *value != 0.0));
            assert!(up.floats().unwrap().iter().all(|value| *value == 0.0));
        }
        let before = adapt(&base, &Adaptation::Full, 64, 10, 1).unwrap();
        assert_eq!(answers(&model.graph, &records), answers(&before.graph, &records));
        let seeded = |seed| adapt(&base, &adaptation, 64, 10, seed).unwrap();
        assert_eq!(seeded(1), model);
        assert_ne!(seeded(2), model);
    }
}

#[test]
fn a_new_head_is_trained_beside_adapters() {
    let (records, _) = digits();
    for (base, layers) in [(perceptron(), 2), (encoder(), 5)] {
        let model = adapt(&base, &lora(2, &[]), 64, 3, 1).unwrap();
        assert_eq!(model.parameters.len(), 2 * layers + 2);
        assert!(model.parameters.ends_with(&["head.weight".to_owned(), "head.bias".to_owned()]));
        assert_eq!(answers(&model.graph, &records).shape(), [300, 3]);
        let names: std::collections::BTreeSet<&String> = model.graph.nodes.iter().map(|node| &node.name).collect();
        assert_eq!(names.len(), model.graph.nodes.len());
    }
}

#[test]
fn adapters_of_one_layer_add_what_they_should() {
    let (records, _) = digits();
    let base = encoder();
    let model = adapt(&base, &lora(2, &["classifier"]), 64, 10, 1).unwrap();
    let mut trainer = trainer(&model);
    let point = somewhere(&trainer.start().unwrap());
    let adapted = answers(&trainer.graph(&point).unwrap(), &records);
    // The same with the adapter multiplied into the weight, `[10, 8]`: W + 3/2 (A·B)ᵀ.
    let mut merged = adapt(&base, &Adaptation::Full, 64, 10, 1).unwrap().graph;
    let (a, b) = (&point.as_slice().unwrap()[..16], &point.as_slice().unwrap()[16..]);
    let weight = merged.constants["classifier.weight"].floats().unwrap();
    let weight = weight.iter().enumerate().map(|(place, weight)| {
        let (output, input) = (place / 8, place % 8);
        let product: f64 = (0..2).map(|inner| a[input * 2 + inner] * b[inner * 10 + output]).sum();
        (f64::from(*weight) + 1.5 * product) as f32
    });
    let data = tributary_attribution::graph::Data::F32(weight.collect());
    let weight = tributary_attribution::graph::Tensor::new(vec![10, 8], data).unwrap();
    merged.constants.insert("classifier.weight".to_owned(), weight);
    let expected = answers(&merged, &records);
    assert!(adapted.iter().zip(&expected).all(|(one, other)| (one - other).abs() < 1e-5));
    assert!(adapted.iter().zip(&answers(&model.graph, &records)).any(|(one, other)| (one - other).abs() > 1e-2));
    assert_eq!(trainer.evaluate(&point, &records, LOGITS).unwrap(), adapted);
}

#[test]
fn layers_of_one_weight_share_an_adapter() {
    let mut builder = Builder::new("tied");
    let shape = Shape::batched(&[6]);
    let x = builder.input(Signature { name: "label".to_owned(), element: Element::F32, shape }).unwrap();
    let matrix = builder.floats("tied.weight", &[6, 6], (0..36).map(|place| (place % 7) as f32 - 3.0).collect());
    let matrix = matrix.unwrap();
    let turned = vec![("transB", Attribute::Int(1)), ("alpha", Attribute::Float(0.5))];
    let once = builder.node("MatMul", "sketch", &[&x, &matrix], Vec::new()).unwrap();
    let twice = builder.node("MatMul", "twice", &[&once, &matrix], Vec::new()).unwrap();
    let back = builder.node("Gemm", "logits", &[&twice, &matrix], turned).unwrap();
    builder.output_as(&back, "answer").unwrap();
    let base = builder.finish();
    // Its names are those that training and attribution use: they make way.
    let model = adapt(&base, &lora(2, &["tied"]), 6, 6, 1).unwrap();
    assert_eq!(
        model.parameters,
        ["tied.weight.lora.a", "tied.weight.lora.b", "tied.weight.lora.a.2", "tied.weight.lora.b.2"]
    );
    let rows = Array2::from_shape_fn((3, 6), |(i, j)| (i * 5 + j) as f32);
    let rows = vec![(FEATURES.to_owned(), Column::F32(rows.into_dyn()))];
    let records = Records::new(rows, Labels::Classes(vec![0, 1, 5])).unwrap();
    assert_eq!(answers(&model.graph, &records), answers(&base, &records));
    let mut trainer = trainer(&model);
    let start = trainer.start().unwrap();
    trainer.loss_and_gradient(&start, &records).unwrap();
}

#[test]
fn a_release_is_a_base_without_its_sketch() {
    let (records, _) = digits();
    for base in [perceptron(), convolutional()] {
        let release = released(&base);
        assert_eq!(release.outputs.len(), 2);
        for adaptation in [Adaptation::Full, Adaptation::Head, lora(4, &["layer3"])] {
            let model = adapt(&release, &adaptation, 64, 10, 1).unwrap();
            let plain = adapt(&base, &adaptation, 64, 10, 1).unwrap();
            assert_eq!(model.parameters, plain.parameters);
            assert_eq!(model.graph.nodes.len(), plain.graph.nodes.len());
            assert_eq!(model.graph.inputs.len(), 1);
            assert_eq!(answers(&model.graph, &records), answers(&plain.graph, &records));
            // What was trained can be released in turn.
            assert_eq!(released(&model.graph).outputs[1].name, "sketch");
        }
    }
}

#[test]
fn adaptations_are_written_as_people_would() {
    let text = serde_json::to_string(&lora(4, &["layer1"])).unwrap();
    assert_eq!(text, r#"{"lora":{"rank":4,"alpha":3.0,"layers":["layer1"]}}"#);
    assert_eq!(serde_json::from_str::<Adaptation>(r#""head""#).unwrap(), Adaptation::default());
    let usual = serde_json::from_str::<Adaptation>(r#"{"lora":{}}"#).unwrap();
    assert_eq!(usual, Adaptation::Lora(Lora { rank: 8, alpha: 8.0, layers: vec![] }));
    assert!(serde_json::from_str::<Adaptation>(r#"{"lora":{"ranks":4}}"#).is_err());
}
