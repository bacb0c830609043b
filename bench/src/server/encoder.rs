//! The larger model: a transformer encoder that reads digits four pixels a token. Its weights are random, for what a
//! pass costs does not depend on them; its sketches are real ones, of its last layer.

use std::{fs, path::Path};

use eyre::{ContextCompat, Result};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    AttributionSettings, CurvatureKind, Directions, HeldOut, OwnedRecords, attribute,
    curvature::classes::Expectation,
    gradient::Layers,
    graph::{Attribute, Builder, Element, Graph, Shape, Signature},
    targets::Target,
};
use tributary_dataset::{Record, Schema, Split, access::Purposes};
use tributary_factory::{
    ModelCard,
    card::{CARD_FILE, Data, Findings, Subject, Use},
    evaluate,
    model::{FEATURES, LOGITS},
    records::{labelled, scaling},
    release::{MANIFEST_FILE, MODEL_FILE, TABLE_FILE},
    train::RECIPE_FILE,
};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{
    Address, keccak256,
    release::{self, Manifest, Recipe, ReleaseManifest},
};

const TOKENS: usize = 16;
const PIXELS: usize = 4;
const WIDTH: usize = 512;
const HEADS: usize = 8;
const BLOCKS: usize = 6;
const CLASSES: usize = 10;
const DAMPING: f64 = 0.01;

/// Attributes the encoder on the records that the community gave, and writes it as a release of the snapshot that the
/// digits' release in `like` names.
pub(super) fn release(
    split: &Split,
    parts: &[Vec<Record>],
    accounts: &[Address],
    like: &Path,
    folder: &Path,
) -> Result<()> {
    let schema = Schema::digits();
    let given =
        parts.iter().zip(accounts).flat_map(|(records, account)| records.iter().map(move |record| (record, *account)));
    let (records, owners): (Vec<&Record>, Vec<Address>) = given.unzip();
    let training = OwnedRecords::new(labelled(&schema, records)?, &owners)?;
    let held_out = HeldOut::apart(labelled(&schema, &split.held_out)?);
    let settings = AttributionSettings {
        target: Target::Margin,
        layers: Layers::Last,
        damping: Some(DAMPING),
        denominator: training.records().len(),
        expectation: Expectation::Exact,
        curvature: CurvatureKind::BySize,
        directions: Directions::Owner,
        gate_seed: 1,
        threads: 2,
    };
    let (runtime, plain) = (OnnxRuntime::load(None)?, Encoder::new()?.graph()?);
    let attribution = attribute(&runtime, &plain, &training, &held_out, &settings, |_| ())?;
    let evaluation = evaluate(&runtime, &plain, &labelled(&schema, &split.test)?)?;
    let (onnx, table) = (attribution.onnx(), attribution.table());
    let trained = ReleaseManifest::from_bytes(&fs::read(like.join(MANIFEST_FILE))?)?;
    let recipe = "# The weights are drawn, not trained.\n";
    let subject = Subject {
        name: "encoder".into(),
        intended_use: Use {
            purpose: "Measuring what serving costs.".into(),
            terms: String::new(),
            purposes: Purposes::TRAIN,
        },
        data: Data {
            snapshot: trained.snapshot,
            snapshot_root: trained.snapshot_root,
            records: training.records().len() as u32,
            contributors: accounts.len() as u32,
        },
        classes: Vec::new(),
        training: Vec::new(),
    };
    let (accuracy, tested) = (evaluation.accuracy(), evaluation.records());
    let card = ModelCard::new(subject, Findings::of(evaluation), Vec::new()).json()?;
    let manifest = ReleaseManifest {
        weights_hash: keccak256(&onnx),
        table_hash: table.hash(),
        sketch_width: table.k() as u32,
        records: training.records().len() as u32,
        recipe: Recipe {
            hash: keccak256(recipe),
            start: format!("encoder of {BLOCKS} blocks of width {WIDTH}"),
            base: None,
            adaptation: None,
            method: "none".into(),
            damping: Some(DAMPING.to_string()),
            seed: 1,
            iterations: 0,
        },
        evaluation: release::Evaluation { accuracy: format!("{accuracy:.4}"), records: tested },
        card_hash: keccak256(&card),
        ..trained
    };
    fs::create_dir_all(folder)?;
    fs::write(folder.join(RECIPE_FILE), recipe)?;
    fs::write(folder.join(CARD_FILE), card)?;
    fs::write(folder.join(MODEL_FILE), &onnx)?;
    fs::write(folder.join(TABLE_FILE), table.encode())?;
    Ok(fs::write(folder.join(MANIFEST_FILE), manifest.to_bytes()?)?)
}

/// Appends layers and draws their weights.
struct Encoder {
    builder: Builder,
    rng: ChaCha8Rng,
    /// The value so far.
    at: String,
}

