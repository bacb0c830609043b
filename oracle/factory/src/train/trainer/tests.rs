use std::path::Path;

use ndarray::Array2;
use tributary_attribution::{Column, Labels, Records, onnx};
use tributary_dataset::{Schema, Split, SplitSizes, read};
use tributary_runtime::{ExecutionProvider, RuntimeError};

use super::*;
use crate::{
    model::{Activation, Architecture, Convolutional, Encoder, FEATURES, LOGITS, MultilayerPerceptron, Pooling},
    records::{labelled, scaling},
    train::{Converged, Convergence, Decay, Descent, Optimiser, Schedule},
};

/// More records than one pass takes.
fn digits() -> (Records, Records) {
    let schema = Schema::digits();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let sizes = SplitSizes { training: 600, held_out: 100, test: 300 };
    let split = Split::new(read::all(&path, &schema).unwrap(), sizes, 0).unwrap();
    (labelled(&schema, &split.training).unwrap(), labelled(&schema, &split.test).unwrap())
}

fn perceptron(hidden: &[usize], activation: Activation) -> Architecture {
    Architecture::Perceptron(MultilayerPerceptron { hidden: hidden.to_vec(), activation })
}

fn trainer(architecture: &Architecture) -> Trainer {
    let model = architecture.model(64, 10, scaling(&Schema::digits()), 1).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default()).unwrap()
}

fn accuracy(trainer: &mut Trainer, parameters: &Array1<f64>, records: &Records) -> f64 {
    let logits = trainer.evaluate(parameters, records, LOGITS).unwrap();
    let logits = logits.into_dimensionality::<ndarray::Ix2>().unwrap();
    let served = |row: ndarray::ArrayView1<'_, f32>| (0..10).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
    let Labels::Classes(labels) = records.labels() else { panic!("classes") };
    let right = logits.outer_iter().zip(labels).filter(|(row, label)| served(*row) == **label).count();
    right as f64 / records.len() as f64
}

/// The usual training of small networks.
const USUAL: Descent = Descent {
    optimiser: Optimiser::Sgd { momentum: 0.9 },
    schedule: Schedule { rate: 0.05, warmup: 0, decay: Decay::Linear },
    weight_decay: 5e-4,
    clip: None,
    epochs: 12,
    batch: 32,
    patience: None,
    checkpoints: 3,
};

const RECIPE: Convergence = Convergence { weight_decay: 3e-3, tolerance: 1e-6, most_steps: 20_000 };

#[test]
fn gradients_are_those_of_the_losses() {
    let (training, _) = digits();
    let records = training.clone();
    let smooth = Architecture::Convolutional(Convolutional::default());
    let encoder = Architecture::Encoder(Encoder { width: 8, heads: 2, blocks: 1, ..Encoder::default() });
    let dense = [perceptron(&[], Activation::Gelu), perceptron(&[16, 8], Activation::Gelu)];
    for architecture in dense.into_iter().chain([smooth, encoder]) {
        let mut trainer = trainer(&architecture);
        let start = trainer.start().unwrap();
        let (_, gradient) = trainer.loss_and_gradient(&start, &records).unwrap();
        let slope = gradient.dot(&gradient);
        let step = 1e-2 / slope.sqrt();
        let mut loss_at =
            |length: f64| trainer.loss_and_gradient(&(&start + &(&gradient * length)), &records).unwrap().0;
        let found = (loss_at(step) - loss_at(-step)) / (2.0 * step);
        assert!((found / slope - 1.0).abs() < 1e-3, "{architecture:?}: {found} instead of {slope}");
    }
}

#[test]
fn sums_do_not_depend_on_how_records_fall_into_passes() {
    let (training, _) = digits();
    let records = training.clone();
    let mut trainer = trainer(&perceptron(&[16], Activation::Relu));
    let start = trainer.start().unwrap();
    let (loss, gradient) = trainer.loss_and_gradient(&start, &records).unwrap();
    let (mut sum, mut sums) = (0.0, Array1::zeros(gradient.len()));
    for places in (0..600).collect::<Vec<_>>().chunks(37) {
        let (loss, gradient) = trainer.loss_and_gradient(&start, &records.select(places)).unwrap();
        sum += loss;
        sums += &gradient;
    }
    assert!((loss - sum).abs() < 1e-5 * loss);
    let largest = gradient.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    assert!((&gradient - &sums).iter().all(|difference| difference.abs() < 1e-5 * largest));
    assert!(matches!(trainer.loss_and_gradient(&start, &records.select(&[])), Err(FactoryError::NoRecords)));
    let short = Array1::zeros(3);
    assert!(matches!(trainer.loss_and_gradient(&short, &records), Err(FactoryError::ParameterCount { found: 3, .. })));
}

