//! Where the batch goes.

use super::*;

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
