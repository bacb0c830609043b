use crate::graph::{Attribute, Builder, Data, Dim, Element, GraphError, Shape, Signature, Tensor};

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
fn the_batch_merges_and_parts() {
    let reshape = |b: &mut Builder, value: &str, target: &[i64]| {
        let target = b.integers(target);
        b.node("Reshape", "r", &[value, &target], vec![])
    };
    let mut b = batched(&[4, 6]);
    let flat = reshape(&mut b, "x", &[-1, 6]).unwrap();
    assert_eq!(
        (b.shape(&flat).unwrap(), b.known(&flat).unwrap().rounds),
        (&Shape(vec![Dim::Batch(4), Dim::Fixed(6)]), 1)
    );
    let back = reshape(&mut b, &flat, &[-1, 2, 2, 6]).unwrap();
    assert_eq!(shape(&b, &back), "[batch, 2, 2, 6]");
    assert_eq!(of(&[4, 6], "Flatten", vec![]), "[batch, 24]");
    assert_eq!(of(&[4, 6], "Flatten", vec![("axis", Attribute::Int(2))]), "[4·batch, 6]");
    assert_eq!(of(&[4, 6], "Flatten", vec![("axis", Attribute::Int(0))]), "[1, 24·batch]");
    let copied = reshape(&mut b, "x", &[0, -1]).unwrap();
    assert_eq!(shape(&b, &copied), "[batch, 24]");
    assert!(refusal(reshape(&mut b, "x", &[1, 24])).contains("dynamic batch"));
    assert!(refusal(reshape(&mut b, "x", &[-1, 7])).contains("dynamic batch"));
}

#[test]
fn rows_that_are_not_record_by_record_say_so() {
    // A transformer with the batch second: [tokens, batch, width] → [tokens·batch, width] and back.
    let mut b = batched(&[5, 6]);
    let t = b.node("Transpose", "t", &["x"], vec![("perm", Attribute::Ints(vec![1, 0, 2]))]).unwrap();
    let flat = b.integers(&[-1, 6]);
    let flat = b.node("Reshape", "f", &[&t, &flat], vec![]).unwrap();
    assert_eq!((shape(&b, &flat).as_str(), b.known(&flat).unwrap().rounds), ("[5·batch, 6]", 5));
    let same = b.node("Relu", "a", &[&flat], vec![]).unwrap();
    assert_eq!(b.known(&same).unwrap().rounds, 5);
    let target = b.integers(&[5, -1, 6]);
    let back = b.node("Reshape", "b", &[&same, &target], vec![]).unwrap();
    assert_eq!((shape(&b, &back).as_str(), b.known(&back).unwrap().rounds), ("[5, batch, 6]", 1));
    let wrong = b.integers(&[-1, 5, 6]);
    assert!(refusal(b.node("Reshape", "w", &[&same, &wrong], vec![])).contains("one record"));
    let mut b = batched(&[5, 6]);
    let wrong = b.integers(&[5, -1, 6]);
    assert!(refusal(b.node("Reshape", "w", &["x", &wrong], vec![])).contains("one record"));
}

#[test]
fn joined_batches_part_again() {
    let mut b = batched(&[3]);
    let both = b.node("Concat", "c", &["x", "x"], vec![("axis", Attribute::Int(0))]).unwrap();
    assert_eq!((shape(&b, &both).as_str(), b.known(&both).unwrap().rounds), ("[2·batch, 3]", 2));
    let parts = b.node_of_many("Split", "s", &[&both], vec![("num_outputs", Attribute::Int(2))], 2).unwrap();
    assert_eq!((shape(&b, &parts[1]).as_str(), b.known(&parts[1]).unwrap().rounds), ("[batch, 3]", 1));
    assert!(refusal(b.node("Add", "z", &[&both, "x"], vec![])).contains("meets"));
}

#[test]
fn records_stay_apart() {
    let mut b = batched(&[4]);
    let t = b.node("Transpose", "t", &["x"], vec![]).unwrap();
    assert!(refusal(b.node("MatMul", "g", &["x", &t], vec![])).contains("records"));
    assert!(refusal(b.node("Softmax", "s", &["x"], vec![("axis", Attribute::Int(0))])).contains("along the batch"));
    let first = b.integers(&[0]);
    assert!(refusal(b.node("Gather", "s", &["x", &first], vec![])).contains("among the records"));
    let sum = b.node("ReduceSum", "s", &["x", &first], vec![("keepdims", Attribute::Int(0))]).unwrap();
    assert_eq!(shape(&b, &sum), "[4]");
}