#[test]
fn every_architecture_converges_in_sessions_that_are_used_again() {
    let (training, test) = digits();
    let all = training.clone();
    let half = all.select(&(0..300).collect::<Vec<_>>());
    let architectures = [
        (perceptron(&[], Activation::Gelu), 0.93),
        (perceptron(&[12], Activation::Gelu), 0.93),
        (Architecture::Convolutional(Convolutional { channels: [4, 8], ..Convolutional::default() }), 0.93),
    ];
    for (architecture, least) in architectures {
        let mut trainer = trainer(&architecture);
        let start = trainer.start().unwrap();
        let mut train = |records: &Records| trainer.converge(records, 600, &RECIPE, &start, |_| ()).unwrap();
        let (once, other, again): (Converged, Converged, Converged) = (train(&all), train(&half), train(&all));
        assert_eq!(once, again);
        assert_ne!(once.parameters, other.parameters);
        assert!(once.gradient_norm <= RECIPE.tolerance && once.loss < 10f64.ln());
        assert!(once.parameters.iter().all(|value| *value == f64::from(*value as f32)));
        let accuracy = accuracy(&mut trainer, &once.parameters, &test);
        assert!(accuracy >= least, "{architecture:?}: {accuracy}");
    }
}

#[test]
fn a_minimum_is_one_of_the_objective_with_its_fixed_denominator() {
    let (training, _) = digits();
    let half = training.clone().select(&(0..300).collect::<Vec<_>>());
    let mut trainer = trainer(&perceptron(&[], Activation::Gelu));
    let start = trainer.start().unwrap();
    let minimum = trainer.converge(&half, 600, &RECIPE, &start, |_| ()).unwrap();
    let (_, gradient) = trainer.loss_and_gradient(&minimum.parameters, &half).unwrap();
    let slope = gradient / 600.0 + RECIPE.weight_decay * &minimum.parameters;
    assert!(slope.iter().all(|slope| slope.abs() <= RECIPE.tolerance));
    let hasty = Convergence { most_steps: 2, ..RECIPE };
    let refused = trainer.converge(&half, 600, &hasty, &start, |_| ());
    assert!(matches!(refused, Err(FactoryError::NotConverged { iterations: 2, .. })));
}

#[test]
fn the_usual_training_repeats_itself_and_keeps_checkpoints() {
    let (training, test) = digits();
    let records = training.clone();
    let maximum = Convolutional { activation: Activation::Relu, pooling: Pooling::Maximum, channels: [4, 8] };
    for architecture in [perceptron(&[32], Activation::Relu), Architecture::Convolutional(maximum)] {
        let mut trainer = trainer(&architecture);
        let start = trainer.start().unwrap();
        let mut losses = Vec::new();
        let once = trainer.descend(&records, &USUAL, 1, &start, |epoch| losses.push(epoch.loss)).unwrap();
        assert_eq!(trainer.descend(&records, &USUAL, 1, &start, |_| ()).unwrap(), once);
        let other = trainer.descend(&records, &USUAL, 2, &start, |_| ()).unwrap();
        assert_ne!(other.parameters, once.parameters);
        assert_eq!(losses.len(), 12);
        assert!(losses[11] < 0.2 * losses[0], "{losses:?}");
        assert_eq!(once.checkpoints.iter().map(|kept| kept.epoch).collect::<Vec<_>>(), [4, 8, 12]);
        assert_eq!(once.checkpoints[2].parameters, once.parameters);
        assert!(accuracy(&mut trainer, &once.parameters, &test) >= 0.93);
    }
}

