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
//! | [`subject`], [`dense`] | what is measured of a model; dense classifiers, trained to convergence or the usual way |
//! | [`truth`] | random halves, retraining, and the cache of what it showed |
//! | [`evidence`], [`method`], [`checkpoints`] | a release's gradients and curvature, and the ways to score with them |
//! | [`measure`], [`bars`], [`report`] | all methods on one subject, what they have to reach, tables and JSON |
//! | [`attacks`] | what cheating pays |

pub(crate) mod attacks;
mod bars;
mod checkpoints;
mod dense;
mod evidence;
mod measure;
mod method;
mod report;
mod subject;
mod task;
mod truth;

use std::{path::PathBuf, thread, time::Instant};

use eyre::{Result, ensure};
use serde::Serialize;
use tributary_factory::TrainingRecipe;

use self::{
    bars::{LOGISTIC, READY, USUAL},
    dense::{Converged, Usual},
    measure::{Extent, Measurement, measure},
    subject::Subject,
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
    /// Where the figures are written.
    #[arg(long, default_value = "bench/results/attribution.json")]
    results: PathBuf,
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

/// What is written.
#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    measurements: Vec<Measurement>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let threads = arguments.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let (digits, cancer) = (Task::digits(&arguments.digits)?, Task::breast_cancer(&arguments.breast_cancer)?);
    let mut measurements = Vec::new();
    for (task, name, subject, checkpoints) in cases(&digits, &cancer, arguments.checkpoints) {
        if !format!("{} {name}", task.name).contains(&arguments.only) {
            continue;
        }
        let retraining = Retraining { task, threads, folder: arguments.cache.clone() };
        let extent = Extent { trials: arguments.trials, seeds: arguments.seeds, checkpoints };
        let measurement = measure(name, subject.as_ref(), &retraining, extent)?;
        measurement.print();
        println!("{:.0} s", began.elapsed().as_secs_f64());
        measurements.push(measurement);
    }
    ensure!(!measurements.is_empty(), "no subject's name holds {:?}", arguments.only);
    let results = Results { command: "cargo xtask bench attribution", measurements };
    if arguments.only.is_empty() {
        report::write(&arguments.results, &results)?;
    }
    bars::check(&results.measurements)
}

/// What is measured: task, name, subject, checkpoints.
fn cases<'t>(
    digits: &'t Task,
    cancer: &'t Task,
    checkpoints: usize,
) -> Vec<(&'t Task, &'static str, Box<dyn Subject>, usize)> {
    vec![
        (digits, LOGISTIC, Box::new(converged(digits, &[], 5e-3)), checkpoints),
        (digits, USUAL, Box::new(usual(digits)), 0),
        (digits, READY, Box::new(converged(digits, &[32], 3e-3)), checkpoints),
        (cancer, LOGISTIC, Box::new(converged(cancer, &[], 5e-3)), checkpoints),
        (cancer, "MLP 30-16-2, attribution-ready", Box::new(converged(cancer, &[16], 3e-3)), checkpoints),
    ]
}

/// Attribution-ready training of a dense classifier.
fn converged(task: &Task, hidden: &[usize], weight_decay: f64) -> Converged {
    let recipe = TrainingRecipe { hidden: hidden.to_vec(), weight_decay, tolerance: TOLERANCE, ..Default::default() };
    Converged { scaling: task.scaling, classes: task.classes, recipe }
}

fn usual(task: &Task) -> Usual {
    Usual {
        scaling: task.scaling,
        classes: task.classes,
        hidden: vec![32],
        weight_decay: 5e-4,
        epochs: 60,
        batch: 32,
        rate: 0.1,
        momentum: 0.9,
    }
}
