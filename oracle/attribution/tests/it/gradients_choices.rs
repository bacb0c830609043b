//! Which weights there are, which a caller means, and what is refused.

use tributary_attribution::{
    gradient::{GradientError, Layers, Layout, Term, free, parameters, reverse, select},
    graph::{
        Attribute::{Int, Ints},
        Builder, Element, Graph, Shape, Signature,
    },
};

fn input(builder: &mut Builder, name: &str, dims: &[usize]) {
    let signature = Signature { name: name.to_owned(), element: Element::F32, shape: Shape::batched(dims) };
    builder.input(signature).unwrap();
}

fn weight(builder: &mut Builder, name: &str, dims: &[usize]) {
    let numbers = (0..dims.iter().product()).map(|at: usize| (at as f32).sin()).collect();
    assert_eq!(builder.floats(name, dims, numbers).unwrap(), name);
}

/// Scaled pixels through a convolution, a normalisation, a masked dense layer and a last one.
fn model() -> Graph {
    let mut builder = Builder::new("model");
    input(&mut builder, "x", &[1, 4, 4]);
    weight(&mut builder, "mean", &[1, 4, 4]);
    weight(&mut builder, "deviation", &[1, 4, 4]);
    let x = builder.node("Sub", "centred", &["x", "mean"], vec![]).unwrap();
    let x = builder.node("Mul", "scaled", &[&x, "deviation"], vec![]).unwrap();
    weight(&mut builder, "kernel", &[2, 1, 3, 3]);
    let x = builder.node("Conv", "conv", &[&x, "kernel"], vec![("pads", Ints(vec![1; 4]))]).unwrap();
    for name in ["scale", "shift", "running_mean", "running_variance"] {
        weight(&mut builder, name, &[2]);
    }
    let inputs = [&x, "scale", "shift", "running_mean", "running_variance"];
    let x = builder.node("BatchNormalization", "normal", &inputs, vec![]).unwrap();
    let x = builder.node("Flatten", "flat", &[&x], vec![]).unwrap();
    weight(&mut builder, "hidden", &[5, 32]);
    let turned = builder.node("Transpose", "turned", &["hidden"], vec![("perm", Ints(vec![1, 0]))]).unwrap();
    let x = builder.node("MatMul", "dense", &[&x, &turned], vec![]).unwrap();
    let mask = builder.floats("mask", &[5], vec![0.0, -1e9, 0.0, 0.0, -1e9]).unwrap();
    let x = builder.node("Add", "masked", &[&x, &mask], vec![]).unwrap();
    let half = builder.scalar(0.5);
    let x = builder.node("Mul", "half", &[&x, &half], vec![]).unwrap();
    weight(&mut builder, "last", &[5, 3]);
    weight(&mut builder, "bias", &[3]);
    let x = builder.node("MatMul", "product", &[&x, "last"], vec![]).unwrap();
    let x = builder.node("Add", "logits", &[&x, "bias"], vec![]).unwrap();
    builder.output(&x).unwrap();
    weight(&mut builder, "aside", &[3, 3]);
    builder.node("MatMul", "unused", &[&x, "aside"], vec![]).unwrap();
    builder.finish()
}

#[test]
fn weights_are_told_from_other_constants() {
    assert_eq!(parameters(&model()), ["kernel", "scale", "shift", "hidden", "last", "bias"]);
}

#[test]
fn layers_are_selected() {
    let graph = model();
    assert_eq!(select(&graph, &Layers::All).unwrap(), parameters(&graph));
    assert_eq!(select(&graph, &Layers::Last).unwrap(), ["last", "bias"]);
    let named = |names: &[&str]| select(&graph, &Layers::Named(names.iter().map(|name| (*name).to_owned()).collect()));
    assert_eq!(named(&["mean", "last", "mean"]).unwrap(), ["mean", "last"], "any f32 constant may be named, once");
    assert_eq!(named(&["nothing"]), Err(GradientError::NoParameter { parameter: "nothing".to_owned() }));
    assert_eq!(named(&[]), Err(GradientError::NoLayer));
    let mut empty = Builder::new("empty");
    input(&mut empty, "x", &[2]);
    assert_eq!(select(empty.graph(), &Layers::Last), Err(GradientError::NoLayer));
}

#[test]
fn freed_weights_are_inputs() {
    let freed = free(model(), &["last".to_owned()]).unwrap();
    assert!(!freed.constants.contains_key("last"));
    let input = freed.inputs.iter().find(|input| input.name == "last").unwrap();
    assert_eq!((input.element, &input.shape), (Element::F32, &Shape::fixed(&[5, 3])));
    assert!(matches!(free(freed, &["last".to_owned()]), Err(GradientError::NoParameter { .. })));
}