#[test]
fn descents_that_cannot_end_well_are_refused() {
    let (training, _) = digits();
    let records = training.clone();
    let trainer = trainer(&perceptron(&[4], Activation::Relu));
    let start = trainer.start().unwrap();
    let refused = |recipe| trainer.descend(&records, &recipe, 1, &start, |_| ()).unwrap_err();
    let rate = |rate| Schedule { rate, ..USUAL.schedule };
    let adamw = |beta1, beta2, epsilon| Optimiser::AdamW { beta1, beta2, epsilon };
    let unsound = [
        Descent { schedule: rate(f64::NAN), ..USUAL },
        Descent { optimiser: Optimiser::Sgd { momentum: 1.0 }, ..USUAL },
        Descent { optimiser: adamw(1.0, 0.9, 1e-8), ..USUAL },
        Descent { optimiser: adamw(0.9, -0.1, 1e-8), ..USUAL },
        Descent { optimiser: adamw(0.9, 0.9, 0.0), ..USUAL },
        Descent { weight_decay: -1.0, ..USUAL },
        Descent { clip: Some(0.0), ..USUAL },
        Descent { epochs: 0, ..USUAL },
        Descent { batch: 0, ..USUAL },
        Descent { checkpoints: 13, ..USUAL },
        Descent { patience: Some(0), ..USUAL },
        Descent { patience: Some(3), ..USUAL },
    ];
    for recipe in unsound {
        assert!(matches!(refused(recipe), FactoryError::Recipe { .. }), "{recipe:?}");
    }
    assert!(matches!(refused(Descent { schedule: rate(1e30), ..USUAL }), FactoryError::Diverged { .. }));
    let nothing = records.select(&[]);
    assert!(matches!(trainer.descend(&nothing, &USUAL, 1, &start, |_| ()), Err(FactoryError::NoRecords)));
}

#[test]
fn the_model_that_is_published_answers_as_the_one_that_was_trained() {
    let (training, test) = digits();
    let records = training.clone();
    let mut trainer = trainer(&perceptron(&[8], Activation::Gelu));
    let mut parameters = trainer.start().unwrap();
    parameters *= 1.1;
    let graph = trainer.graph(&parameters).unwrap();
    assert_eq!(trainer.layout().read(&graph).unwrap(), parameters.mapv(|value| f64::from(value as f32)));
    let runtime = OnnxRuntime::load(None).unwrap();
    let mut session = Session::open(&runtime, &onnx::encode(&graph), &SessionOptions::default()).unwrap();
    let [(_, Column::F32(features))] = test.inputs() else { panic!("features") };
    let served: Array2<f32> =
        session.run(&[(FEATURES, features.into())], &[LOGITS]).unwrap().remove(0).into_dimensionality().unwrap();
    let evaluated = trainer.evaluate(&parameters, &test, LOGITS).unwrap();
    assert!(served.iter().zip(&evaluated).all(|(served, evaluated)| (served - evaluated).abs() <= 1e-5));
    assert!(matches!(trainer.evaluate(&parameters, &records.select(&[]), LOGITS), Err(FactoryError::NoRecords)));
    assert!(matches!(trainer.evaluate(&parameters, &records, "sketch"), Err(FactoryError::Runtime(_))));
}

#[test]
fn providers_train_alike_or_are_missed_by_name() {
    let (training, _) = digits();
    let runtime = OnnxRuntime::load(None).unwrap();
    for architecture in [perceptron(&[16], Activation::Gelu), Architecture::Convolutional(Convolutional::default())] {
        let model = architecture.model(64, 10, scaling(&Schema::digits()), 1).unwrap();
        let on = |provider| {
            let options = SessionOptions { provider, ..SessionOptions::default() };
            let mut trainer = Trainer::new(&runtime, &model, Target::Margin, &options)?;
            let start = trainer.start()?;
            trainer.loss_and_gradient(&start, &training)
        };
        let (loss, gradient) = on(ExecutionProvider::Cpu).unwrap();
        let largest = gradient.iter().fold(0f64, |largest, value| largest.max(value.abs()));
        for provider in [ExecutionProvider::Cuda { device: 0 }, ExecutionProvider::WebGpu] {
            match on(provider) {
                Ok((other, slopes)) => {
                    assert!((other - loss).abs() <= 1e-5 * loss, "{provider}: {other} instead of {loss}");
                    let worst = (&slopes - &gradient).iter().fold(0f64, |worst, value| worst.max(value.abs()));
                    assert!(worst <= 1e-4 * largest, "{provider}: off by {worst} of {largest}");
                }
                Err(error) => {
                    let missing = |error: &FactoryError| matches!(error, FactoryError::Runtime(RuntimeError::ProviderMissing { provider: p, .. }) if *p == provider);
                    assert!(missing(&error), "{error}");
                }
            }
        }
    }
}
