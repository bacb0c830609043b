//! Small models and records.

use ndarray::{Array1, Array2, ArrayD};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    AttributionSettings, Column, CurvatureKind, Directions, Labels, OwnedRecords, Records,
    features::usual_expectation,
    gradient::Layers,
    graph::{Attribute, Builder, Element, Graph, Shape, Signature},
    targets::Target,
};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::Address;

pub(crate) const INPUT: &str = "features";
pub(crate) const DENOMINATOR: usize = 40;
pub(crate) const DAMPING: f64 = 0.05;

pub(crate) fn runtime() -> OnnxRuntime {
    OnnxRuntime::load(None).unwrap()
}

fn numbers(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-0.8..0.8)).collect()
}

/// `width → hidden → outputs` with tanh between.
pub(crate) fn perceptron(width: usize, hidden: usize, outputs: usize) -> Graph {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut builder = Builder::new("perceptron");
    let signature = Signature { name: INPUT.into(), element: Element::F32, shape: Shape::batched(&[width]) };
    let mut value = builder.input(signature).unwrap();
    for (place, (from, to)) in [(width, hidden), (hidden, outputs)].into_iter().enumerate() {
        let weights = builder.floats(&format!("{place}.weight"), &[from, to], numbers(&mut rng, from * to)).unwrap();
        let bias = builder.floats(&format!("{place}.bias"), &[to], numbers(&mut rng, to)).unwrap();
        value = builder.node("Gemm", &format!("{place}.sum"), &[&value, &weights, &bias], vec![]).unwrap();
        if place == 0 {
            value = builder.node("Tanh", "0.activation", &[&value], vec![]).unwrap();
        }
    }
    builder.output(&value).unwrap();
    builder.finish()
}

/// One dense layer of zeros: it favours nobody yet.
pub(crate) fn undecided(width: usize, outputs: usize) -> Graph {
    let mut builder = Builder::new("undecided");
    let signature = Signature { name: INPUT.into(), element: Element::F32, shape: Shape::batched(&[width]) };
    let input = builder.input(signature).unwrap();
    let weights = builder.floats("weight", &[width, outputs], vec![0.0; width * outputs]).unwrap();
    let bias = builder.floats("bias", &[outputs], vec![0.0; outputs]).unwrap();
    let value = builder.node("Gemm", "sum", &[&input, &weights, &bias], vec![]).unwrap();
    builder.output(&value).unwrap();
    builder.finish()
}

/// Tokens `[batch, positions]` → embedding → one dense layer a position, `[batch, positions, tokens]`.
pub(crate) fn language(positions: usize, tokens: usize, width: usize) -> Graph {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut builder = Builder::new("language");
    let signature = Signature { name: INPUT.into(), element: Element::I64, shape: Shape::batched(&[positions]) };
    let input = builder.input(signature).unwrap();
    let table = builder.floats("embedding", &[tokens, width], numbers(&mut rng, tokens * width)).unwrap();
    let weights = builder.floats("head", &[width, tokens], numbers(&mut rng, tokens * width)).unwrap();
    let embedded = builder.node("Gather", "embedded", &[&table, &input], vec![("axis", Attribute::Int(0))]).unwrap();
    let logits = builder.node("MatMul", "logits", &[&embedded, &weights], vec![]).unwrap();
    builder.output(&logits).unwrap();
    builder.finish()
}

/// Records with `f32` features and labels of the target's kind.
pub(crate) fn records(target: Target, count: usize, width: usize, outputs: usize, seed: u64) -> Records {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let column = match target {
        Target::Sequence => {
            let tokens: Vec<i64> = (0..count * width).map(|_| rng.random_range(0..outputs as i64)).collect();
            Column::I64(ArrayD::from_shape_vec(vec![count, width], tokens).unwrap())
        }
        _ => Column::F32(ArrayD::from_shape_vec(vec![count, width], numbers(&mut rng, count * width)).unwrap()),
    };
    let labels = match target {
        Target::Margin => Labels::Classes((0..count).map(|_| rng.random_range(0..outputs)).collect()),
        Target::Regression => Labels::Values(numbers(&mut rng, count)),
        Target::MultiLabel => Labels::Several(Array2::from_shape_simple_fn((count, outputs), || {
            f32::from(u8::from(rng.random::<bool>()))
        })),
        Target::Sequence => Labels::Tokens(Array2::from_shape_fn((count, width), |(_, position)| match position {
            0 => -1,
            _ => rng.random_range(0..outputs as i64),
        })),
    };
    Records::new(vec![(INPUT.into(), column)], labels).unwrap()
}

/// The records among three accounts in turn.
pub(crate) fn owned(records: Records) -> OwnedRecords {
    let owners: Array1<Address> =
        (0..records.len()).map(|place| Address::with_last_byte(place as u8 % 3 + 1)).collect();
    OwnedRecords::new(records, owners.as_slice().unwrap()).unwrap()
}

pub(crate) fn settings(target: Target) -> AttributionSettings {
    AttributionSettings {
        target,
        layers: Layers::All,
        damping: Some(DAMPING),
        denominator: DENOMINATOR,
        expectation: usual_expectation(target, 3, 0),
        curvature: CurvatureKind::BySize,
        directions: Directions::BySize,
        gate_seed: 1,
        threads: 1,
    }
}
