//! Random graphs.

use rand::Rng;
use tributary_attribution::graph::Attribute::{Int, String as Word};

use crate::gradients::Case;

/// Graphs that are checked.
const GRAPHS: u64 = 100;

/// A value `[batch, rows, width]` of a random graph.
#[derive(Clone)]
struct Value {
    name: String,
    rows: usize,
    width: usize,
}

/// Appends one operator, drawn at random, to values drawn at random.
fn grow(case: &mut Case, values: &mut Vec<Value>) {
    let from = values[case.random.random_range(0..values.len())].clone();
    let Value { name, mut rows, mut width } = from;
    let made = match case.random.random_range(0..18) {
        0 => {
            let outputs = case.random.random_range(1..5);
            let made = case.dense(&name, width, outputs);
            width = outputs;
            made
        }
        1 => {
            let outputs = case.random.random_range(1..5);
            let weight = case.weight(&[outputs, rows]);
            let made = case.op("MatMul", &[&weight, &name]);
            rows = outputs;
            made
        }
        2 => {
            let op = ["Sigmoid", "Erf", "Sin", "Cos", "Gelu"][case.random.random_range(0..5)];
            case.op(op, &[&name])
        }
        3 => case.with("Gelu", &[&name], vec![("approximate", Word("tanh".to_owned()))]),
        4 => {
            let axis = case.random.random_range(1..3);
            case.with("Softmax", &[&name], vec![("axis", Int(axis))])
        }
        5 => case.with("LogSoftmax", &[&name], vec![("axis", Int(-1))]),
        6 => {
            // Of a dense layer: what is left of the gradient of equal numbers, or of two, is rounding.
            let wide = case.dense(&name, width, 4);
            width = 4;
            case.normal(&wide, 4)
        }
        7 => {
            std::mem::swap(&mut rows, &mut width);
            case.transpose(&name, &[0, 2, 1])
        }
        8 => {
            (rows, width) = (rows * width, 1);
            case.reshape(&name, &[rows as i64, 1])
        }
        9 => {
            let dims = [[1, width], [rows, 1], [rows, width]][case.random.random_range(0..3)];
            let weight = case.weight(&dims);
            let op = ["Add", "Sub", "Mul"][case.random.random_range(0..3)];
            case.op(op, &[&weight, &name])
        }
        10 => {
            let weight = case.positive_weight(&[width]);
            case.op("Div", &[&name, &weight])
        }
        11 => {
            let op = ["ReduceSum", "ReduceMean", "ReduceLogSumExp"][case.random.random_range(0..3)];
            let axis = case.integers(&[1]);
            rows = 1;
            case.with(op, &[&name, &axis], vec![("keepdims", Int(1))])
        }
        12 => {
            let axis = case.integers(&[-1]);
            let made = case.with("ReduceMean", &[&name, &axis], vec![("keepdims", Int(0))]);
            width = 1;
            case.reshape(&made, &[rows as i64, 1])
        }
        13 if rows > 1 => {
            let cut = case.random.random_range(1..rows as i64);
            let sizes = case.integers(&[cut, rows as i64 - cut]);
            let parts = case.many("Split", &[&name, &sizes], 1, 2);
            rows -= cut as usize;
            parts[1].clone()
        }
        14 => {
            let indices: Vec<i64> = (0..3).map(|_| case.random.random_range(0..rows as i64)).collect();
            let indices = case.integers(&indices);
            rows = 3;
            case.with("Gather", &[&name, &indices], vec![("axis", Int(1))])
        }
        15 => {
            let pads = case.integers(&[0, 1, 0, 0, 0, 2]);
            (rows, width) = (rows + 1, width + 2);
            case.op("Pad", &[&name, &pads])
        }
        16 => {
            // A convolution along the width, rows as channels.
            let (outputs, kernel) = (case.random.random_range(1..4), case.random.random_range(1..=width.min(3)));
            let weight = case.weight(&[outputs, rows, kernel]);
            (rows, width) = (outputs, width + 1 - kernel);
            case.op("Conv", &[&name, &weight])
        }
        _ => {
            let low = case.dense(&name, width, 2);
            width = 2;
            case.op("Tanh", &[&low])
        }
    };
    // Two values of the record meet where they fit.
    let partners: Vec<&Value> =
        values.iter().filter(|other| (other.rows == rows || other.rows == 1) && other.width == width).collect();
    let made = if !partners.is_empty() && case.random.random_range(0..3) == 0 {
        let partner = partners[case.random.random_range(0..partners.len())].name.clone();
        let op = ["Add", "Mul"][case.random.random_range(0..2)];
        case.op(op, &[&made, &partner])
    } else {
        made
    };
    values.push(Value { name: made, rows, width });
}

#[test]
fn random_graphs() {
    for seed in 0..GRAPHS {
        let mut case = Case::new(1000 + seed);
        let x = case.input("x", &[3, 4]);
        let first = case.dense(&x, 4, 3);
        let mut values = vec![Value { name: x, rows: 3, width: 4 }, Value { name: first, rows: 3, width: 3 }];
        for _ in 0..case.random.random_range(3..12) {
            // What is wide grows no wider.
            values.retain(|value| value.rows * value.width <= 40);
            grow(&mut case, &mut values);
        }
        // Everything takes part in the output.
        let mut parts = Vec::new();
        for value in &values {
            let axes = case.integers(&[1, 2]);
            parts.push(case.with("ReduceMean", &[&value.name, &axes], vec![("keepdims", Int(1))]));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let output = case.with("Concat", &parts, vec![("axis", Int(1))]);
        case.check_reached(&output);
    }
}
