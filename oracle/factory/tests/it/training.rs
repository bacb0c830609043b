//! Training runs from recipes: every start, every method, stopped and gone on with.

use std::{
    cell::Cell,
    fs, panic,
    path::{Path, PathBuf},
    time::Duration,
};

use tributary_attribution::{Labels, onnx};
use tributary_dataset::{
    Schema,
    schema::{Features, Label, Task},
};
use tributary_factory::{
    Assessment, FactoryError, Step, Trained, TrainingRecipe, Workplace,
    base::{Adaptation, Lora},
    evaluate,
    model::{Architecture, Convolutional, Encoder, MultilayerPerceptron},
    train,
    train::{BaseStart, CURVE_FILE, Convergence, Descent, Method, RECIPE_FILE, RunFolder, STATE_FILE, Start},
};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::release::Manifest;

use super::Digits;

fn perceptron(hidden: &[usize]) -> Start {
    let perceptron = MultilayerPerceptron { hidden: hidden.to_vec(), ..MultilayerPerceptron::default() };
    Start::Scratch(Architecture::Perceptron(perceptron))
}

fn descend(epochs: usize) -> Method {
    Method::Descend(Descent { epochs, ..Descent::adamw() })
}

fn made(digits: &Digits, recipe: &TrainingRecipe) -> Trained {
    let runtime = OnnxRuntime::load(None).unwrap();
    train(&Workplace::new(&runtime), &digits.permitted(), recipe, |_| ()).unwrap()
}

fn accuracy(digits: &Digits, trained: &Trained) -> f64 {
    evaluate(&OnnxRuntime::load(None).unwrap(), &trained.graph, &digits.test()).unwrap().accuracy()
}

#[test]
fn every_architecture_is_trained_in_mini_batches() {
    let digits = Digits::new();
    let scratch = [
        (perceptron(&[32]), 0.9),
        (Start::Scratch(Architecture::Convolutional(Convolutional::default())), 0.85),
        (Start::Scratch(Architecture::Encoder(Encoder::default())), 0.85),
    ];
    for (start, least) in scratch {
        let recipe = TrainingRecipe { start, method: descend(30), validation: 0.1, ..TrainingRecipe::default() };
        let trained = made(&digits, &recipe);
        let found = accuracy(&digits, &trained);
        assert!(found >= least, "{:?}: {found}", recipe.start);
        // A tenth of every contributor's records, rounded down.
        assert!((360..365).contains(&trained.used.len()), "{}", trained.used.len());
        assert_eq!(onnx::encode(&made(&digits, &recipe).graph), onnx::encode(&trained.graph), "it repeats itself");
    }
}

