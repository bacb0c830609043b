//! Bases of three kinds, and what is asked of all of them.

mod adapting;
mod freezing;
mod refusals;
mod training;

use std::path::Path;

use ndarray::{Array1, Array2, ArrayD};
use tributary_attribution::{
    Column, Labels, Records,
    compile::Checkpoint,
    features::Reduction,
    graph::{Attribute, Builder, Element, Graph, Shape, Signature},
    onnx,
    targets::Target,
};
use tributary_dataset::{Schema, Split, SplitSizes, read};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};

use super::*;
use crate::{
    model::{Architecture, Convolutional, FEATURES, MultilayerPerceptron, normal},
    records::{labelled, scaling},
    train::Trainer,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Records to train on, more than one pass takes, and others to test with.
fn digits() -> (Records, Records) {
    let schema = Schema::digits();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let sizes = SplitSizes { training: 300, held_out: 100, test: 300 };
    let split = Split::new(read::all(&path, &schema).unwrap(), sizes, 0).unwrap();
    (labelled(&schema, &split.training).unwrap(), labelled(&schema, &split.test).unwrap())
}

fn perceptron() -> Graph {
    let perceptron = MultilayerPerceptron { hidden: vec![24, 16], ..MultilayerPerceptron::default() };
    Architecture::Perceptron(perceptron).model(64, 10, scaling(&Schema::digits()), 5).unwrap().graph
}

fn convolutional() -> Graph {
    let convolutional = Convolutional { channels: [4, 8], ..Convolutional::default() };
    Architecture::Convolutional(convolutional).model(64, 10, scaling(&Schema::digits()), 5).unwrap().graph
}

/// A transformer encoder as exporters write it: `image` `[batch, 1, 8, 8]` in, sixteen tokens of four pixels, products of
/// rank 3, dimensions computed from `Shape`, a mask, a last layer with a transposed weight, `probabilities` out. It
/// stands in a file.
fn encoder() -> Graph {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut builder = Builder::new("encoder");
    let shape = Shape::batched(&[1, 8, 8]);
    let image = builder.input(Signature { name: "image".to_owned(), element: Element::F32, shape }).unwrap();
    let mut weight = |builder: &mut Builder, name: &str, dims: &[usize]| {
        let deviation = (1.0 / dims[0] as f64).sqrt();
        let count = dims.iter().product();
        builder.floats(name, dims, (0..count).map(|_| (deviation * normal(&mut rng)) as f32).collect()).unwrap()
    };
    let op = |builder: &mut Builder, op: &str, inputs: &[&str]| {
        builder.node(op, &op.to_lowercase(), inputs, Vec::new()).unwrap()
    };
    let eighth = builder.scalar(0.125);
    let pixels = op(&mut builder, "Mul", &[&image, &eighth]);
    let dims = builder.integers(&[-1, 16, 4]);
    let ink = op(&mut builder, "Reshape", &[&pixels, &dims]);
    let embed = weight(&mut builder, "embed.weight", &[4, 8]);
    let tokens = op(&mut builder, "MatMul", &[&ink, &embed]);
    let places = weight(&mut builder, "places", &[16, 8]);
    let tokens = op(&mut builder, "Add", &[&tokens, &places]);
    let [query, key, value] = ["query", "key", "value"].map(|name| {
        let matrix = weight(&mut builder, &format!("attention.{name}.weight"), &[8, 8]);
        let bias = weight(&mut builder, &format!("attention.{name}.bias"), &[8]);
        let product = op(&mut builder, "MatMul", &[&tokens, &matrix]);
        op(&mut builder, "Add", &[&product, &bias])
    });
    let turned = vec![("perm", Attribute::Ints(vec![0, 2, 1]))];
    let key = builder.node("Transpose", "turned", &[&key], turned).unwrap();
    let scores = op(&mut builder, "MatMul", &[&query, &key]);
    let shares = builder.node("Softmax", "shares", &[&scores], vec![("axis", Attribute::Int(-1))]).unwrap();
    let mixed = op(&mut builder, "MatMul", &[&shares, &value]);
    let out = weight(&mut builder, "attention.out.weight", &[8, 8]);
    let mixed = op(&mut builder, "MatMul", &[&mixed, &out]);
    // What exporters make of `view(x.shape[0], 16, 8)`, and of leaving out tokens without ink.
    let sizes = op(&mut builder, "Shape", &[&tokens]);
    let (first, rest) = (builder.integers(&[0]), builder.integers(&[16, 8]));
    let batch = op(&mut builder, "Gather", &[&sizes, &first]);
    let dims = builder.node("Concat", "dims", &[&batch, &rest], vec![("axis", Attribute::Int(0))]).unwrap();
    let mixed = op(&mut builder, "Reshape", &[&mixed, &dims]);
    let (zero, last) = (builder.scalar(0.0), builder.integers(&[-1]));
    let seen = op(&mut builder, "ReduceMax", &[&ink, &last]);
    let seen = op(&mut builder, "Greater", &[&seen, &zero]);
    let mixed = op(&mut builder, "Where", &[&seen, &mixed, &zero]);
    let sum = op(&mut builder, "Add", &[&tokens, &mixed]);
    let (scale, shift) = (weight(&mut builder, "norm.weight", &[8]), weight(&mut builder, "norm.bias", &[8]));
    let sum = op(&mut builder, "LayerNormalization", &[&sum, &scale, &shift]);
    let over = builder.integers(&[1]);
    let mean = builder.node("ReduceMean", "mean", &[&sum, &over], vec![("keepdims", Attribute::Int(0))]).unwrap();
    let head = weight(&mut builder, "classifier.weight", &[10, 8]);
    let head = builder.node("Transpose", "turned", &[&head], vec![("perm", Attribute::Ints(vec![1, 0]))]).unwrap();
    let bias = weight(&mut builder, "classifier.bias", &[10]);
    let logits = op(&mut builder, "MatMul", &[&mean, &head]);
    let logits = op(&mut builder, "Add", &[&logits, &bias]);
    let softmax = builder.node("Softmax", "softmax", &[&logits], vec![("axis", Attribute::Int(1))]).unwrap();
    builder.output_as(&softmax, "probabilities").unwrap();
    onnx::decode(&onnx::encode(&builder.finish())).unwrap()
}

/// A base with a sketch, as releases are.
fn released(base: &Graph) -> Graph {
    let parameters = gradient::parameters(base);
    let count = parameters.iter().map(|name| base.constants[name].len()).sum();
    let projection = Array2::from_shape_fn((count, 3), |(i, j)| ((i + j) % 5) as f64 - 2.0);
    let reduction = Reduction::default();
    let checkpoint =
        Checkpoint { model: base, parameters: &parameters, reduction: &reduction, projection: &projection };
    let compiled = tributary_attribution::compile(&[checkpoint], Target::Margin).unwrap();
    onnx::decode(&onnx::encode(&compiled)).unwrap()
}

fn lora(rank: usize, layers: &[&str]) -> Adaptation {
    Adaptation::Lora(Lora { rank, alpha: 3.0, layers: layers.iter().map(|name| (*name).to_owned()).collect() })
}

fn runtime() -> OnnxRuntime {
    OnnxRuntime::load(None).unwrap()
}

fn trainer(model: &Model) -> Trainer {
    Trainer::new(&runtime(), model, Target::Margin, &SessionOptions::default()).unwrap()
}

/// What a graph answers, with digits as its one input.
fn answers(graph: &Graph, records: &Records) -> ArrayD<f32> {
    let mut session = Session::open(&runtime(), &onnx::encode(graph), &SessionOptions::default()).unwrap();
    let input = &graph.inputs[0];
    let Column::F32(column) = &records.inputs()[0].1 else { panic!("pixels") };
    let dims: Vec<usize> = match input.shape.rank() {
        2 => column.shape().to_vec(),
        _ => vec![records.len(), 1, 8, 8],
    };
    let column = column.clone().into_shape_with_order(dims).unwrap();
    session.run(&[(&input.name, column.view().into())], &[&graph.outputs[0].name]).unwrap().remove(0)
}

/// Distance over size.
fn apart(one: &Array1<f64>, other: &Array1<f64>) -> f64 {
    let size = |vector: &Array1<f64>| vector.dot(vector).sqrt();
    size(&(one - other)) / size(one).max(1e-12)
}

/// A point near the start that is no special one.
fn somewhere(start: &Array1<f64>) -> Array1<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    start.mapv(|value| f64::from((value + 0.1 * normal(&mut rng)) as f32))
}
