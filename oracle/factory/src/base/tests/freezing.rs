use tributary_runtime::RuntimeError;

use super::*;

fn cached(model: &Model, records: &Records) -> (Frozen, Records) {
    let frozen = Frozen::split(model).unwrap().unwrap();
    let records = frozen.records(&runtime(), &SessionOptions::default(), records).unwrap();
    (frozen, records)
}

#[test]
fn gradients_on_cached_values_are_those_of_the_whole_model() {
    let (records, _) = digits();
    for base in [perceptron(), convolutional(), encoder()] {
        let named = if base.name == "encoder" { "attention.out" } else { "layer3" };
        let all = if base.constants.contains_key("layer3.weight") { lora(2, &["layer3"]) } else { lora(2, &[]) };
        for adaptation in [Adaptation::Head, Adaptation::Full, lora(2, &[named]), all] {
            let model = adapt(&base, &adaptation, 64, 10, 1).unwrap();
            let (frozen, kept) = cached(&model, &records);
            let (mut whole, mut part) = (trainer(&model), trainer(frozen.model()));
            assert_eq!(whole.layout(), part.layout());
            assert_eq!(whole.start().unwrap(), part.start().unwrap());
            assert!(frozen.model().graph.nodes.len() < model.graph.nodes.len());
            let point = somewhere(&whole.start().unwrap());
            let (loss, gradient) = whole.loss_and_gradient(&point, &records).unwrap();
            let (same_loss, same_gradient) = part.loss_and_gradient(&point, &kept).unwrap();
            assert!((loss / same_loss - 1.0).abs() < 1e-5, "{adaptation:?}: {loss} and {same_loss}");
            assert!(apart(&gradient, &same_gradient) < 1e-5, "{adaptation:?}");
            // And both are the loss's: along the gradient it changes as it should.
            let slope = gradient.dot(&gradient);
            let step = 1e-2 / slope.sqrt();
            let mut loss_at = |length: f64| part.loss_and_gradient(&(&point + &(&gradient * length)), &kept).unwrap().0;
            let found = (loss_at(step) - loss_at(-step)) / (2.0 * step);
            assert!((found / slope - 1.0).abs() < 1e-2, "{adaptation:?}: {found} instead of {slope}");
        }
    }
}

#[test]
fn a_head_keeps_its_features_and_nothing_else() {
    let (records, _) = digits();
    for (base, features) in [(perceptron(), 16), (convolutional(), 32), (encoder(), 8)] {
        let model = adapt(&base, &Adaptation::Head, 64, 10, 1).unwrap();
        let (frozen, kept) = cached(&model, &records);
        assert_eq!(frozen.numbers(), features);
        assert_eq!(frozen.model().graph.nodes.len(), 1);
        assert_eq!(kept.inputs().len(), 1);
        assert_eq!((kept.len(), kept.labels()), (300, records.labels()));
        assert!(frozen.fits(1 << 20) && !frozen.fits(1 << 26) && !frozen.fits(usize::MAX));
    }
}

/// `tokens` `[batch, 5]` of integers, their rows of a table, their mean, a dense layer.
fn reader() -> Graph {
    let mut builder = Builder::new("reader");
    let shape = Shape::batched(&[5]);
    let tokens = builder.input(Signature { name: "tokens".to_owned(), element: Element::I64, shape }).unwrap();
    let table = builder.floats("table", &[9, 3], (0..27).map(|place| (place % 5) as f32 - 2.0).collect()).unwrap();
    let rows = builder.node("Gather", "rows", &[&table, &tokens], Vec::new()).unwrap();
    let over = builder.integers(&[1]);
    let mean = builder.node("ReduceMean", "mean", &[&rows, &over], vec![("keepdims", Attribute::Int(0))]).unwrap();
    let weight = builder.floats("weight", &[3, 4], (0..12).map(|place| (place % 7) as f32 - 3.0).collect()).unwrap();
    let logits = builder.node("MatMul", "dense", &[&mean, &weight], Vec::new()).unwrap();
    builder.output_as(&logits, LOGITS).unwrap();
    builder.finish()
}

#[test]
fn inputs_of_integers_are_read_once_and_handed_on() {
    let tokens = Array2::from_shape_fn((300, 5), |(i, j)| ((i * 3 + j) % 9) as i64);
    let inputs = vec![("tokens".to_owned(), Column::I64(tokens.into_dyn()))];
    let records = Records::new(inputs, Labels::Classes((0..300).map(|place| place % 4).collect())).unwrap();
    let of = |parameters: &[&str]| Model {
        graph: reader(),
        parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
    };
    let model = of(&["weight"]);
    let (frozen, kept) = cached(&model, &records);
    assert_eq!(kept.inputs()[0].0, "mean");
    let (mut whole, mut part) = (trainer(&model), trainer(frozen.model()));
    let start = whole.start().unwrap();
    let one = whole.loss_and_gradient(&start, &records).unwrap();
    let other = part.loss_and_gradient(&start, &kept).unwrap();
    assert!((one.0 / other.0 - 1.0).abs() < 1e-5 && apart(&one.1, &other.1) < 1e-5);
    // Where the table moves, nothing can be made before it; where nothing does, there is nothing to train.
    assert!(Frozen::split(&of(&["table", "weight"])).unwrap().is_none());
    assert!(Frozen::split(&of(&[])).unwrap().is_none());
}

#[test]
fn caches_that_cannot_be_filled_are_refused() {
    let (records, _) = digits();
    let model = adapt(&perceptron(), &Adaptation::Head, 64, 10, 1).unwrap();
    let frozen = Frozen::split(&model).unwrap().unwrap();
    let fill = |records: &Records| frozen.records(&runtime(), &SessionOptions::default(), records).unwrap_err();
    assert!(matches!(fill(&records.select(&[])), FactoryError::NoRecords));
    let (column, labels) = (records.inputs()[0].1.clone(), records.labels().clone());
    let others = Records::new(vec![("pixels".to_owned(), column)], labels).unwrap();
    assert!(matches!(fill(&others), FactoryError::Runtime(RuntimeError::MissingInput { .. })));
}
