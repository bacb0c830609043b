//! Training beside PyTorch's: the same models from the same weights on the same batches, one thread each.
//!
//! Every round is a process of its own, ours and PyTorch's in turn, and trains from every seed. What PyTorch needs for the
//! very same training lies in a folder a model: records, initial weights, the order of the records, the recipe, and the
//! gradient of the first batch to compare with. `make torch` installs PyTorch and runs this.

mod export;
mod ours;
mod report;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Result, WrapErr, ensure};
use serde::{Deserialize, Serialize};
use tributary_attribution::Records;
use tributary_dataset::{Schema, Split, SplitSizes, read};
use tributary_factory::{
    model::{Activation, Architecture, Convolutional, Encoder, MultilayerPerceptron},
    records::labelled,
    train::Descent,
};

pub(crate) use ours::run as round;

const SCRIPT: &str = "bench/python/torch_training.py";
const SIZES: SplitSizes = SplitSizes { training: 1_200, held_out: 0, test: 500 };

/// What to train, how often.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A Python that has PyTorch.
    #[arg(long, default_value = "target/tools/python-torch/bin/python")]
    python: PathBuf,
    /// Processes of each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Trainings a process, each from weights of its own.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Passes over the records.
    #[arg(long, default_value_t = 20)]
    epochs: usize,
    /// Only models whose name holds this; nothing is written.
    #[arg(long)]
    only: Option<String>,
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    data: PathBuf,
    /// Where the models' folders go.
    #[arg(long, default_value = "target/training")]
    folder: PathBuf,
    /// Where the figures go.
    #[arg(long, default_value = "bench/results/training.json")]
    output: PathBuf,
}

/// One of our rounds: trains the model of a folder.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Round {
    /// The model's folder.
    folder: PathBuf,
    /// The digits, as CSV.
    #[arg(long)]
    data: PathBuf,
}

/// A model and how it is trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    name: String,
    architecture: Architecture,
    recipe: Descent,
    seeds: u64,
}

/// The trainings of one process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trainings {
    /// What differs where a process trains in several ways.
    how: String,
    steps: usize,
    /// Of the steps alone.
    seconds: f64,
    core_seconds: Option<f64>,
    /// Until the first step can begin, a training.
    opening_seconds: f64,
    /// On the test records, one a seed.
    accuracies: Vec<f64>,
}

/// What one process says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    trainings: Vec<Trainings>,
    /// Held at most before there was anything to train: the libraries.
    loaded_bytes: Option<u64>,
    /// Held at most in the end.
    peak_bytes: Option<u64>,
    /// How far the gradients of the first batches are from ours; the largest over the seeds.
    #[serde(default)]
    gradient: Option<Apart>,
    /// Of PyTorch.
    #[serde(default)]
    version: Option<String>,
}

/// How far two gradients are apart.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Apart {
    /// ‖Δ‖ / ‖g‖.
    length: f64,
    /// max |Δ| / max |g|.
    largest: f64,
}

/// Everything said of one model, round by round.
struct Measured {
    subject: Subject,
    parameters: usize,
    ours: Vec<Said>,
    theirs: Vec<Said>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.seeds > 0, "nothing to measure: give at least one round and one seed");
    let recipe = Descent { clip: None, epochs: arguments.epochs, ..Descent::default() };
    let hidden = vec![128, 64];
    let subjects = [
        (
            "MLP 64-128-64-10",
            Architecture::Perceptron(MultilayerPerceptron { hidden, activation: Activation::default() }),
        ),
        ("CNN 16-32", Architecture::Convolutional(Convolutional { channels: [16, 32], ..Convolutional::default() })),
        ("transformer 2 × 32", Architecture::Encoder(Encoder::default())),
    ];
    let mut measured = Vec::new();
    for (name, architecture) in subjects {
        if arguments.only.as_ref().is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let subject = Subject { name: name.to_owned(), architecture, recipe, seeds: arguments.seeds };
        let folder = arguments.folder.join(name.split(' ').next().unwrap_or(name).to_lowercase());
        let parameters = export::write(&folder, &subject, &arguments.data)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..arguments.rounds {
            let mut round = Command::new(std::env::current_exe()?);
            ours.push(said(round.arg("training-round").arg(&folder).arg("--data").arg(&arguments.data))?);
            theirs.push(said(Command::new(&arguments.python).arg(SCRIPT).arg(&folder))?);
        }
        measured.push(Measured { subject, parameters, ours, theirs });
    }
    let results = report::tell(&measured)?;
    if arguments.only.is_none() {
        fs::write(&arguments.output, serde_json::to_string_pretty(&results)? + "\n")?;
    }
    Ok(())
}

/// What a process prints.
fn said(command: &mut Command) -> Result<Said> {
    let output = command.output().wrap_err_with(|| format!("{command:?}; `make torch` installs PyTorch"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {errors}");
    serde_json::from_slice(&output.stdout).wrap_err_with(|| format!("{command:?} answered something else: {errors}"))
}

/// Training and test records.
fn records(data: &Path) -> Result<(Records, Records)> {
    let schema = Schema::digits();
    let split = Split::new(read::all(data, &schema)?, SIZES, 0)?;
    Ok((labelled(&schema, &split.training)?, labelled(&schema, &split.test)?))
}
