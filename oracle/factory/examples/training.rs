//! Trains each kind of classifier on some of the demo's digits, both ways, and says how long it took:
//! `cargo run --release -p tributary-factory --example training`.

use std::{error::Error, path::Path, time::Instant};

use ndarray::{Array1, Ix2};
use tributary_attribution::{LabelledRecords, targets::Target};
use tributary_factory::{
    Dataset, Evaluation, Schema, SplitSizes,
    model::{Activation, Architecture, Convolutional, LOGITS, MultilayerPerceptron},
    train::{Convergence, Descent, Examples, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions};

const RECORDS: usize = 600;
/// Passes that are averaged for the time of one.
const PASSES: u32 = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let schema = Schema::DIGITS;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let split = Dataset::read_csv(&path, schema)?.split(SplitSizes { training: RECORDS, held_out: 0, test: 400 }, 0)?;
    let examples = Examples::labelled(&schema.labelled(&split.training)?)?;
    let test = schema.labelled(&split.test)?;
    let runtime = OnnxRuntime::load(None)?;

    let perceptron = |hidden: &[usize], activation| {
        Architecture::Perceptron(MultilayerPerceptron { hidden: hidden.to_vec(), activation })
    };
    let converged = |tolerance| Convergence { tolerance, ..Convergence::default() };
    let usual =
        Descent { rate: 0.05, momentum: 0.9, weight_decay: 5e-4, epochs: 60, batch: 32, seed: 1, checkpoints: 0 };
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
        let model = architecture.model(schema.width, usize::from(schema.classes), schema.scaling(), 1)?;
        let mut trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default())?;
        let start = trainer.start()?;
        trainer.loss_and_gradient(&start, &examples)?;
        let began = Instant::now();
        for _ in 0..PASSES {
            trainer.loss_and_gradient(&start, &examples)?;
        }
        let pass = began.elapsed() / PASSES;

        let began = Instant::now();
        let minimum = trainer.converge(&examples, examples.len(), &recipe, &start, |_| ())?;
        let convergence = began.elapsed();
        let began = Instant::now();
        let descended = trainer.descend(&examples, &usual, &start, |_| ())?;
        let descent = began.elapsed();
        println!(
            "{name:<20} {:>6.2} ms {:>8.0e} {:>7} {:>7.2} s {:>7.2} s {:>3.3}/{:.3}",
            pass.as_secs_f64() * 1e3,
            recipe.tolerance,
            minimum.iterations,
            convergence.as_secs_f64(),
            descent.as_secs_f64(),
            accuracy(&mut trainer, &minimum.parameters, &test)?,
            accuracy(&mut trainer, &descended.parameters, &test)?,
        );
    }
    Ok(())
}

fn accuracy(trainer: &mut Trainer, parameters: &Array1<f64>, records: &LabelledRecords) -> Result<f64, Box<dyn Error>> {
    let logits = trainer.evaluate(parameters, &Examples::labelled(records)?, LOGITS)?;
    Ok(Evaluation::of(logits.into_dimensionality::<Ix2>()?.view(), records.labels())?.accuracy())
}
