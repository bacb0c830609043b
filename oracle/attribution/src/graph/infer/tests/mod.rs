use crate::graph::{Attribute, Builder, Data, Dim, Element, GraphError, Shape, Signature, Tensor};

mod layout;
mod runtime;

fn batched(dims: &[usize]) -> Builder {
    let mut builder = Builder::new("test");
    builder.input(Signature { name: "x".into(), element: Element::F32, shape: Shape::batched(dims) }).unwrap();
    builder
}

fn weights(builder: &mut Builder, dims: &[usize]) -> String {
    builder.floats("w", dims, vec![0.5; dims.iter().product()]).unwrap()
}

fn shape(builder: &Builder, value: &str) -> String {
    builder.shape(value).unwrap().to_string()
}

/// The shape that an operator makes of `x`.
fn of(dims: &[usize], op: &str, attributes: Vec<(&str, Attribute)>) -> String {
    let mut builder = batched(dims);
    let made = builder.node(op, "y", &["x"], attributes).unwrap();
    shape(&builder, &made)
}

fn refusal(result: Result<impl Sized, GraphError>) -> String {
    match result {
        Err(error @ GraphError::Refused { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn products_and_bias() {
    let mut b = batched(&[3]);
    let w = weights(&mut b, &[5, 3]);
    let bias = weights(&mut b, &[5]);
    let y = b.node("Gemm", "y", &["x", &w, &bias], vec![("transB", Attribute::Int(1))]).unwrap();
    assert_eq!(shape(&b, &y), "[batch, 5]");
    assert!(refusal(b.node("Gemm", "z", &["x", &w], vec![])).contains("3 meets 5"));
    // The sum over the batch, as gradients need it.
    let g = b.node("Gemm", "g", &["x", "y"], vec![("transA", Attribute::Int(1))]).unwrap();
    assert_eq!(shape(&b, &g), "[3, 5]");
    let mut b = batched(&[4, 7, 8]);
    let w = weights(&mut b, &[8, 2]);
    let y = b.node("MatMul", "y", &["x", &w], vec![]).unwrap();
    assert_eq!(shape(&b, &y), "[batch, 4, 7, 2]");
    let t = b.node("Transpose", "t", &["x"], vec![("perm", Attribute::Ints(vec![0, 1, 3, 2]))]).unwrap();
    let square = b.node("MatMul", "s", &["x", &t], vec![]).unwrap();
    assert_eq!(shape(&b, &square), "[batch, 4, 7, 7]");
    let e = b.node("Einsum", "e", &["x", &t], vec![("equation", Attribute::String("bhid,bhdj->bhij".into()))]).unwrap();
    assert_eq!(shape(&b, &e), "[batch, 4, 7, 7]");
}

#[test]
fn values_spread_over_each_other() {
    let mut b = batched(&[4, 3]);
    let w = weights(&mut b, &[4, 1]);
    let y = b.node("Add", "y", &["x", &w], vec![]).unwrap();
    assert_eq!(shape(&b, &y), "[batch, 4, 3]");
    let wrong = weights(&mut b, &[2]);
    assert!(refusal(b.node("Add", "z", &["x", &wrong], vec![])).contains("3 meets 2"));
    let baked = weights(&mut b, &[2, 1, 1]);
    assert!(refusal(b.node("Add", "z", &["x", &baked], vec![])).contains("dynamic batch"));
    let mask = b.node("Greater", "m", &["x", &w], vec![]).unwrap();
    assert_eq!(b.known(&mask).unwrap().element, Element::Bool);
    let chosen = b.node("Where", "c", &[&mask, "x", &w], vec![]).unwrap();
    assert_eq!(shape(&b, &chosen), "[batch, 4, 3]");
    let indices = b.integers(&[0, 1]);
    assert!(refusal(b.node("Add", "z", &["x", &indices], vec![])).contains("f32 and i64"));
}

#[test]
fn windows() {
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let conv = |dims: &[usize], kernel: &[usize], attributes: Vec<(&str, Attribute)>| {
        let mut b = batched(dims);
        let w = weights(&mut b, kernel);
        b.node("Conv", "y", &["x", &w], attributes).map(|y| shape(&b, &y))
    };
    assert_eq!(conv(&[3, 8, 8], &[6, 3, 3, 3], vec![]).unwrap(), "[batch, 6, 6, 6]");
    let settings = vec![("strides", ints(&[2, 1])), ("pads", ints(&[1, 0, 2, 1])), ("dilations", ints(&[1, 2]))];
    assert_eq!(conv(&[3, 8, 8], &[6, 3, 3, 3], settings).unwrap(), "[batch, 6, 5, 5]");
    let same = vec![("auto_pad", Attribute::String("SAME_UPPER".into())), ("strides", ints(&[2]))];
    assert_eq!(conv(&[3, 9], &[4, 3, 3], same).unwrap(), "[batch, 4, 5]");
    assert_eq!(conv(&[4, 9], &[4, 2, 3], vec![("group", Attribute::Int(2))]).unwrap(), "[batch, 4, 7]");
    assert!(refusal(conv(&[4, 9], &[4, 3, 3], vec![])).contains("4 meets 3"));
    assert!(refusal(conv(&[4, 2], &[4, 4, 3], vec![])).contains("larger than its input"));
    assert!(refusal(conv(&[4, 2], &[4, 4, 1], vec![("group", Attribute::Int(0))])).contains("group"));
    let pool = |attributes| of(&[3, 7, 7], "MaxPool", attributes);
    let half = || vec![("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2]))];
    assert_eq!(pool(half()), "[batch, 3, 3, 3]");
    assert_eq!(pool([half(), vec![("ceil_mode", Attribute::Int(1))]].concat()), "[batch, 3, 4, 4]");
    assert_eq!(of(&[3, 7, 7], "GlobalAveragePool", vec![]), "[batch, 3, 1, 1]");
    let mut b = batched(&[6, 4]);
    let w = weights(&mut b, &[6, 2, 3]);
    let settings = vec![("group", Attribute::Int(3)), ("strides", ints(&[2])), ("output_padding", ints(&[1]))];
    let y = b.node("ConvTranspose", "y", &["x", &w], settings).unwrap();
    assert_eq!(shape(&b, &y), "[batch, 6, 10]");
}

#[test]
fn normalisation_keeps_dimensions() {
    let mut b = batched(&[4, 6]);
    let w = weights(&mut b, &[6]);
    let y = b.node_of_many("LayerNormalization", "y", &["x", &w, &w], vec![], 3).unwrap();
    assert_eq!((shape(&b, &y[0]), shape(&b, &y[1])), ("[batch, 4, 6]".into(), "[batch, 4, 1]".into()));
    let c = weights(&mut b, &[4]);
    let z = b.node("BatchNormalization", "z", &["x", &c, &c, &c, &c], vec![]).unwrap();
    assert_eq!(shape(&b, &z), "[batch, 4, 6]");
    assert!(refusal(b.node("BatchNormalization", "q", &["x", &w, &w, &w, &w], vec![])).contains("[6]"));
    assert!(
        refusal(b.node("BatchNormalization", "q", &["x", &c, &c, &c, &c], vec![("training_mode", Attribute::Int(1))]))
            .contains("evaluation")
    );
}

#[test]
fn unknown_operators_are_an_error_only_where_they_are_asked_for() {
    let mut b = batched(&[4]);
    let strange = b.node("Bizarre", "strange", &["x"], vec![]).unwrap();
    let after = b.node("Relu", "after", &[&strange], vec![]).unwrap();
    let known = b.node("Relu", "known", &["x"], vec![]).unwrap();
    assert!(b.shape(&known).is_ok());
    assert!(matches!(b.shape(&strange), Err(GraphError::Unknown { op, .. }) if op == "Bizarre"));
    assert!(matches!(b.shape(&after), Err(GraphError::Unknown { op, .. }) if op == "Relu"));
    assert!(matches!(b.shape("nobody"), Err(GraphError::Missing { .. })));
    let mut graph = b.finish();
    let signature = Signature { name: strange.clone(), element: Element::F32, shape: Shape::batched(&[9]) };
    graph.declared.insert(strange, signature);
    let b = Builder::extend(graph).unwrap();
    assert_eq!(shape(&b, &after), "[batch, 9]");
}

#[test]
fn weights_are_never_shared() {
    let mut b = batched(&[4]);
    assert_ne!(b.floats("b", &[2], vec![0.0; 2]), b.floats("b", &[2], vec![0.0; 2]));
    assert_eq!(b.scalar(0.5), b.scalar(0.5));
    assert_eq!(b.integers(&[1, 2]), b.integers(&[1, 2]));
    assert_ne!(b.integers(&[1]), b.constant("n", Tensor::new(vec![], Data::I64(vec![1])).unwrap()));
}

#[test]
fn settings_of_another_kind_are_refused() {
    let mut b = batched(&[4]);
    assert!(refusal(b.node("Softmax", "s", &["x"], vec![("axis", Attribute::Float(1.0))])).contains("`axis`"));
    assert!(refusal(b.node("Softmax", "s", &["x"], vec![("axis", Attribute::Int(7))])).contains("axis 7"));
}
