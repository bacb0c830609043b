//! One round of ours.

use std::{fs, time::Instant};

use eyre::Result;
use tributary_attribution::targets::Target;
use tributary_dataset::Schema;
use tributary_factory::{
    evaluate,
    records::scaling,
    train::{DescentState, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::{Round, Said, Subject, Trainings, records};
use crate::process::{core_seconds, peak_bytes};

/// Trains from every seed and prints what it took.
pub(crate) fn run(arguments: &Round) -> Result<()> {
    let Subject { architecture, recipe, seeds, .. } =
        serde_json::from_slice(&fs::read(arguments.folder.join("subject.json"))?)?;
    let runtime = OnnxRuntime::load(None)?;
    let loaded_bytes = peak_bytes();
    let (records, test) = records(&arguments.data)?;
    let schema = Schema::digits();
    let (mut opening, mut seconds, mut core) = (0.0, 0.0, Some(0.0));
    let (mut steps, mut accuracies) = (0, Vec::new());
    for seed in 1..=seeds {
        let began = Instant::now();
        let model = architecture.model(schema.features.fields(), 10, scaling(&schema), seed)?;
        let trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default())?;
        let start = DescentState::start(trainer.start()?.iter().map(|value| *value as f32).collect());
        let mut descending = trainer.descending(&records, None, &recipe, seed, start)?;
        opening += began.elapsed().as_secs_f64();

        let (began, worked) = (Instant::now(), core_seconds());
        while descending.step()?.is_some() {}
        seconds += began.elapsed().as_secs_f64();
        core = core.zip(core_seconds().zip(worked)).map(|(sum, (after, before))| sum + after - before);

        let ended = descending.finish()?;
        steps += ended.steps;
        accuracies.push(evaluate(&runtime, &trainer.graph(&ended.parameters)?, &test)?.accuracy());
    }
    let trainings = Trainings {
        how: "one graph a step".to_owned(),
        steps,
        seconds,
        core_seconds: core,
        opening_seconds: opening / seeds as f64,
        accuracies,
    };
    let said =
        Said { trainings: vec![trainings], loaded_bytes, peak_bytes: peak_bytes(), gradient: None, version: None };
    println!("{}", serde_json::to_string(&said)?);
    Ok(())
}