#[test]
fn a_base_is_adapted_in_every_way_and_released() {
    let digits = Digits::new();
    let folder = tempfile::tempdir().unwrap();
    let first = TrainingRecipe { start: perceptron(&[24]), method: descend(20), ..TrainingRecipe::default() };
    let files = digits.release(&first, &Assessment::default()).write(folder.path()).unwrap();
    for adaptation in [Adaptation::Head, Adaptation::Full, Adaptation::Lora(Lora { rank: 2, ..Lora::default() })] {
        let method = match adaptation {
            Adaptation::Head => Method::Converge(Convergence { tolerance: 1e-5, ..Convergence::default() }),
            _ => descend(10),
        };
        let base = BaseStart { file: files.model.clone(), adaptation };
        let recipe = TrainingRecipe { start: Start::Base(base), method, ..TrainingRecipe::default() };
        let release = digits.release(&recipe, &Assessment::default());
        let manifest = release.manifest();
        assert_eq!(manifest.recipe.base, Some(files.weights_hash), "{recipe:?}");
        assert!(manifest.evaluation.accuracy.parse::<f64>().unwrap() > 0.88, "{recipe:?}: {:?}", manifest.evaluation);
        let written = tempfile::tempdir().unwrap();
        release.write(written.path()).unwrap();
        let published = fs::read_to_string(written.path().join(RECIPE_FILE)).unwrap();
        assert!(published.contains("file = \"model.onnx\""), "where the base lay is nobody's business: {published}");
        let card = fs::read_to_string(written.path().join("card.json")).unwrap();
        assert!(card.contains(r#""with": "base as it was""#), "{card}");
    }
}

#[test]
fn the_recipes_that_the_guide_shows_are_read() {
    let guide = include_str!("../../../../docs/factory.md");
    let blocks = guide.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    let recipes: Vec<TrainingRecipe> = blocks
        .filter(|block| block.contains("[start."))
        .map(|block| {
            fs::write(&path, block).unwrap();
            TrainingRecipe::read(&path).unwrap()
        })
        .collect();
    let [scratch, base] = recipes.as_slice() else { panic!("{recipes:?}") };
    assert_eq!(*scratch, TrainingRecipe { start: perceptron(&[32]), ..TrainingRecipe::default() });
    assert_eq!(base.validation, 0.1);
    let Method::Descend(descent) = &base.method else { panic!("{base:?}") };
    assert_eq!((descent.optimiser, descent.patience), (train::ADAMW, Some(5)));
    for method in [Method::Descend(Descent::momentum()), descend(3), Method::Converge(Convergence::default())] {
        let recipe = TrainingRecipe { method, ..TrainingRecipe::default() };
        fs::write(&path, recipe.to_toml().unwrap()).unwrap();
        assert_eq!(TrainingRecipe::read(&path).unwrap(), recipe, "what is published is what was done");
    }
    fs::write(&path, "[start.scratch.encoder]\npatch = 4\n[method.descend]\nschedule = { rate = 0.01 }\n").unwrap();
    let little = TrainingRecipe::read(&path).unwrap();
    assert_eq!(little.start, Start::Scratch(Architecture::Encoder(Encoder { patch: 4, ..Encoder::default() })));
    let huge = "[start.scratch.perceptron]\nhidden = [4611686018427387904]\n";
    fs::write(&path, huge).unwrap();
    let (digits, runtime) = (Digits::new(), OnnxRuntime::load(None).unwrap());
    let recipe = TrainingRecipe::read(&path).unwrap();
    let refused = train(&Workplace::new(&runtime), &digits.permitted(), &recipe, |_| ()).unwrap_err();
    assert!(matches!(refused, FactoryError::Recipe { what: "shape", .. }), "{refused}");
    let endless = "[method.descend]\nepochs = 9223372036854775807\n";
    for unsound in [
        "validation = 0.9",
        "validation = 0.1",
        endless,
        "sede = 1",
        "[method.converge]\nweight-decay = 0.0",
        "[start.scratch]\n",
    ] {
        fs::write(&path, unsound).unwrap();
        let refused = TrainingRecipe::read(&path).unwrap_err();
        assert!(matches!(refused, FactoryError::Recipe { .. } | FactoryError::RecipeFile { .. }), "{refused}");
    }
}

#[test]
fn what_retraining_shows_is_in_the_card() {
    let digits = Digits::new();
    let method = Method::Converge(Convergence { tolerance: 1e-4, ..Convergence::default() });
    let recipe = TrainingRecipe { method, ..TrainingRecipe::default() };
    let assessment = Assessment { coalitions: 8, hold_outs: 2, frontier: vec![3e-3, 3e-2] };
    let folder = tempfile::tempdir().unwrap();
    let manifest = digits.release(&recipe, &assessment).write(folder.path()).unwrap().manifest;
    let card = fs::read(manifest.with_file_name("card.json")).unwrap();
    let card = tributary_factory::ModelCard::from_bytes(&card).unwrap();
    let lds = card.findings.attribution.unwrap().contributor_lds.unwrap();
    assert!(lds.value > 0.7 && lds.low < lds.value, "{lds:?}");
    assert_eq!(card.findings.hold_outs.len(), 2);
    assert_eq!(card.findings.frontier.len(), 2);
    assert!(manifest.with_file_name("frontier.svg").exists());
    let few = Assessment { coalitions: 2, ..Assessment::default() };
    assert!(matches!(few.check(&recipe, 5), Err(FactoryError::Audit { .. })));
    assert!(matches!(assessment.check(&recipe, 3), Err(FactoryError::Audit { .. })));
    let descended = TrainingRecipe { method: descend(1), ..TrainingRecipe::default() };
    assert!(matches!(assessment.check(&descended, 5), Err(FactoryError::Recipe { what: "method", .. })));
    let flat = Assessment { frontier: vec![0.0], ..assessment.clone() };
    assert!(matches!(flat.check(&recipe, 5), Err(FactoryError::Recipe { .. })));
    assessment.check(&recipe, 5).unwrap();
}

#[test]
fn a_run_that_is_killed_ends_as_if_it_had_not_been() {
    let digits = Digits::new();
    let runtime = OnnxRuntime::load(None).unwrap();
    let converging = Method::Converge(Convergence { weight_decay: 0.02, tolerance: 1e-5, most_steps: 2_000 });
    let descending = Method::Descend(Descent { epochs: 4, patience: Some(2), ..Descent::default() });
    for method in [converging, descending] {
        let validation = if matches!(method, Method::Converge(_)) { 0.0 } else { 0.2 };
        let recipe = TrainingRecipe { start: perceptron(&[8]), method, validation, ..TrainingRecipe::default() };
        let whole = onnx::encode(&made(&digits, &recipe).graph);
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder { path: folder.path().to_owned(), every: Duration::ZERO };
        let workplace = Workplace { folder: Some(run), ..Workplace::new(&runtime) };
        let mut kills = 0;
        let ended = loop {
            // Whoever is told of a step falls over at the seventh.
            let told = Cell::new(0);
            let attempt = panic::catch_unwind(panic::AssertUnwindSafe(|| {
                train(&workplace, &digits.permitted(), &recipe, |_: Step| {
                    told.set(told.get() + 1);
                    assert!(told.get() < 7, "killed");
                })
            }));
            match attempt {
                Err(_) => kills += 1,
                Ok(ended) => break ended.unwrap(),
            }
        };
        assert!(kills >= 4, "{kills}");
        assert_eq!(onnx::encode(&ended.graph), whole);
        assert_eq!(ended.curve, made(&digits, &recipe).curve);
        let run = only(folder.path());
        assert!(run.join(CURVE_FILE).exists() && run.join(RECIPE_FILE).exists());
        assert!(run.join(STATE_FILE).exists(), "whoever uses the model and is stopped trains no more");
        let again = train(&workplace, &digits.permitted(), &recipe, |_: Step| panic!("a step")).unwrap();
        assert_eq!(onnx::encode(&again.graph), whole);
        again.settle().unwrap();
        assert!(!run.join(STATE_FILE).exists());
    }
}

#[test]
fn a_run_does_not_go_on_from_another_ones_state() {
    let digits = Digits::new();
    let runtime = OnnxRuntime::load(None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder { path: folder.path().to_owned(), every: Duration::ZERO };
    let workplace = Workplace { folder: Some(run), ..Workplace::new(&runtime) };
    let recipe = TrainingRecipe { start: perceptron(&[8]), method: descend(3), ..TrainingRecipe::default() };
    let killed = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let mut left = 3;
        train(&workplace, &digits.permitted(), &recipe, |_| {
            left -= 1;
            assert!(left > 0, "killed");
        })
    }));
    assert!(killed.is_err());
    let state = only(folder.path()).join(STATE_FILE);
    let bytes = fs::read(&state).unwrap();
    let other = TrainingRecipe { seed: 2, ..recipe.clone() };
    let beside = train(&workplace, &digits.permitted(), &other, |_| ()).unwrap();
    assert_eq!(onnx::encode(&beside.graph), onnx::encode(&made(&digits, &other).graph));
    assert_eq!(fs::read(&state).unwrap(), bytes, "it is still there to go on from");
    fs::write(&state, &bytes[..bytes.len() / 2]).unwrap();
    let refused = train(&workplace, &digits.permitted(), &recipe, |_| ()).unwrap_err();
    assert!(matches!(refused, FactoryError::State(_)), "{refused}");
}

