//! Composed models.

use tributary_attribution::graph::Attribute::{Int, Ints, String as Word};

use crate::gradients::{BATCH, Case};

#[test]
fn multilayer_perceptron() {
    let mut case = Case::new(50);
    let x = case.input("x", &[6]);
    let first = case.dense(&x, 6, 8);
    let first = case.with("Gelu", &[&first], vec![("approximate", Word("tanh".to_owned()))]);
    let second = case.dense(&first, 8, 7);
    let second = case.op("Relu", &[&second]);
    let (weight, bias) = (case.weight(&[4, 7]), case.weight(&[4]));
    let logits = case.with("Gemm", &[&second, &weight, &bias], vec![("transB", Int(1))]);
    case.check(&logits);
}

#[test]
fn convolutional_net_with_pooling() {
    let mut case = Case::new(51);
    let x = case.input("x", &[64]);
    let x = case.reshape(&x, &[1, 8, 8]);
    let (weight, bias) = (case.weight(&[4, 1, 3, 3]), case.weight(&[4]));
    let y = case.with("Conv", &[&x, &weight, &bias], vec![("pads", Ints(vec![1; 4]))]);
    let y = case.op("Relu", &[&y]);
    let pool = vec![("kernel_shape", Ints(vec![2, 2])), ("strides", Ints(vec![2, 2]))];
    let y = case.with("MaxPool", &[&y], pool.clone());
    let (weight, bias) = (case.weight(&[6, 4, 3, 3]), case.weight(&[6]));
    let y = case.with("Conv", &[&y, &weight, &bias], vec![("pads", Ints(vec![1; 4]))]);
    let (scale, shift, mean, spread) = (case.weight(&[6]), case.weight(&[6]), case.constant(&[6]), case.constant(&[6]));
    let variance = case.op("Exp", &[&spread]);
    let y = case.op("BatchNormalization", &[&y, &scale, &shift, &mean, &variance]);
    let y = case.op("Relu", &[&y]);
    let y = case.with("AveragePool", &[&y], pool);
    let y = case.with("Flatten", &[&y], vec![("axis", Int(1))]);
    let logits = case.dense(&y, 24, 5);
    case.check(&logits);
}

#[test]
fn residual_net() {
    let mut case = Case::new(52);
    let x = case.input("x", &[3, 6, 6]);
    let mut y = x;
    for stride in [1, 2] {
        let attributes = |stride: i64| vec![("pads", Ints(vec![1; 4])), ("strides", Ints(vec![stride; 2]))];
        let first = case.weight(&[3, 3, 3, 3]);
        let inner = case.with("Conv", &[&y, &first], attributes(stride));
        let inner = case.op("Relu", &[&inner]);
        let second = case.weight(&[3, 3, 3, 3]);
        let inner = case.with("Conv", &[&inner, &second], attributes(1));
        let across = case.weight(&[3, 3, 1, 1]);
        let straight = case.with("Conv", &[&y, &across], vec![("strides", Ints(vec![stride; 2]))]);
        let sum = case.op("Add", &[&inner, &straight]);
        y = case.op("Relu", &[&sum]);
    }
    let y = case.op("GlobalAveragePool", &[&y]);
    let y = case.with("Flatten", &[&y], vec![]);
    let logits = case.dense(&y, 3, 4);
    case.check(&logits);
}

/// Self-attention of `[batch, positions, width]` in heads, after an optional mask.
fn attention(case: &mut Case, x: &str, positions: i64, width: i64, heads: i64, mask: Option<&str>) -> String {
    let size = width as usize;
    // One product for query, key and value, as exporters write it.
    let all = case.dense(x, size, 3 * size);
    let parts = case.integers(&[width, width, width]);
    let parts = case.many("Split", &[&all, &parts], -1, 3);
    let each = width / heads;
    let in_heads: Vec<String> = parts
        .iter()
        .zip([[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]])
        .map(|(part, order)| {
            let part = case.reshape(part, &[positions, heads, each]);
            case.transpose(&part, &order)
        })
        .collect();
    let scores = case.op("MatMul", &[&in_heads[0], &in_heads[1]]);
    let root = case.builder.scalar((each as f32).sqrt());
    let scores = case.op("Div", &[&scores, &root]);
    let scores = match mask {
        Some(mask) => case.op("Add", &[&scores, mask]),
        None => scores,
    };
    let shares = case.with("Softmax", &[&scores], vec![("axis", Int(-1))]);
    let mixed = case.op("MatMul", &[&shares, &in_heads[2]]);
    let mixed = case.transpose(&mixed, &[0, 2, 1, 3]);
    let mixed = case.reshape(&mixed, &[positions, width]);
    case.dense(&mixed, size, size)
}