/// `x.view(x.shape[0], -1)` and `x.view(x.shape[0] * 4, 6)` as PyTorch exports them.
#[test]
fn reshape_targets_with_the_batch_in_them_follow() {
    let mut b = batched(&[4, 6]);
    let dims = b.node("Shape", "dims", &["x"], vec![]).unwrap();
    let (zero, one, axes) =
        (b.constant("i", Tensor::new(vec![], Data::I64(vec![0])).unwrap()), b.integers(&[-1]), b.integers(&[0]));
    let rows = b.node("Gather", "rows", &[&dims, &zero], vec![]).unwrap();
    let rows_list = b.node("Unsqueeze", "rows_list", &[&rows, &axes], vec![]).unwrap();
    let target = b.node("Concat", "target", &[&rows_list, &one], vec![("axis", Attribute::Int(0))]).unwrap();
    let flat = b.node("Reshape", "flat", &["x", &target], vec![]).unwrap();
    assert_eq!(shape(&b, &flat), "[batch, 24]");
    let four = b.integers(&[4]);
    let six = b.integers(&[6]);
    let merged = b.node("Mul", "merged", &[&rows_list, &four], vec![]).unwrap();
    let target = b.node("Concat", "target", &[&merged, &six], vec![("axis", Attribute::Int(0))]).unwrap();
    let flat = b.node("Reshape", "flat", &["x", &target], vec![]).unwrap();
    assert_eq!(shape(&b, &flat), "[4·batch, 6]");
    let over = b.node("Div", "over", &[&merged, &four], vec![]).unwrap();
    let target = b.node("Concat", "target", &[&over, &one, &four], vec![("axis", Attribute::Int(0))]).unwrap();
    let back = b.node("Reshape", "back", &[&flat, &target], vec![]).unwrap();
    assert_eq!(shape(&b, &back), "[batch, 6, 4]");
    // `x.expand(-1, …)`: Where(Equal(target, −1), 1, target).
    let minus = b.node("Equal", "is_minus", &[&target, &one], vec![]).unwrap();
    let ones = b.integers(&[1, 1, 1]);
    let wanted = b.node("Where", "wanted", &[&minus, &ones, &target], vec![]).unwrap();
    let token = weights(&mut b, &[1, 1, 4]);
    let spread = b.node("Expand", "spread", &[&token, &wanted], vec![]).unwrap();
    assert_eq!(shape(&b, &spread), "[batch, 1, 4]");
    let zeros = b.node("ConstantOfShape", "zeros", &[&wanted], vec![]).unwrap();
    assert_eq!(shape(&b, &zeros), "[batch, 1, 4]");
}

#[test]
fn selection() {
    let mut b = batched(&[4, 6]);
    let (starts, ends, axes, steps) =
        (b.integers(&[1, -1]), b.integers(&[i64::MAX, 0]), b.integers(&[1, 2]), b.integers(&[2, -2]));
    let cut = b.node("Slice", "cut", &["x", &starts, &ends, &axes, &steps], vec![]).unwrap();
    assert_eq!(shape(&b, &cut), "[batch, 2, 3]");
    let (zero, all) = (b.integers(&[0]), b.integers(&[i64::MAX]));
    let whole = b.node("Slice", "whole", &["x", &zero, &all, &zero], vec![]).unwrap();
    assert_eq!(shape(&b, &whole), "[batch, 4, 6]");
    let last = b.constant("last", Tensor::new(vec![], Data::I64(vec![-1])).unwrap());
    let token = b.node("Gather", "token", &["x", &last], vec![("axis", Attribute::Int(1))]).unwrap();
    assert_eq!(shape(&b, &token), "[batch, 6]");
    let parts = b
        .node_of_many("Split", "p", &["x"], vec![("axis", Attribute::Int(2)), ("num_outputs", Attribute::Int(4))], 4)
        .unwrap();
    assert_eq!((shape(&b, &parts[0]), shape(&b, &parts[3])), ("[batch, 4, 2]".into(), "[batch, 4, 0]".into()));
    let ids = b.input(Signature { name: "ids".into(), element: Element::I64, shape: Shape::batched(&[5]) }).unwrap();
    let table = weights(&mut b, &[11, 3]);
    let embedded = b.node("Gather", "embedded", &[&table, &ids], vec![]).unwrap();
    assert_eq!(shape(&b, &embedded), "[batch, 5, 3]");
    let best =
        b.node("ArgMax", "best", &["x"], vec![("axis", Attribute::Int(-1)), ("keepdims", Attribute::Int(0))]).unwrap();
    assert_eq!((shape(&b, &best).as_str(), b.known(&best).unwrap().element), ("[batch, 4]", Element::I64));
    let (depth, values) = (b.integers(&[6]), b.floats("v", &[2], vec![0.0, 1.0]).unwrap());
    let hot = b.node("OneHot", "hot", &[&best, &depth, &values], vec![]).unwrap();
    assert_eq!(shape(&b, &hot), "[batch, 4, 6]");
    let joined = b.node("Concat", "joined", &["x", &cut], vec![("axis", Attribute::Int(1))]);
    assert!(refusal(joined).contains("6 meets 3"));
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