/// The one folder in a folder.
fn only(folder: &Path) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn tables_of_unlike_columns_are_scaled_by_the_records_trained_on() {
    let (schema, records) = cancers();
    let inputs = tributary_factory::records::inputs(&schema, &records);
    let runtime = OnnxRuntime::load(None).unwrap();
    let recipe = Convergence { tolerance: 1e-4, ..Convergence::default() };
    let found = |inputs: tributary_factory::model::Inputs| {
        let model = Architecture::Perceptron(MultilayerPerceptron::default()).model(30, 2, inputs, 1).unwrap();
        let options = tributary_runtime::SessionOptions::default();
        let target = tributary_attribution::targets::Target::Margin;
        let mut trainer = train::Trainer::new(&runtime, &model, target, &options).unwrap();
        let start = trainer.start().unwrap();
        let half: Vec<usize> = (0..records.len()).step_by(2).collect();
        let converged = trainer.converge(&records.select(&half), half.len(), &recipe, &start, |_| ()).unwrap();
        let other: Vec<usize> = (1..records.len()).step_by(2).collect();
        let graph = trainer.graph(&converged.parameters).unwrap();
        (converged.iterations, evaluate(&runtime, &graph, &records.select(&other)).unwrap().accuracy())
    };
    let (steps, accuracy) = found(inputs);
    assert!(steps < 100 && accuracy > 0.95, "{steps} steps to {accuracy}");
}

/// The Wisconsin breast-cancer table (bench/data/README.md).
fn cancers() -> (Schema, tributary_attribution::Records) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/data/breast_cancer.csv");
    let text = fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    let columns = (0..30).map(|place| tributary_dataset::schema::Column {
        name: format!("column{place}"),
        kind: tributary_dataset::schema::ColumnKind::Number { least: None, most: None },
    });
    let schema = Schema {
        task: Task::Classification,
        features: Features::Table { columns: columns.collect() },
        label: Label::Class { names: vec!["malignant".into(), "benign".into()] },
    };
    let features = rows.iter().flat_map(|row| row[..30].iter().map(|value| *value as f32)).collect();
    let features = ndarray::Array2::from_shape_vec((rows.len(), 30), features).unwrap().into_dyn();
    let labels = Labels::Classes(rows.iter().map(|row| row[30] as usize).collect());
    let inputs = vec![("features".to_owned(), tributary_attribution::Column::F32(features))];
    (schema, tributary_attribution::Records::new(inputs, labels).unwrap())
}
