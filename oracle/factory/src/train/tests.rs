//! Descents against arithmetic in `f64`; trainings that are stopped at any step.

use std::{fs, path::Path};

use ndarray::Array1;
use tributary_attribution::{Records, targets::Target};
use tributary_dataset::{Schema, Split, SplitSizes, read};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{B256, keccak256};

use super::*;
use crate::{
    FactoryError,
    model::{Architecture, MultilayerPerceptron},
    records::{labelled, scaling},
};

const COUNT: usize = 90;

fn digits() -> (Records, Records) {
    let schema = Schema::digits();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let split =
        Split::new(read::all(&path, &schema).unwrap(), SplitSizes { training: COUNT, held_out: 60, test: 0 }, 0);
    let split = split.unwrap();
    (labelled(&schema, &split.training).unwrap(), labelled(&schema, &split.held_out).unwrap())
}

fn trainer() -> Trainer {
    let architecture = Architecture::Perceptron(MultilayerPerceptron { hidden: vec![12], ..Default::default() });
    let model = architecture.model(64, 10, scaling(&Schema::digits()), 1).unwrap();
    Trainer::new(&OnnxRuntime::load(None).unwrap(), &model, Target::Margin, &SessionOptions::default()).unwrap()
}

fn descent(optimiser: Optimiser) -> Descent {
    let schedule = Schedule { rate: 0.02, warmup: 2, decay: Decay::Cosine };
    Descent { optimiser, schedule, weight_decay: 0.05, clip: Some(0.7), epochs: 6, batch: COUNT, ..Descent::default() }
}

const MOMENTUM: Optimiser = Optimiser::Sgd { momentum: 0.8 };

/// The optimisers as their papers write them, in `f64`, on whole passes over the records.
fn by_hand(trainer: &mut Trainer, records: &Records, recipe: &Descent) -> Array1<f64> {
    let mut point = trainer.start().unwrap();
    let zeros = Array1::<f64>::zeros(point.len());
    let (mut first, mut second) = (zeros.clone(), zeros);
    for step in 0..recipe.epochs {
        let (_, mut gradient) = trainer.loss_and_gradient(&point, records).unwrap();
        gradient /= records.len() as f64;
        let norm = gradient.dot(&gradient).sqrt();
        gradient *= (recipe.clip.unwrap() / (norm + 1e-6)).min(1.0);
        let rate = recipe.schedule.at(step, recipe.epochs);
        match recipe.optimiser {
            Optimiser::Sgd { momentum } => {
                first = first * momentum + &gradient + &point * recipe.weight_decay;
                point = &point - &first * rate;
            }
            Optimiser::AdamW { beta1, beta2, epsilon } => {
                first = first * beta1 + &gradient * (1.0 - beta1);
                second = second * beta2 + (&gradient * &gradient) * (1.0 - beta2);
                let time = step as i32 + 1;
                let (mean, square) = (&first / (1.0 - beta1.powi(time)), &second / (1.0 - beta2.powi(time)));
                let step = mean / (square.sqrt() + epsilon) * rate;
                point = &point * (1.0 - rate * recipe.weight_decay) - step;
            }
        }
    }
    point
}

#[test]
fn steps_inside_the_graph_are_those_of_the_papers() {
    let (records, _) = digits();
    let mut trainer = trainer();
    let start = trainer.start().unwrap();
    // An epsilon at which a gradient that is nothing but rounding makes no whole step.
    for optimiser in [MOMENTUM, Optimiser::AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-4 }] {
        let recipe = descent(optimiser);
        let expected = by_hand(&mut trainer, &records, &recipe);
        let found = trainer.descend(&records, &recipe, 1, &start, |_| ()).unwrap();
        let moved = (&found.parameters - &start).mapv(f64::abs).sum();
        let apart = (&found.parameters - &expected).mapv(f64::abs).sum();
        assert!(moved > 1.0 && apart < 1e-4 * moved, "{optimiser:?}: {apart} of {moved}");
        assert_eq!((found.steps, found.epochs.len()), (6, 6));
    }
}

#[test]
fn a_descent_that_is_stopped_at_any_step_ends_as_if_it_had_not_been() {
    let (records, validation) = digits();
    let folder = tempfile::tempdir().unwrap();
    let (path, run) = (folder.path().join(STATE_FILE), keccak256("a run"));
    for optimiser in [MOMENTUM, ADAMW] {
        let recipe = Descent { batch: 40, epochs: 4, checkpoints: 2, patience: Some(3), ..descent(optimiser) };
        let start = || DescentState::start(trainer().start().unwrap().iter().map(|value| *value as f32).collect());
        let whole = {
            let trainer = trainer();
            let mut descending = trainer.descending(&records, Some(&validation), &recipe, 5, start()).unwrap();
            while descending.step().unwrap().is_some() {}
            descending.finish().unwrap()
        };
        assert_eq!((whole.steps, whole.epochs.len(), whole.checkpoints.len()), (12, 4, 2));
        // A process a step: nothing but the file goes from one to the next.
        State::Descent(start()).write(&path, run).unwrap();
        let ended = loop {
            let Some(State::Descent(state)) = State::read(&path, run).unwrap() else { panic!("no descent") };
            let trainer = trainer();
            let mut descending = trainer.descending(&records, Some(&validation), &recipe, 5, state).unwrap();
            let Some(_) = descending.step().unwrap() else { break descending.finish().unwrap() };
            State::Descent(descending.state().unwrap()).write(&path, run).unwrap();
        };
        assert_eq!(ended, whole, "{optimiser:?}");
    }
}

