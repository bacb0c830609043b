//! Graphs that no exporter would write: an error, never a panic.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    gradient::{parameters, per_record, reverse, summed},
    graph::{
        Attribute::{self, Int, Ints, String as Word},
        Builder, Graph, Tensor,
    },
};

use crate::gradients::Case;

/// Graphs that are tried.
const GRAPHS: u64 = 3000;
const ODD: [i64; 12] = [0, 1, 2, 3, -1, -2, 5, 100, 1 << 31, 1 << 40, i64::MAX, i64::MIN];

/// One of each operator whose settings are numbers.
fn whole() -> Graph {
    let mut case = Case::new(90);
    let x = case.input("x", &[2, 6, 6]);
    let weight = case.weight(&[4, 1, 3, 3]);
    let conv = vec![("group", Int(2)), ("pads", Ints(vec![1; 4])), ("strides", Ints(vec![1, 1]))];
    let y = case.with("Conv", &[&x, &weight], conv);
    let pool = vec![("kernel_shape", Ints(vec![2, 2])), ("strides", Ints(vec![2, 2])), ("pads", Ints(vec![0; 4]))];
    let y = case.with("MaxPool", &[&y], pool.clone());
    let weight = case.weight(&[4, 2, 2, 2]);
    let y = case.with("ConvTranspose", &[&y, &weight], vec![("strides", Ints(vec![2, 2])), ("group", Int(1))]);
    let y = case.with("AveragePool", &[&y], pool);
    let y = case.with("Flatten", &[&y], vec![("axis", Int(2))]);
    let y = case.reshape(&y, &[2, 9]);
    let weight = case.weight(&[9, 4]);
    let y = case.with("Einsum", &[&y, &weight], vec![("equation", Word("bij,jk->bik".to_owned()))]);
    let pads = case.integers(&[0, 1, 0, 0, 0, 2]);
    let y = case.op("Pad", &[&y, &pads]);
    let repeats = case.integers(&[1, 1, 2]);
    let y = case.op("Tile", &[&y, &repeats]);
    let y = case.with("Trilu", &[&y], vec![("upper", Int(0))]);
    let lists: Vec<String> = [&[1][..], &[11], &[2], &[2]].map(|list| case.integers(list)).into();
    let y = case.op("Slice", &[&y, &lists[0], &lists[1], &lists[2], &lists[3]]);
    let sizes = case.integers(&[2, 3]);
    let parts = case.many("Split", &[&y, &sizes], 2, 2);
    let y = case.with("Concat", &[&parts[1], &parts[0]], vec![("axis", Int(2))]);
    let indices = case.integers(&[4, 0, 4]);
    let y = case.with("Gather", &[&y, &indices], vec![("axis", Int(2))]);
    let scale = case.weight(&[3]);
    let y = case.with("LayerNormalization", &[&y, &scale], vec![("axis", Int(-1))]);
    let dims = case.integers(&[1, 3, 1]);
    let y = case.op("Expand", &[&y, &dims]);
    let y = case.with("Softmax", &[&y], vec![("axis", Int(1))]);
    let y = case.with("Transpose", &[&y], vec![("perm", Ints(vec![0, 2, 1]))]);
    let axes = case.integers(&[1]);
    let y = case.with("ReduceMean", &[&y, &axes], vec![("keepdims", Int(0))]);
    let (weight, bias) = (case.weight(&[2, 3]), case.weight(&[2]));
    let y = case.with("Gemm", &[&y, &weight, &bias], vec![("transB", Int(1)), ("transA", Int(0))]);
    case.builder.output(&y).unwrap();
    case.builder.finish()
}

/// Changes one number of a list, or its length.
fn bend(random: &mut ChaCha8Rng, list: &mut Vec<i64>) {
    let odd = ODD[random.random_range(0..ODD.len())];
    match random.random_range(0..8) {
        0 => list.push(odd),
        1 => drop(list.pop()),
        _ if list.is_empty() => {}
        _ => {
            let place = random.random_range(0..list.len());
            list[place] = odd;
        }
    }
}

/// Changes one setting or one list of integers.
fn mutate(random: &mut ChaCha8Rng, graph: &mut Graph) {
    if random.random() {
        let node = random.random_range(0..graph.nodes.len());
        let attributes = &mut graph.nodes[node].attributes;
        if !attributes.is_empty() {
            let place = random.random_range(0..attributes.len());
            match attributes.values_mut().nth(place) {
                Some(Attribute::Int(value)) => *value = ODD[random.random_range(0..ODD.len())],
                Some(Attribute::Ints(values)) => bend(random, values),
                Some(Attribute::String(word)) => {
                    let words =
                        ["bij,jk->bk", "bii,jk->bik", "bij,jk->ik", "bij,jk->bbk", "bij->b", "", "...j,jk->...k"];
                    *word = words[random.random_range(0..words.len())].to_owned();
                }
                _ => {}
            }
        }
        return;
    }
    let lists = graph.constants.values_mut().filter_map(|tensor| Some((tensor.to_integers()?, tensor)));
    let mut lists: Vec<_> = lists.collect();
    let place = random.random_range(0..lists.len());
    let (values, tensor) = &mut lists[place];
    bend(random, values);
    **tensor = Tensor::integers(values);
}

#[test]
fn odd_settings_are_refused_or_differentiated() {
    let whole = whole();
    let (mut differentiated, mut refused) = (0, 0);
    for seed in 0..GRAPHS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut graph = whole.clone();
        for _ in 0..random.random_range(1..3) {
            mutate(&mut random, &mut graph);
        }
        let output = graph.outputs[0].name.clone();
        let weights = parameters(&graph);
        let Ok(mut builder) = Builder::extend(graph) else { continue };
        match reverse(&mut builder, &[(&output, &output)], &weights) {
            Ok(gradients) => {
                for gradient in &gradients {
                    per_record(&mut builder, gradient).unwrap();
                    summed(&mut builder, gradient).unwrap();
                }
                differentiated += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(differentiated > 100 && refused > 10, "{differentiated} differentiated, {refused} refused");
}