#[test]
fn transformer_encoder_block() {
    let mut case = Case::new(53);
    let x = case.input("x", &[5, 8]);
    let positions = case.weight(&[5, 8]);
    let x = case.op("Add", &[&x, &positions]);
    let attended = attention(&mut case, &x, 5, 8, 2, None);
    let sum = case.op("Add", &[&x, &attended]);
    let x = case.normal(&sum, 8);
    let wide = case.dense(&x, 8, 12);
    let wide = case.op("Gelu", &[&wide]);
    let narrow = case.dense(&wide, 12, 8);
    let sum = case.op("Add", &[&x, &narrow]);
    let x = case.normal(&sum, 8);
    let first = case.integers(&[0]);
    let first = case.op("Squeeze", &[&first]);
    let token = case.with("Gather", &[&x, &first], vec![("axis", Int(1))]);
    let logits = case.dense(&token, 8, 3);
    case.check(&logits);
}

#[test]
fn causal_decoder_block_with_tied_embedding() {
    let mut case = Case::new(54);
    let ids = case.indices("ids", &[5], 11);
    let (table, places) = (case.weight(&[11, 8]), case.weight(&[6, 8]));
    let tokens = case.op("Gather", &[&table, &ids]);
    let numbers = case.integers(&[0, 1, 2, 3, 4]);
    let places = case.op("Gather", &[&places, &numbers]);
    let x = case.op("Add", &[&tokens, &places]);
    // What a position may look at, as a triangle of numbers.
    let mut triangle = vec![0.0; 25];
    (0..25).filter(|at| at % 5 > at / 5).for_each(|at| triangle[at] = -1e9);
    let mask = case.builder.floats("mask", &[1, 1, 5, 5], triangle).unwrap();
    let normal = case.normal(&x, 8);
    let attended = attention(&mut case, &normal, 5, 8, 2, Some(&mask));
    let x = case.op("Add", &[&x, &attended]);
    let normal = case.normal(&x, 8);
    let wide = case.dense(&normal, 8, 16);
    let wide = case.with("Gelu", &[&wide], vec![("approximate", Word("tanh".to_owned()))]);
    let narrow = case.dense(&wide, 16, 8);
    let x = case.op("Add", &[&x, &narrow]);
    let x = case.normal(&x, 8);
    let turned = case.transpose(&table, &[1, 0]);
    let logits = case.op("MatMul", &[&x, &turned]);
    case.check(&logits);
}

#[test]
fn embedding_and_mean_pool() {
    let mut case = Case::new(55);
    let ids = case.indices("ids", &[7], 9);
    let table = case.weight(&[9, 6]);
    let tokens = case.op("Gather", &[&table, &ids]);
    // Token 0 is padding: it is left out of the mean.
    let zero = case.integers(&[0]);
    let counts = case.op("Greater", &[&ids, &zero]);
    let counts = case.with("Cast", &[&counts], vec![("to", Int(1))]);
    let last = case.integers(&[-1]);
    let counts = case.op("Unsqueeze", &[&counts, &last]);
    let tokens = case.op("Mul", &[&tokens, &counts]);
    let axis = case.integers(&[1]);
    let sum = case.with("ReduceSum", &[&tokens, &axis], vec![("keepdims", Int(0))]);
    let count = case.with("ReduceSum", &[&counts, &axis], vec![("keepdims", Int(0))]);
    let small = case.builder.scalar(1e-6);
    let count = case.op("Max", &[&count, &small]);
    let mean = case.op("Div", &[&sum, &count]);
    let hidden = case.dense(&mean, 6, 5);
    let hidden = case.op("Tanh", &[&hidden]);
    let logits = case.dense(&hidden, 5, 3);
    case.check(&logits);
}