impl Encoder {
    /// Begins with pixels as tokens, each at its place.
    fn new() -> Result<Self> {
        let mut builder = Builder::new("encoder");
        let shape = Shape::batched(&[TOKENS * PIXELS]);
        let at = builder.input(Signature { name: FEATURES.to_owned(), element: Element::F32, shape })?;
        let mut encoder = Self { builder, rng: ChaCha8Rng::seed_from_u64(1), at };
        let scaling = scaling(&Schema::digits());
        let (shift, scale) =
            (encoder.builder.scalar(scaling.shift as f32), encoder.builder.scalar(scaling.scale as f32));
        encoder.then("Sub", &[&shift])?;
        encoder.then("Mul", &[&scale])?;
        encoder.reshape(&[TOKENS, PIXELS])?;
        encoder.dense(PIXELS, WIDTH)?;
        let places = encoder.weight(&[TOKENS, WIDTH], 1.0)?;
        encoder.then("Add", &[&places])?;
        Ok(encoder)
    }

    /// The whole of it: blocks, the mean over tokens, a class.
    fn graph(mut self) -> Result<Graph> {
        for _ in 0..BLOCKS {
            let before = self.at.clone();
            self.normal()?;
            self.attention()?;
            self.then("Add", &[&before])?;
            let before = self.at.clone();
            self.normal()?;
            self.dense(WIDTH, 4 * WIDTH)?;
            self.then("Gelu", &[])?;
            self.dense(4 * WIDTH, WIDTH)?;
            self.then("Add", &[&before])?;
        }
        self.normal()?;
        let tokens = self.builder.integers(&[1]);
        let kept = vec![("keepdims", Attribute::Int(0))];
        self.at = self.builder.node("ReduceMean", "mean", &[&self.at, &tokens], kept)?;
        self.dense(WIDTH, CLASSES)?;
        self.builder.output_as(&self.at, LOGITS)?;
        Ok(self.builder.finish())
    }

    fn attention(&mut self) -> Result<()> {
        let from = self.at.clone();
        let mut parts = Vec::new();
        for order in [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]] {
            self.at.clone_from(&from);
            self.dense(WIDTH, WIDTH)?;
            self.reshape(&[TOKENS, HEADS, WIDTH / HEADS])?;
            self.transpose(&order)?;
            parts.push(self.at.clone());
        }
        let [query, key, value] = parts.as_slice() else { return Ok(()) };
        self.at = self.builder.node("MatMul", "scores", &[query, key], Vec::new())?;
        let root = self.builder.scalar(((WIDTH / HEADS) as f32).sqrt());
        self.then("Div", &[&root])?;
        self.at = self.builder.node("Softmax", "shares", &[&self.at], vec![("axis", Attribute::Int(-1))])?;
        self.then("MatMul", &[value])?;
        self.transpose(&[0, 2, 1, 3])?;
        self.reshape(&[TOKENS, WIDTH])?;
        self.dense(WIDTH, WIDTH)
    }

    fn dense(&mut self, inputs: usize, outputs: usize) -> Result<()> {
        let weights = self.weight(&[inputs, outputs], (3.0 / inputs as f32).sqrt())?;
        let bias = self.weight(&[outputs], 0.01)?;
        self.then("MatMul", &[&weights])?;
        self.then("Add", &[&bias])
    }

    fn normal(&mut self) -> Result<()> {
        let scale = self.builder.floats("scale", &[WIDTH], vec![1.0; WIDTH]).wrap_err("a layer's scale")?;
        let bias = self.builder.floats("bias", &[WIDTH], vec![0.0; WIDTH]).wrap_err("a layer's bias")?;
        self.then("LayerNormalization", &[&scale, &bias])
    }

    /// Evenly between minus and plus `most`.
    fn weight(&mut self, dims: &[usize], most: f32) -> Result<String> {
        let numbers = (0..dims.iter().product()).map(|_| self.rng.random_range(-most..most)).collect();
        self.builder.floats("weight", dims, numbers).wrap_err("a layer's weights")
    }

    fn reshape(&mut self, dims: &[usize]) -> Result<()> {
        let dims = self.builder.integers(&Shape::batched(dims).to_reshape());
        self.then("Reshape", &[&dims])
    }

    fn transpose(&mut self, order: &[i64]) -> Result<()> {
        let order = vec![("perm", Attribute::Ints(order.to_vec()))];
        self.at = self.builder.node("Transpose", "transposed", &[&self.at], order)?;
        Ok(())
    }

    /// An operator of the value so far and others.
    fn then(&mut self, op: &str, others: &[&str]) -> Result<()> {
        let inputs = [&[self.at.as_str()], others].concat();
        self.at = self.builder.node(op, &op.to_lowercase(), &inputs, Vec::new())?;
        Ok(())
    }
}