#[test]
fn a_convergence_that_is_stopped_at_any_step_ends_as_if_it_had_not_been() {
    let (records, _) = digits();
    let folder = tempfile::tempdir().unwrap();
    let (path, run) = (folder.path().join(STATE_FILE), keccak256("a run"));
    let recipe = Convergence { weight_decay: 0.05, tolerance: 1e-4, most_steps: 500 };
    let mut whole = trainer();
    let start = whole.start().unwrap();
    let expected = whole.converge(&records, COUNT, &recipe, &start, |_| ()).unwrap();
    assert!(expected.iterations > 20, "{expected:?}");
    let begun = whole.converging(&records, COUNT, &recipe, &start).unwrap().state().clone();
    State::Convergence(begun).write(&path, run).unwrap();
    let ended = loop {
        let Some(State::Convergence(state)) = State::read(&path, run).unwrap() else { panic!("no convergence") };
        let mut trainer = trainer();
        let mut converging = trainer.converging_from(&records, COUNT, &recipe, state).unwrap();
        if converging.step().unwrap().is_none() {
            break converging.finish().unwrap();
        }
        State::Convergence(converging.state().clone()).write(&path, run).unwrap();
    };
    assert_eq!(ended, expected);
}

#[test]
fn patience_ends_a_descent_and_takes_the_best_point() {
    let (records, validation) = digits();
    let trainer = trainer();
    let schedule = Schedule { rate: 0.1, warmup: 0, decay: Decay::Constant };
    let recipe = Descent {
        schedule,
        weight_decay: 0.0,
        clip: None,
        epochs: 400,
        batch: 8,
        patience: Some(4),
        ..descent(MOMENTUM)
    };
    let start = DescentState::start(trainer.start().unwrap().iter().map(|value| *value as f32).collect());
    let mut descending = trainer.descending(&records, Some(&validation), &recipe, 1, start).unwrap();
    while descending.step().unwrap().is_some() {}
    let ended = descending.finish().unwrap();
    let losses: Vec<f64> = ended.epochs.iter().map(|epoch| epoch.validation.unwrap().loss).collect();
    let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap();
    assert!(losses.len() < 400, "it never stopped");
    assert_eq!(losses.len(), best + 1 + 4);
    let parameters: Vec<f32> = ended.parameters.iter().map(|value| *value as f32).collect();
    let again = validation::Validator::open(&trainer, &validation).unwrap().validate(&parameters).unwrap();
    assert_eq!(Some(again), ended.epochs[best].validation);
    assert!(again.accuracy.unwrap() > 0.5);
}

#[test]
fn states_of_others_and_damaged_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, run) = (folder.path().join(STATE_FILE), keccak256("a run"));
    assert!(State::read(&path, run).unwrap().is_none(), "nothing was left");
    let trainer = trainer();
    let (records, _) = digits();
    let start = trainer.start().unwrap();
    let recipe = descent(ADAMW);
    let single: Vec<f32> = start.iter().map(|value| *value as f32).collect();
    let mut descending = trainer.descending(&records, None, &recipe, 1, DescentState::start(single)).unwrap();
    descending.step().unwrap();
    let state = descending.state().unwrap();
    State::Descent(state.clone()).write(&path, run).unwrap();
    let refused =
        |found: Result<Option<State>, FactoryError>| assert!(matches!(found, Err(FactoryError::State(_))), "{found:?}");
    refused(State::read(&path, B256::ZERO));
    let bytes = fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        refused(State::read(&path, run));
    }
    for place in (0..bytes.len()).step_by(bytes.len() / 40).chain([bytes.len() - 1]) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(State::read(&path, run).is_err(), "byte {place} counts for nothing");
    }
    let other = descent(MOMENTUM);
    let found = trainer.descending(&records, None, &other, 1, state.clone());
    assert!(matches!(found, Err(FactoryError::State(_))), "one moment is not two");
    let few = DescentState { parameters: vec![0.0; 3], ..state };
    assert!(matches!(trainer.descending(&records, None, &recipe, 1, few), Err(FactoryError::ParameterCount { .. })));
}
