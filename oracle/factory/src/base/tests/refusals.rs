use tributary_attribution::gradient::GradientError;

use super::*;

fn refused(base: &Graph, adaptation: &Adaptation, width: usize, outputs: usize) -> BaseError {
    match adapt(base, adaptation, width, outputs, 1).unwrap_err() {
        FactoryError::Base(error) => error,
        other => panic!("{other}"),
    }
}

fn bare(shape: Shape, element: Element) -> Builder {
    let mut builder = Builder::new("bare");
    builder.input(Signature { name: "x".to_owned(), element, shape }).unwrap();
    builder
}

#[test]
fn inputs_that_no_record_fills_are_refused() {
    for base in [perceptron(), encoder()] {
        let name = base.inputs[0].name.clone();
        let error = refused(&base, &Adaptation::Head, 63, 10);
        assert!(matches!(&error, BaseError::Input { input, width: 63, .. } if *input == name), "{error}");
    }
    let mut builder = bare(Shape::batched(&[4]), Element::I64);
    let cast = builder.node("Cast", "real", &["x"], vec![("to", Attribute::Int(1))]).unwrap();
    builder.output(&cast).unwrap();
    assert!(matches!(refused(&builder.finish(), &Adaptation::Head, 4, 2), BaseError::Input { .. }));
    let mut builder = bare(Shape::batched(&[4]), Element::F32);
    let shape = Shape::batched(&[4]);
    builder.input(Signature { name: "y".to_owned(), element: Element::F32, shape }).unwrap();
    let sum = builder.node("Add", "sum", &["x", "y"], Vec::new()).unwrap();
    builder.output(&sum).unwrap();
    let error = refused(&builder.finish(), &Adaptation::Head, 4, 2);
    assert_eq!(error, BaseError::Inputs { found: vec!["x".to_owned(), "y".to_owned()] });
}

#[test]
fn models_without_a_last_dense_layer_get_no_head() {
    // None at all, and one that other things come to after it.
    let mut builder = bare(Shape::batched(&[4]), Element::F32);
    let twice = builder.node("Add", "twice", &["x", "x"], Vec::new()).unwrap();
    builder.output(&twice).unwrap();
    let none = builder.clone().finish();
    let matrix = builder.floats("weight", &[4, 4], vec![1.0; 16]).unwrap();
    let product = builder.node("MatMul", "product", &["x", &matrix], Vec::new()).unwrap();
    let sum = builder.node("Add", "sum", &[&product, &twice], Vec::new()).unwrap();
    let residual = Graph { outputs: Vec::new(), ..builder.finish() };
    let mut builder = Builder::extend(residual).unwrap();
    builder.output(&sum).unwrap();
    let residual = builder.finish();
    for base in [&none, &residual] {
        assert!(matches!(refused(base, &Adaptation::Head, 4, 4), BaseError::NoHead { .. }));
        assert!(matches!(refused(base, &Adaptation::Full, 4, 3), BaseError::NoHead { .. }));
    }
    let unmoved = adapt(&none, &Adaptation::Full, 4, 4, 1);
    assert!(matches!(unmoved, Err(FactoryError::Gradient(GradientError::NoLayer))));
    assert_eq!(adapt(&residual, &Adaptation::Full, 4, 4, 1).unwrap().parameters, ["weight"]);
    // A model that answers nothing, or its input.
    let nothing = Graph { outputs: Vec::new(), ..perceptron() };
    assert_eq!(refused(&nothing, &Adaptation::Head, 64, 10), BaseError::NoOutput);
    let mut builder = bare(Shape::batched(&[4]), Element::F32);
    builder.output("x").unwrap();
    assert!(matches!(refused(&builder.finish(), &Adaptation::Full, 4, 4), BaseError::NoHead { .. }));
}

#[test]
fn operators_that_hold_graphs_are_refused() {
    let mut base = perceptron();
    base.nodes[3].attributes.insert("body".to_owned(), Attribute::Opaque(Vec::new()));
    assert!(matches!(refused(&base, &Adaptation::Head, 64, 10), BaseError::Subgraph { .. }));
    let model = Model { parameters: vec!["layer3.weight".to_owned()], graph: base };
    assert!(Frozen::split(&model).is_ok_and(|frozen| frozen.is_none()));
}

#[test]
fn layers_that_no_adapter_fits_are_refused() {
    for name in ["layer9", "layer", "", "layer1.bias"] {
        let error = refused(&perceptron(), &lora(4, &["layer1", name]), 64, 10);
        let known = ["layer1.weight", "layer2.weight", "layer3.weight"].map(str::to_owned).to_vec();
        assert_eq!(error, BaseError::NoLayer { name: name.to_owned(), known });
    }
    // A convolution is no such layer, and a head that is new needs none.
    assert!(matches!(refused(&convolutional(), &lora(2, &["layer1"]), 64, 10), BaseError::NoLayer { .. }));
    assert!(matches!(refused(&convolutional(), &lora(2, &["layer3"]), 64, 3), BaseError::NoLayer { .. }));
    assert_eq!(refused(&convolutional(), &lora(2, &[]), 64, 10), BaseError::NothingToAdapt { rank: 2 });
    assert_eq!(refused(&perceptron(), &lora(24, &[]), 64, 10), BaseError::NothingToAdapt { rank: 24 });
}

#[test]
fn sizes_that_make_no_model_are_refused() {
    let of = |adaptation: &Adaptation, width, outputs| adapt(&perceptron(), adaptation, width, outputs, 1);
    let recipe = |found| matches!(found, Err(FactoryError::Recipe { .. }));
    assert!(recipe(of(&lora(0, &[]), 64, 10)));
    assert!(recipe(of(&lora(17, &["layer2"]), 64, 10)));
    assert!(recipe(of(&lora(usize::MAX, &["layer2"]), 64, 10)));
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(recipe(of(&Adaptation::Lora(Lora { alpha, ..Lora::default() }), 64, 10)), "{alpha}");
    }
    assert!(recipe(of(&Adaptation::Head, 64, 0)));
    assert!(recipe(of(&Adaptation::Head, 0, 10)));
    assert!(recipe(of(&Adaptation::Head, 64, usize::MAX)));
    assert!(recipe(of(&Adaptation::Full, 64, 1 << 40)));
}
