//! Trains each kind of classifier on some of the digits, both ways.

use std::time::Instant;

use eyre::Result;
use ndarray::Array1;
use tributary_attribution::{Records, targets::Target};
use tributary_dataset::{Schema, Split, SplitSizes, read};
use tributary_factory::{
    evaluate,
    model::{Activation, Architecture, Convolutional, MultilayerPerceptron},
    records::{labelled, scaling},
    train::{Convergence, Decay, Descent, Optimiser, Schedule, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::Arguments;

const RECORDS: usize = 600;
/// Passes that are averaged for the time of one.
const PASSES: u32 = 50;

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let schema = Schema::digits();
    let sizes = SplitSizes { training: RECORDS, held_out: 0, test: 400 };
    let split = Split::new(read::all(&arguments.data, &schema)?, sizes, 0)?;
    let records = labelled(&schema, &split.training)?;
    let test = labelled(&schema, &split.test)?;
    let runtime = OnnxRuntime::load(None)?;

    let perceptron = |hidden: &[usize], activation| {
        Architecture::Perceptron(MultilayerPerceptron { hidden: hidden.to_vec(), activation })
    };
    let converged = |tolerance| Convergence { tolerance, ..Convergence::default() };
    let usual = Descent {
        optimiser: Optimiser::Sgd { momentum: 0.9 },
        schedule: Schedule { rate: 0.05, warmup: 0, decay: Decay::Linear },
        weight_decay: 5e-4,
        clip: None,
        ..Descent::default()
    };
    let rows = [
        ("softmax regression", perceptron(&[], Activation::Gelu), converged(1e-6)),
        ("MLP 64-32-10", perceptron(&[32], Activation::Gelu), converged(1e-6)),
        ("MLP 64-32-10", perceptron(&[32], Activation::Gelu), converged(1e-4)),
        ("CNN 8-16", Architecture::Convolutional(Convolutional::default()), converged(1e-4)),
    ];

    println!("{RECORDS} digits, one thread");
    println!(
        "{:<20} {:>9} {:>8} {:>7} {:>9} {:>9} {:>8}",
        "model", "one pass", "to", "steps", "converged", "60 epochs", "accuracy"
    );
    for (name, architecture, recipe) in rows {
        let model = architecture.model(64, 10, scaling(&schema), 1)?;
        let mut trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default())?;
        let start = trainer.start()?;
        trainer.loss_and_gradient(&start, &records)?;
        let began = Instant::now();
        for _ in 0..PASSES {
            trainer.loss_and_gradient(&start, &records)?;
        }
        let pass = began.elapsed() / PASSES;

        let began = Instant::now();
        let minimum = trainer.converge(&records, records.len(), &recipe, &start, |_| ())?;
        let convergence = began.elapsed();
        let began = Instant::now();
        let descended = trainer.descend(&records, &usual, 1, &start, |_| ())?;
        let descent = began.elapsed();
        println!(
            "{name:<20} {:>6.2} ms {:>8.0e} {:>7} {:>7.2} s {:>7.2} s {:>3.3}/{:.3}",
            pass.as_secs_f64() * 1e3,
            recipe.tolerance,
            minimum.iterations,
            convergence.as_secs_f64(),
            descent.as_secs_f64(),
            accuracy(&runtime, &trainer, &minimum.parameters, &test)?,
            accuracy(&runtime, &trainer, &descended.parameters, &test)?,
        );
    }
    Ok(())
}

fn accuracy(runtime: &OnnxRuntime, trainer: &Trainer, parameters: &Array1<f64>, records: &Records) -> Result<f64> {
    Ok(evaluate(runtime, &trainer.graph(parameters)?, records)?.accuracy())
}
