//! Models of every target from their files to an audited release: numbers, several labels, sequences of tokens; and a
//! model whose numbers lie in another file.

use std::{
    fmt::{Display, Write},
    fs,
    num::NonZeroUsize,
    path::Path,
};

use ndarray::Array1;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use tempfile::TempDir;
use tributary_attribution::{
    gradient::Layers,
    graph::{Builder, Data, Element, Shape, Signature, Tensor},
    onnx,
    targets::Target,
};
use tributary_dataset::{Record, Schema, Split, SplitSizes, partition, read};
use tributary_factory::{
    foreign::{self, AuditChoices, Choices, Damping, Explainer, Sources, csv, form::RecordForm},
    model::Model,
    train::{Convergence, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::Address;

const TRAINING: usize = 300;
const CONTRIBUTORS: usize = 8;
const DECAY: f64 = 1e-2;

/// Digits as lines, by what a model is to read and to say.
struct Lines {
    training: String,
    held_out: String,
    owners: String,
    asked: String,
}

fn numbers<T: Display>(numbers: impl IntoIterator<Item = T>) -> String {
    numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

/// An image and what it shows.
struct Digit {
    features: Vec<f64>,
    label: usize,
}

impl Digit {
    fn of(schema: &Schema, record: &Record) -> Self {
        Self { features: schema.numbers(record), label: schema.class(record).unwrap() }
    }
}

fn digits(line: impl Fn(Digit) -> (String, String)) -> Lines {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let (schema, sizes) = (Schema::digits(), SplitSizes { training: TRAINING, held_out: 60, test: 1 });
    let split = Split::new(read::all(&path, &schema).unwrap(), sizes, 0).unwrap();
    let text = |records: &[Record]| {
        records.iter().map(|record| line(Digit::of(&schema, record))).fold(String::new(), |mut text, (input, label)| {
            writeln!(text, "{input},{label}").unwrap();
            text
        })
    };
    let labels: Vec<usize> = split.training.iter().filter_map(|record| schema.class(record)).collect();
    let owners = partition::owners(&labels, CONTRIBUTORS, 0).unwrap();
    let owners = owners.iter().map(|owner| Address::repeat_byte(*owner as u8 + 1).to_string() + "\n").collect();
    let (training, held_out) = (text(&split.training), text(&split.held_out));
    Lines { training, held_out, owners, asked: line(Digit::of(&schema, &split.test[0])).0 }
}

/// A graph under construction with seeded weights.
struct Draft {
    builder: Builder,
    parameters: Vec<String>,
    rng: ChaCha8Rng,
}

impl Draft {
    fn new(input: &str, element: Element, width: usize) -> Self {
        let mut builder = Builder::new("draft");
        builder.input(Signature { name: input.to_owned(), element, shape: Shape::batched(&[width]) }).unwrap();
        Self { builder, parameters: Vec::new(), rng: ChaCha8Rng::seed_from_u64(1) }
    }

    fn weights(&mut self, name: &str, dims: &[usize]) -> String {
        let small = |rng: &mut ChaCha8Rng| (f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5) as f32 / 10.0;
        let values = (0..dims.iter().product()).map(|_| small(&mut self.rng)).collect();
        let name = self.builder.constant(name, Tensor::new(dims.to_vec(), Data::F32(values)).unwrap());
        self.parameters.push(name.clone());
        name
    }

    fn node(&mut self, op: &str, inputs: &[&str]) -> String {
        self.builder.node(op, "value", inputs, Vec::new()).unwrap()
    }

    fn finish(mut self, output: &str) -> Model {
        self.builder.output_as(output, "answer").unwrap();
        Model { graph: self.builder.finish(), parameters: self.parameters }
    }

    /// Pixels from 0 to 16 through one dense layer.
    fn linear(width: usize) -> Model {
        let mut draft = Self::new("pixels", Element::F32, 64);
        let (weights, bias) = (draft.weights("dense.weight", &[64, width]), draft.weights("dense.bias", &[width]));
        let scale = draft.builder.scalar(0.125);
        let scaled = draft.node("Mul", &["pixels", &scale]);
        let output = draft.node("Gemm", &[&scaled, &weights, &bias]);
        draft.finish(&output)
    }
}

/// Trains the model on the lines, writes all files, attributes and audits from those.
fn released(model: &Model, target: Target, lines: &Lines) -> (TempDir, foreign::Attributed) {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), OnnxRuntime::load(None).unwrap());
    let form = RecordForm::labelled(&model.graph, target).unwrap();
    let records = csv::parse("training", &lines.training, &form).unwrap();
    let mut trainer = Trainer::new(&runtime, model, target, &SessionOptions::default()).unwrap();
    let recipe = Convergence { weight_decay: DECAY, tolerance: 1e-4, most_steps: 5_000 };
    let start: Array1<f64> = trainer.start().unwrap();
    let trained = trainer.converge(&records, records.len(), &recipe, &start, |_| ()).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("model.onnx", &onnx::encode(&trainer.graph(&trained.parameters).unwrap()));
    write("records.csv", lines.training.as_bytes());
    write("held.csv", lines.held_out.as_bytes());
    write("owners.csv", lines.owners.as_bytes());
    let attributed = foreign::attribute(&runtime, &sources(folder.path()), &choices(target), |_| ()).unwrap();
    (folder, attributed)
}

fn sources(folder: &Path) -> Sources {
    Sources {
        model: folder.join("model.onnx"),
        checkpoints: Vec::new(),
        records: folder.join("records.csv"),
        owners: folder.join("owners.csv"),
        held_out: folder.join("held.csv"),
        suppliers: None,
    }
}

fn choices(target: Target) -> Choices {
    let audit =
        AuditChoices { coalitions: 16, weight_decay: DECAY, trained: Layers::All, frontier: Vec::new(), threads: 2 };
    Choices {
        target,
        layers: Layers::All,
        rank: None,
        damping: Damping::WeightDecay(DECAY),
        denominator: None,
        seed: 1,
        threads: 1,
        checked: 3,
        audit: Some(audit),
    }
}

/// That gradients are right, retraining agrees, and an answer is explained.
fn holds(model: &Model, target: Target, lines: &Lines, least: f64) {
    let (folder, attributed) = released(model, target, lines);
    let result = &attributed.files.manifest.result;
    let check = result.check.as_ref().unwrap();
    assert!(check.gradient.parse::<f64>().unwrap() < 1e-4, "{check:?}");
    assert!(check.output.parse::<f64>().unwrap() <= 1e-6, "{check:?}");
    let audit = result.audit.as_ref().unwrap();
    assert!(audit.contributor_lds.parse::<f64>().unwrap() > least, "{audit:?}");
    assert!(audit.gradient_norm.parse::<f64>().unwrap() < 1e-3, "{audit:?}");
    let out = folder.path().join("release");
    foreign::folder::write(&out, &attributed).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    let mut explainer = Explainer::open(&runtime, &out, &SessionOptions::default()).unwrap();
    let answer = explainer.explain(&lines.asked, 5, NonZeroUsize::MIN).unwrap();
    assert!(answer.helpful.iter().all(|owed| owed.influence > 0.0) && !answer.helpful.is_empty(), "{answer:?}");
}

#[test]
fn numbers_are_attributed() {
    // The digit as a number: a poor way to read it, and a true least-squares problem.
    let lines = digits(|record| (numbers(&record.features), record.label.to_string()));
    holds(&Draft::linear(1), Target::Regression, &lines, 0.8);
}

#[test]
fn several_labels_are_attributed() {
    let lines = digits(|record| {
        let is = |holds: bool| u8::from(holds);
        let labels = [is(record.label % 2 == 0), is(record.label >= 5), is([2, 3, 5, 7].contains(&record.label))];
        (numbers(&record.features), numbers(labels))
    });
    holds(&Draft::linear(3), Target::MultiLabel, &lines, 0.8);
}

#[test]
fn sequences_of_tokens_are_attributed() {
    // The middle row as tokens: each pixel from the one before it.
    let lines = digits(|record| {
        let row = &record.features[24..32];
        (numbers(&row[..7]), numbers(&row[1..]))
    });
    let mut draft = Draft::new("tokens", Element::I64, 7);
    let (embedding, head) = (draft.weights("embedding", &[17, 4]), draft.weights("head", &[4, 17]));
    let embedded = draft.node("Gather", &[&embedding, "tokens"]);
    let active = draft.node("Tanh", &[&embedded]);
    let logits = draft.node("MatMul", &[&active, &head]);
    let model = draft.finish(&logits);
    let refused = csv::parse("tokens", "1.5,0,0,0,0,0,0,0,0,0,0,0,0,0\n", &form(&model)).unwrap_err();
    assert!(refused.to_string().contains("field 1"), "{refused}");
    holds(&model, Target::Sequence, &lines, 0.4);
}

fn form(model: &Model) -> RecordForm {
    RecordForm::labelled(&model.graph, Target::Sequence).unwrap()
}

#[test]
fn numbers_in_another_file_are_read_and_hashed() {
    let lines = digits(|record| (numbers(&record.features), record.label.to_string()));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let weights: Vec<u8> = (0..640u16).flat_map(|place| ((f32::from(place % 7) - 3.0) / 50.0).to_le_bytes()).collect();
    write("model.onnx", &outside(&["64", "10"], weights.len()));
    write("records.csv", lines.training.as_bytes());
    write("held.csv", lines.held_out.as_bytes());
    write("owners.csv", lines.owners.as_bytes());
    let runtime = OnnxRuntime::load(None).unwrap();
    let choices = Choices { audit: None, ..choices(Target::Margin) };
    let run = || foreign::attribute(&runtime, &sources(folder.path()), &choices, |_| ());
    let missing = run().unwrap_err();
    assert!(missing.to_string().contains("weights.bin"), "{missing}");
    write("weights.bin", &weights);
    let manifest = run().unwrap().files.manifest;
    assert_eq!(manifest.sources.external["weights.bin"], tributary_sdk::keccak256(&weights));
    assert_eq!(manifest.result.features, 640);
    write("weights.bin", &weights[..100]);
    assert!(run().is_err());
}

/// An ONNX file, `logits = features · W`, whose W lies in `weights.bin`.
fn outside(dims: &[&str; 2], length: usize) -> Vec<u8> {
    let text = |tag, text: &str| delimited(tag, text.as_bytes());
    let value = |name: &str, width: &str| {
        let fixed = delimited(1, &number(1, width.parse().unwrap()));
        let shape = [delimited(1, &text(2, "batch")), fixed].concat();
        let tensor = [number(1, 1), delimited(2, &shape)].concat();
        [text(1, name), delimited(2, &delimited(1, &tensor))].concat()
    };
    let entry = |key: &str, value: &str| delimited(13, &[text(1, key), text(2, value)].concat());
    let weights = [
        dims.iter().flat_map(|dim| number(1, dim.parse().unwrap())).collect(),
        number(2, 1),
        text(8, "W"),
        entry("location", "weights.bin"),
        entry("length", &length.to_string()),
        number(14, 1),
    ];
    let node = [text(1, "features"), text(1, "W"), text(2, "logits"), text(4, "MatMul")];
    let graph = [
        delimited(1, &node.concat()),
        text(2, "outside"),
        delimited(5, &weights.concat()),
        delimited(11, &value("features", dims[0])),
        delimited(12, &value("logits", dims[1])),
    ];
    [number(1, 9), delimited(7, &graph.concat()), delimited(8, &number(2, 20))].concat()
}

/// A protobuf field of bytes.
fn delimited(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [varint(u64::from(tag) << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A protobuf field of a number.
fn number(tag: u8, value: u64) -> Vec<u8> {
    [varint(u64::from(tag) << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