/// Gradients of some weights from a cotangent of `value` that is the value itself.
fn gradients(builder: &mut Builder, value: &str, names: &[&str]) -> Result<Vec<Vec<Term>>, GradientError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Ok(reverse(builder, &[(value, value)], &names)?.into_iter().map(|gradient| gradient.terms).collect())
}

#[test]
fn dense_layers_give_factors_and_biases_do_not() {
    let mut builder = Builder::extend(model()).unwrap();
    let made = gradients(&mut builder, "logits", &["last", "bias", "hidden", "kernel"]).unwrap();
    let layouts: Vec<Option<Layout>> = made
        .iter()
        .map(|terms| match terms.as_slice() {
            [Term::Outer { layout, activation, error }] => {
                let shapes = [activation, error].map(|factor| {
                    let value = factor.value(&mut builder).unwrap();
                    builder.shape(&value).unwrap().clone()
                });
                assert!(shapes.iter().all(|shape| shape.rank() == 4 && shape.batch_axis() == Some(0)));
                Some(*layout)
            }
            [Term::Direct { .. }] => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(layouts, [Some(Layout::InOut), None, Some(Layout::OutIn), Some(Layout::OutIn)]);
}

#[test]
fn nothing_is_computed_below_the_wanted_weights() {
    let whole = Builder::extend(model()).unwrap();
    let mut builder = whole.clone();
    gradients(&mut builder, "logits", &["last", "bias"]).unwrap();
    let added = &builder.graph().nodes[whole.graph().nodes.len()..];
    assert!(added.iter().all(|node| matches!(node.op.as_str(), "Reshape")), "{added:?}");
}

#[test]
fn what_has_no_gradient_is_named() {
    let mut builder = Builder::new("refused");
    input(&mut builder, "x", &[4]);
    weight(&mut builder, "low", &[4, 4]);
    weight(&mut builder, "high", &[4, 2]);
    let x = builder.node("MatMul", "first", &["x", "low"], vec![]).unwrap();
    let x = builder.node("HardSwish", "swish", &[&x], vec![]).unwrap();
    let y = builder.node("MatMul", "second", &[&x, "high"], vec![]).unwrap();
    let refused = gradients(&mut builder, &y, &["low"]);
    let expected = GradientError::Unsupported { node: "swish".to_owned(), op: "HardSwish".to_owned() };
    assert_eq!(refused, Err(expected));
    assert!(gradients(&mut builder, &y, &["high"]).is_ok(), "the layer above it can be attributed");

    let refused = gradients(&mut builder, &x, &["high"]);
    assert_eq!(refused, Err(GradientError::Unreached { parameter: "high".to_owned() }));
    for name in ["x", "nothing"] {
        let refused = gradients(&mut builder, &y, &[name]);
        assert_eq!(refused, Err(GradientError::NoParameter { parameter: name.to_owned() }));
    }
    let sign = builder.node("Sign", "sign", &[&y], vec![]).unwrap();
    let refused = gradients(&mut builder, &sign, &["high"]);
    assert_eq!(refused, Err(GradientError::Unreached { parameter: "high".to_owned() }));
}

#[test]
fn records_that_meet_are_refused() {
    for op in ["Softmax", "ReduceMean", "Slice", "Gather", "ReduceSum"] {
        let mut builder = Builder::new("mixed");
        input(&mut builder, "x", &[4]);
        weight(&mut builder, "low", &[4, 4]);
        let y = builder.node("MatMul", "first", &["x", "low"], vec![]).unwrap();
        let (zero, one) = (builder.integers(&[0]), builder.integers(&[1]));
        let mixed = match op {
            "Softmax" => builder.node(op, "mixed", &[&y], vec![("axis", Int(0))]),
            "Slice" => builder.node(op, "mixed", &[&y, &zero, &one, &zero], vec![]),
            "Gather" => builder.node(op, "mixed", &[&y, &zero], vec![("axis", Int(0))]),
            _ => builder.node(op, "mixed", &[&y, &zero], vec![("keepdims", Int(1))]),
        };
        let Ok(mixed) = mixed else { continue };
        let sum = builder.node("Add", "sum", &[&y, &mixed], vec![]).unwrap();
        let refused = gradients(&mut builder, &sum, &["low"]);
        let expected = GradientError::Mixes { node: "mixed".to_owned(), op: op.to_owned() };
        assert_eq!(refused, Err(expected));
    }
}

#[test]
fn the_same_graph_gives_the_same_nodes() {
    let rewritten = || {
        let mut builder = Builder::extend(model()).unwrap();
        let names = parameters(builder.graph());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        gradients(&mut builder, "logits", &names).unwrap();
        builder.finish()
    };
    assert_eq!(rewritten(), rewritten());
}
