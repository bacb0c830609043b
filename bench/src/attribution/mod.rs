//! Does attribution say what retraining shows?
//!
//! Real records are divided among simulated contributors. A release is trained and attributed on all of them; then models
//! are really retrained on random halves of the records and of the contributors, from several seeded starts. Every method
//! predicts from the one release, for each query, which half gives the higher margin; its score is the rank correlation
//! with what retraining shows.
//!
//! | module | what it holds |
//! |---|---|
//! | [`task`] | the data, its split and its contributors |
//! | [`subject`], [`dense`] | what is measured of a model; dense classifiers, trained to convergence or the usual way |
//! | [`truth`] | random halves, retraining, and the cache of what it showed |
//! | [`evidence`], [`method`], [`distil`] | a release's gradients and curvature, and the ways to score with them |
//! | [`judge`] | the linear datamodeling score and its bootstrap interval |

mod dense;
mod distil;
mod evidence;
mod judge;
mod method;
mod subject;
mod task;
mod truth;

use std::{path::PathBuf, thread, time::Instant};

use eyre::Result;
use tributary_factory::TrainingRecipe;

use self::{
    dense::{Converged, Usual},
    evidence::{Evidence, accuracy, by_owner, served},
    judge::{Figure, agreement},
    method::Scores,
    subject::Subject,
    task::Task,
    truth::{Retraining, Trials, mean, predicted},
};

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    digits: PathBuf,
    /// Where retraining's results are kept.
    #[arg(long, default_value = "target/bench")]
    cache: PathBuf,
    /// Starts that truth is averaged over.
    #[arg(long, default_value_t = 8)]
    seeds: u64,
    /// Queries.
    #[arg(long, default_value_t = 100)]
    queries: usize,
    /// Random halves of each kind.
    #[arg(long, default_value_t = 100)]
    trials: usize,
    /// Half-coalition checkpoints that rows are distilled from.
    #[arg(long, default_value_t = 12)]
    checkpoints: usize,
    /// Retrainings at a time; all cores if not given.
    #[arg(long)]
    threads: Option<usize>,
    #[arg(long, default_value = "ready")]
    subject: String,
    #[arg(long, default_value_t = 3e-3)]
    weight_decay: f64,
    #[arg(long, default_value_t = 1e-5)]
    tolerance: f64,
    #[arg(long, default_value = "2", value_delimiter = ',')]
    damping: Vec<f64>,
    #[arg(long, default_value_t = 1)]
    release_seed: u64,
    #[arg(long, default_value_t = 0.1)]
    rate: f64,
    #[arg(long, default_value_t = 32)]
    batch: usize,
    #[arg(long)]
    train_only: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let threads = arguments.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let task = Task::digits(&arguments.digits, arguments.queries)?;
    let (scaling, classes) = (task.scaling, task.classes);
    let recipe = |hidden: Vec<usize>| TrainingRecipe {
        hidden,
        weight_decay: arguments.weight_decay,
        tolerance: arguments.tolerance,
        ..TrainingRecipe::default()
    };
    let subject: Box<dyn Subject> = match arguments.subject.as_str() {
        "logistic" => Box::new(Converged { scaling, classes, recipe: recipe(vec![]) }),
        "ready" => Box::new(Converged { scaling, classes, recipe: recipe(vec![32]) }),
        _ => Box::new(Usual {
            scaling,
            classes,
            hidden: vec![32],
            weight_decay: 5e-4,
            epochs: 60,
            batch: arguments.batch,
            rate: arguments.rate,
            momentum: 0.9,
        }),
    };
    let began = Instant::now();
    let release = subject.train(&task.training, task.training.len(), arguments.release_seed)?;
    println!(
        "{} {} accuracy {:.4} in {:.2} s",
        task.name,
        subject.recipe(),
        accuracy(release.as_ref(), &task.test)?,
        began.elapsed().as_secs_f64()
    );
    if arguments.train_only {
        return Ok(());
    }
    let classes = served(release.as_ref(), &task.queries)?;
    let retraining = Retraining { task: &task, threads, folder: arguments.cache.clone() };
    let half_subsets = Trials::half_subsets(&task, arguments.trials);
    let half_coalitions = Trials::half_coalitions(&task, arguments.trials);
    let of_records = retraining.margins(subject.as_ref(), &half_subsets, arguments.seeds, &classes)?;
    let of_coalitions = retraining.margins(subject.as_ref(), &half_coalitions, arguments.seeds, &classes)?;
    println!("truth {:.0} s", began.elapsed().as_secs_f64());
    // How far two halves of the starts agree: no method can agree better with either.
    if of_coalitions.len() > 1 {
        for truth in [&of_records, &of_coalitions] {
            let (a, b) = truth.split_at(truth.len() / 2);
            println!("split-half agreement of truth {:.3}", agreement(&mean(a), &mean(b))?.mean);
        }
    }
    let (of_records, of_coalitions) = (mean(&of_records), mean(&of_coalitions));
    let show = |name: &str, scores: &Scores| -> Result<()> {
        let show = |figure: Option<Figure>| {
            figure.map_or("-".to_owned(), |f| format!("{:.3} [{:.3}, {:.3}]", f.mean, f.low, f.high))
        };
        let of_records =
            scores.records.as_ref().map(|scores| agreement(&predicted(&half_subsets, scores), &of_records)).transpose();
        let of_coalitions = agreement(&predicted(&half_coalitions, &scores.contributors), &of_coalitions);
        println!(
            "{name:<30} {:<22} {:<22} {:>6} B  {:.0} s",
            show(of_records.unwrap_or(None)),
            show(of_coalitions.ok()),
            scores.bytes,
            began.elapsed().as_secs_f64()
        );
        Ok(())
    };
    let evidence = Evidence::new(release.as_ref(), &task.training, &task, &classes)?;
    show("record counts", &method::record_counts(&evidence))?;
    show("gradient dot product", &method::gradient_dot_product(&evidence))?;
    for multiple in &arguments.damping {
        let damping = multiple * subject.weight_decay();
        println!("damping {multiple} x weight decay");
        show("exact", &method::exact(&evidence, damping)?)?;
        show("last layer", &method::last_layer(&evidence, damping)?)?;
        show("random projection 512", &method::random_projection(&evidence, damping, 512)?)?;
        show("owner basis", &method::owner_basis(&evidence, damping)?)?;
    }
    let damping = 2.0 * subject.weight_decay();
    let basis = method::eigenbasis(&evidence.curvature, damping, 1024)?;
    for k in [64, 128, 256, 512] {
        let basis = basis.slice_axis(ndarray::Axis(1), ndarray::Slice::from(..k.min(basis.ncols()))).to_owned();
        show(&format!("eigenbasis {k}"), &method::in_basis(&evidence, &basis)?)?;
    }
    let averaged = distil::Averaged::new(
        &task,
        subject.as_ref(),
        release.as_ref(),
        &classes,
        arguments.checkpoints,
        arguments.release_seed,
    )?;
    show("checkpoints averaged", &Scores { records: None, contributors: averaged.at_queries.clone(), bytes: 0 })?;
    let curvature = tributary_attribution::curvature::DampedCurvature::new(&evidence.curvature, damping)?;
    let owner = tributary_attribution::basis::OwnerBasis::new(&evidence.contributors(), &curvature)?.projection;
    let at_records = release.margin_gradients(
        task.training.features().view(),
        &served(release.as_ref(), &task.training)?,
    )?;
    for (name, basis) in [("distilled 256", &basis.slice_axis(ndarray::Axis(1), ndarray::Slice::from(..256)).to_owned()),("distilled 512", &basis.slice_axis(ndarray::Axis(1), ndarray::Slice::from(..512)).to_owned()), ("distilled 1024", &basis), ("distilled, owner basis", &owner)] {
        let first_order = by_owner(&evidence.records.dot(basis), &evidence.owners, evidence.contributors);
        let (rows, ridge) = distil::rows(&at_records.dot(basis), &first_order, &averaged.at_records)?;
        show(&format!("{name} ({ridge})"), &distil::scores(&evidence.queries.dot(basis), &rows)?)?;
    }
    Ok(())
}
