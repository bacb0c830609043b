//! Does attribution say what retraining shows?
//!
//! Real records are divided among simulated contributors. A release is trained and attributed on all of them; then models
//! are really retrained on random halves of the records and of the contributors, from several seeded starts. Every method
//! predicts from the one release, for each query, which half gives the higher margin; its score is the rank correlation
//! with what retraining shows, the linear datamodelling score.
//!
//! | module | what it holds |
//! |---|---|
//! | [`task`] | the data, its split and its contributors |
//! | [`subject`], [`graphs`] | what is measured of a model; models as graphs, by the engine that makes releases |
//! | [`truth`] | random halves, retraining, and the cache of what it showed |
//! | [`evidence`], [`method`], [`ek_fac`], [`checkpoints`] | a release's gradients and curvature, and the ways to score with them |
//! | [`measure`], [`bars`], [`report`] | all methods on one subject, what they have to reach, tables and JSON |
//! | [`export`] | the same data, model and truth as plain arrays, for methods of other software |
//! | [`attacks`] | what cheating pays |

pub(crate) mod attacks;
mod bars;
mod checkpoints;
mod ek_fac;
mod evidence;
mod export;
mod graphs;
mod labelled;
mod logits;
mod measure;
mod method;
mod normal;
mod quantise;
mod release;
mod report;
mod subject;
mod task;
mod truth;

use std::{path::PathBuf, thread, time::Instant};

use eyre::{Result, ensure};
use tributary_factory::{
    model::{Activation, Architecture, Convolutional, MultilayerPerceptron},
    train::{Convergence, Decay, Descent, Optimiser, Schedule},
};
use tributary_runtime::OnnxRuntime;

use self::{
    bars::{CONVOLUTIONAL, LOGISTIC, READY, USUAL},
    graphs::{Graphs, Training},
    measure::{Extent, measure},
    task::Task,
    truth::Retraining,
};

/// Largest gradient entry at which retraining ends.
const TOLERANCE: f64 = 1e-4;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    digits: PathBuf,
    /// The Wisconsin breast cancer data, as CSV.
    #[arg(long, default_value = "bench/data/breast_cancer.csv")]
    breast_cancer: PathBuf,
    /// Where retraining's results are kept.
    #[arg(long, default_value = "target/bench")]
    cache: PathBuf,
    /// Where the figures are written; those of subjects that are not measured this time stay.
    #[arg(long, default_value = "bench/results/attribution.json")]
    results: PathBuf,
    /// Folder to write data, releases and truth to as plain arrays: what other software's methods are judged on.
    #[arg(long)]
    export: Option<PathBuf>,
    /// Only subjects whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
    /// Starts that truth is averaged over.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Random halves of each kind.
    #[arg(long, default_value_t = 100)]
    trials: usize,
    /// Half-coalition checkpoints that rows are distilled from.
    #[arg(long, default_value_t = 12)]
    checkpoints: usize,
    /// Retrainings at a time; all cores if not given.
    #[arg(long)]
    threads: Option<usize>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let threads = arguments.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let (digits, cancer) = (Task::digits(&arguments.digits)?, Task::breast_cancer(&arguments.breast_cancer)?);
    let mut measurements = Vec::new();
    for Case { task, name, subject, seeds, checkpoints } in cases(&digits, &cancer, arguments)? {
        if !format!("{} {name}", task.name).contains(&arguments.only) {
            continue;
        }
        let retraining = Retraining { task, threads, folder: arguments.cache.clone() };
        let extent = Extent { trials: arguments.trials, seeds, checkpoints };
        let measurement = measure(name, &subject, &retraining, extent, arguments.export.as_deref())?;
        measurement.print();
        println!("{:.0} s", began.elapsed().as_secs_f64());
        measurements.push(measurement);
    }
    ensure!(!measurements.is_empty(), "no subject's name holds {:?}", arguments.only);
    report::renew(&arguments.results, "cargo xtask bench attribution", &measurements)?;
    bars::check(&measurements)
}

/// One subject on one task.
struct Case<'t> {
    task: &'t Task,
    name: &'static str,
    subject: Graphs,
    /// Starts that truth is averaged over.
    seeds: u64,
    /// Half-coalition checkpoints behind distilled rows.
    checkpoints: usize,
}

fn cases<'t>(digits: &'t Task, cancer: &'t Task, arguments: &Arguments) -> Result<Vec<Case<'t>>> {
    let runtime = OnnxRuntime::load(None)?;
    let case = |task: &'t Task, name, architecture, training| {
        let subject = Graphs::new(runtime.clone(), architecture, training, task.records())?;
        // Softmax regression has one minimum and one start.
        // Descent that stops is noisier: it takes more starts to see what is no chance.
        let (seeds, checkpoints) = match training {
            _ if name == LOGISTIC => (1, arguments.checkpoints),
            Training::Ready(_) => (arguments.seeds, arguments.checkpoints),
            Training::Usual(_) => (arguments.seeds * 5 / 2, 0),
        };
        Ok(Case { task, name, subject, seeds, checkpoints })
    };
    let small = Architecture::Convolutional(Convolutional::default());
    let relu = MultilayerPerceptron { hidden: vec![32], activation: Activation::Relu };
    [
        case(digits, LOGISTIC, perceptron(&[]), ready(5e-3)),
        case(digits, USUAL, perceptron(&[32]), USUALLY),
        case(digits, "ReLU MLP 64-32-10, usual training", Architecture::Perceptron(relu), USUALLY),
        case(digits, READY, perceptron(&[32]), ready(3e-3)),
        case(digits, CONVOLUTIONAL, small, ready(3e-3)),
        case(cancer, LOGISTIC, perceptron(&[]), ready(5e-3)),
        case(cancer, "MLP 30-16-2, attribution-ready", perceptron(&[16]), ready(3e-3)),
    ]
    .into_iter()
    .collect()
}

/// Dense layers with GELU; softmax regression without hidden ones.
fn perceptron(hidden: &[usize]) -> Architecture {
    Architecture::Perceptron(MultilayerPerceptron { hidden: hidden.to_vec(), activation: Activation::Gelu })
}

fn ready(weight_decay: f64) -> Training {
    Training::Ready(Convergence { weight_decay, tolerance: TOLERANCE, most_steps: 20_000 })
}

const USUALLY: Training = Training::Usual(Descent {
    optimiser: Optimiser::Sgd { momentum: 0.9 },
    schedule: Schedule { rate: 0.02, warmup: 0, decay: Decay::Linear },
    weight_decay: 5e-4,
    clip: None,
    epochs: 60,
    batch: 16,
    patience: None,
    checkpoints: 0,
});