#[test]
fn grouped_and_strided_convolutions() {
    let mut case = Case::new(56);
    let x = case.input("x", &[4, 9, 8]);
    let (weight, bias) = (case.weight(&[8, 2, 3, 3]), case.weight(&[8]));
    let attributes = vec![("group", Int(2)), ("strides", Ints(vec![2, 1])), ("pads", Ints(vec![1, 0, 0, 2]))];
    let y = case.with("Conv", &[&x, &weight, &bias], attributes);
    let y = case.with("LeakyRelu", &[&y], vec![]);
    // Each channel on its own, then all at each place.
    let depth = case.weight(&[8, 1, 2, 2]);
    let y = case.with("Conv", &[&y, &depth], vec![("group", Int(8)), ("dilations", Ints(vec![2, 2]))]);
    let point = case.weight(&[3, 8, 1, 1]);
    let y = case.op("Conv", &[&y, &point]);
    let y = case.op("Sigmoid", &[&y]);
    let up = case.weight(&[3, 2, 2, 2]);
    let y = case.with("ConvTranspose", &[&y, &up], vec![("strides", Ints(vec![2, 2]))]);
    let axes = case.integers(&[2, 3]);
    let y = case.with("ReduceMean", &[&y, &axes], vec![("keepdims", Int(0))]);
    case.check(&y);
}

#[test]
fn low_rank_pair_beside_frozen_weights() {
    let mut case = Case::new(57);
    let x = case.input("x", &[4, 6]);
    let frozen = case.constant(&[6, 5]);
    let whole = case.op("MatMul", &[&x, &frozen]);
    let (down, up) = (case.weight(&[6, 2]), case.weight(&[2, 5]));
    let low = case.op("MatMul", &[&x, &down]);
    let low = case.op("MatMul", &[&low, &up]);
    let scale = case.builder.scalar(0.5);
    let low = case.op("Mul", &[&low, &scale]);
    let y = case.op("Add", &[&whole, &low]);
    let y = case.op("Tanh", &[&y]);
    let frozen = case.constant(&[5, 3]);
    let y = case.op("MatMul", &[&y, &frozen]);
    let checked = case.check(&y);
    // Nothing is computed for what stays frozen.
    assert!(checked.extended.outputs.len() == 1 + 2 * 2 && BATCH > 1);
}

#[test]
fn positions_before_records() {
    // `[positions, batch, width]`, as attention layers of PyTorch run inside.
    let mut case = Case::new(58);
    let x = case.input("x", &[4, 6]);
    let x = case.transpose(&x, &[1, 0, 2]);
    let y = case.dense(&x, 6, 6);
    let (flat, apart) = (case.integers(&[-1, 6]), case.integers(&[4, -1, 6]));
    let merged = case.op("Reshape", &[&y, &flat]);
    let (weight, bias) = (case.weight(&[6, 6]), case.weight(&[6]));
    let merged = case.op("Gemm", &[&merged, &weight, &bias]);
    let y = case.op("Reshape", &[&merged, &apart]);
    // Heads merge with the batch.
    let heads = case.integers(&[4, -1, 3]);
    let q = case.op("Reshape", &[&y, &heads]);
    let scale = case.weight(&[3]);
    let k = case.op("Mul", &[&q, &scale]);
    let (q, k, v) = (case.transpose(&q, &[1, 0, 2]), case.transpose(&k, &[1, 2, 0]), case.transpose(&q, &[1, 0, 2]));
    let scores = case.op("MatMul", &[&q, &k]);
    let shares = case.op("Softmax", &[&scores]);
    let mixed = case.op("MatMul", &[&shares, &v]);
    let mixed = case.transpose(&mixed, &[1, 0, 2]);
    let y = case.op("Reshape", &[&mixed, &apart]);
    let y = case.dense(&y, 6, 2);
    let y = case.transpose(&y, &[1, 0, 2]);
    case.check(&y);
}
