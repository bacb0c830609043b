//! Real records from training to the model card.

use std::{fs, path::Path};

use ndarray::{Array2, Axis};
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    AttributionSettings, CurvatureKind, Directions, HeldOut, Labels, OwnedRecords, Records, attribute::attribute,
    features::usual_expectation, gradient::Layers, graph::Graph, targets::Target,
};
use tributary_dataset::{
    Purposes, Record, Schema, Split, SplitSizes,
    field::Field,
    partition, read,
    schema::{self, ColumnKind, Features, Label, Task},
};
use tributary_factory::{
    ModelCard,
    audit::{AuditSettings, audit},
    card::{AttributionFindings, Data, Fact, Findings, Subject, Use},
    evaluate::{
        Answers, Baseline, Evaluation, FrontierSettings, Verdict, compare, frontier, holdouts, on_slices, slices,
    },
    model::{Architecture, InputScaling, LOGITS, Model, MultilayerPerceptron},
    records::{labelled, scaling},
    train::{Converged, Convergence, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{
    Address, AssetId, B256,
    release::{Manifest, VersionRef},
};

const RECIPE: Convergence = Convergence { weight_decay: 3e-3, tolerance: 1e-4, most_steps: 5_000 };

pub(super) fn runtime() -> OnnxRuntime {
    OnnxRuntime::load(None).unwrap()
}

pub(super) fn trained(model: &Model, target: Target, records: &Records, recipe: &Convergence) -> (Graph, Converged) {
    let mut trainer = Trainer::new(&runtime(), model, target, &SessionOptions::default()).unwrap();
    let start = trainer.start().unwrap();
    let converged = trainer.converge(records, records.len(), recipe, &start, |_| ()).unwrap();
    (trainer.graph(&converged.parameters).unwrap(), converged)
}

pub(super) fn subject(
    name: &str,
    classes: Vec<String>,
    records: usize,
    contributors: usize,
    converged: &Converged,
) -> Subject {
    Subject {
        name: name.to_owned(),
        intended_use: Use {
            purpose: "Tests".to_owned(),
            terms: "None".to_owned(),
            purposes: Purposes::TRAIN | Purposes::EVALUATE,
        },
        data: Data {
            snapshot: VersionRef { asset: AssetId(1), version: 1 },
            snapshot_root: B256::repeat_byte(1),
            records: records as u32,
            contributors: contributors as u32,
        },
        classes,
        training: vec![Fact::new("weight decay", RECIPE.weight_decay), Fact::new("steps", converged.iterations)],
    }
}

/// Written, read back, and the same.
pub(super) fn written(card: &ModelCard) -> String {
    let folder = tempfile::tempdir().unwrap();
    let files = card.write(folder.path()).unwrap();
    let read = ModelCard::from_bytes(&fs::read(&files.card).unwrap()).unwrap();
    assert_eq!(read.json().unwrap(), card.json().unwrap());
    let markdown = fs::read_to_string(&files.markdown).unwrap();
    assert_eq!(markdown, read.markdown());
    assert!(files.pictures.iter().all(|picture| !fs::read_to_string(picture).unwrap().contains("NaN")));
    markdown
}

fn owners(labels: &[usize], contributors: usize) -> Vec<Address> {
    let owners = partition::owners(labels, contributors, 0).unwrap();
    owners.into_iter().map(|owner| Address::repeat_byte(owner as u8 + 1)).collect()
}

#[test]
fn digits_have_a_card_of_everything() {
    let schema = Schema::digits();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let sizes = SplitSizes { training: 300, held_out: 80, test: 250 };
    let split = Split::new(read::all(&path, &schema).unwrap(), sizes, 0).unwrap();
    let [training, held_out, test] =
        [&split.training, &split.held_out, &split.test].map(|records| labelled(&schema, records).unwrap());
    let model = Architecture::Perceptron(MultilayerPerceptron::default()).model(64, 10, scaling(&schema), 1).unwrap();
    let (graph, converged) = trained(&model, Target::Margin, &training, &RECIPE);

    // Numbers, once more and by other means.
    let answers = Answers::of(&runtime(), &graph, &test).unwrap();
    let evaluation = Evaluation::of(&answers).unwrap();
    let Evaluation::Classification(found) = &evaluation else { panic!("{evaluation:?}") };
    let mut trainer = Trainer::new(&runtime(), &model, Target::Margin, &SessionOptions::default()).unwrap();
    let logits = trainer.evaluate(&converged.parameters, &test, LOGITS).unwrap();
    let Labels::Classes(labels) = test.labels() else { panic!("classes") };
    let right = logits.outer_iter().zip(labels).filter(|(logits, label)| {
        logits.iter().enumerate().all(|(class, logit)| class == **label || *logit < logits[**label])
    });
    assert_eq!(evaluation.correct() as usize, right.count());
    let (loss, _) = trainer.loss_and_gradient(&converged.parameters, &test).unwrap();
    assert!((found.log_loss.value - loss / 250.0).abs() < 1e-5, "{:?} {loss}", found.log_loss);
    assert!(found.accuracy.value > 0.88 && found.calibration.expected_error < 0.2, "{found:?}");

    let trivial = Baseline::of(training.labels(), 10).unwrap();
    let (base, _) = trained(&model, Target::Margin, &training.select(&(0..30).collect::<Vec<_>>()), &RECIPE);
    let comparisons = vec![
        compare(trivial.name(), &answers, &trivial.answers(test.labels()).unwrap()).unwrap(),
        compare("base model", &answers, &Answers::of(&runtime(), &base, &test).unwrap()).unwrap(),
    ];
    for comparison in &comparisons {
        assert!(comparison.metrics.iter().all(|paired| paired.verdict() == Verdict::Better), "{comparison:?}");
    }
    let slices = on_slices(&answers, &slices(&schema, &split.test));
    assert_eq!(slices.iter().map(|slice| slice.records).sum::<u32>(), 250);

    let Labels::Classes(labels) = training.labels() else { panic!("classes") };
    let owned = OwnedRecords::new(training.clone(), &owners(labels, 5)).unwrap();
    let hold_outs = holdouts(&runtime(), &model, Target::Margin, &owned, &converged.parameters, &RECIPE, 2).unwrap();
    assert_eq!(hold_outs.len(), 2);
    assert!(hold_outs[0].records >= hold_outs[1].records);
    for held in &hold_outs {
        // The full model has seen these records.
        assert!(held.found.model.value <= held.found.other.value, "{held:?}");
        assert!(held.found.model.value > 0.6, "{held:?}");
    }

    let attribution = AttributionSettings {
        target: Target::Margin,
        layers: Layers::All,
        damping: Some(2.0 * RECIPE.weight_decay),
        denominator: 300,
        expectation: usual_expectation(Target::Margin, 10, 1),
        curvature: CurvatureKind::BySize,
        directions: Directions::BySize,
        gate_seed: 1,
        threads: 1,
    };
    let held_out = HeldOut::apart(held_out);
    let attributed = attribute(&runtime(), &graph, &owned, &held_out, &attribution, |_| ()).unwrap();
    let settings =
        AuditSettings { target: Target::Margin, recipe: RECIPE, denominator: 300, coalitions: 8, seed: 1, threads: 2 };
    let at = Model { graph, parameters: model.parameters.clone() };
    let audited = audit(&runtime(), &at, &attributed, &owned, &held_out.records, &settings, |_| ()).unwrap();
    let settings = FrontierSettings {
        attribution,
        weight_decays: vec![RECIPE.weight_decay, 0.1],
        tolerance: RECIPE.tolerance,
        most_steps: RECIPE.most_steps,
        coalitions: 8,
        threads: 2,
    };
    let mut heard = 0;
    let points = frontier(&runtime(), &model, &owned, &held_out, &test, &settings, |_| heard += 1).unwrap();
    assert_eq!((points.len(), heard), (2, 2));
    // The first is the model itself, from another start.
    assert!((points[0].found.value - found.accuracy.value).abs() < 0.02, "{points:?}");
    assert!((points[0].contributor_lds.value - audited.contributor_lds.mean).abs() < 0.05, "{points:?}");

    let findings = Findings {
        evaluation,
        comparisons,
        slices,
        hold_outs,
        frontier: points,
        attribution: Some(AttributionFindings::of(attributed.table(), Some(&audited))),
    };
    let names = (0..10).map(|digit| digit.to_string()).collect();
    let simulated = "Contributors are simulated.".to_owned();
    let card = ModelCard::new(subject("digits", names, 300, 5, &converged), findings, vec![simulated]);
    let markdown = written(&card);
    let Evaluation::Classification(found) = &card.findings.evaluation else { panic!("a classifier") };
    assert!(markdown.contains(&format!("| Accuracy | {:.4} |", found.accuracy.value)), "{markdown}");
    assert!(markdown.contains("(frontier.svg)") && markdown.contains("| Contributor LDS |"), "{markdown}");
    assert!(markdown.contains("- Contributors are simulated."));
}

/// Wisconsin breast cancer as bench/data/README.md describes it, every measurement scaled to mean 0 and deviation 1.
fn breast_cancer() -> (Schema, Vec<Record>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/data/breast_cancer.csv");
    let text = fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    let features = Array2::from_shape_fn((rows.len(), 30), |(row, column)| rows[row][column]);
    let features = (&features - &features.mean_axis(Axis(0)).unwrap()) / features.std_axis(Axis(0), 0.0);
    let names = vec!["malignant".to_owned(), "benign".to_owned()];
    let column =
        |place| schema::Column { name: format!("m{place}"), kind: ColumnKind::Number { least: None, most: None } };
    let schema = Schema {
        task: Task::Classification,
        features: Features::Table { columns: (0..30).map(column).collect() },
        label: Label::Class { names: names.clone() },
    };
    let record = |row: usize| {
        let mut fields: Vec<Field<'_>> = features.row(row).iter().map(|value| Field::Number(*value)).collect();
        fields.push(Field::Text(&names[rows[row][30] as usize]));
        schema.record(&fields).unwrap()
    };
    let mut records: Vec<Record> = (0..rows.len()).map(record).collect();
    records.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
    (schema, records)
}

#[test]
fn two_classes_of_a_table_have_a_curve_and_thirds() {
    let (schema, records) = breast_cancer();
    let (training, test) = records.split_at(400);
    let [of_training, of_test] = [training, test].map(|records| labelled(&schema, records).unwrap());
    let scaling = InputScaling { shift: 0.0, scale: 1.0 };
    let model = Architecture::Perceptron(MultilayerPerceptron::default()).model(30, 2, scaling, 1).unwrap();
    let (graph, converged) = trained(&model, Target::Margin, &of_training, &RECIPE);
    let answers = Answers::of(&runtime(), &graph, &of_test).unwrap();
    let evaluation = Evaluation::of(&answers).unwrap();
    let Evaluation::Classification(found) = &evaluation else { panic!("{evaluation:?}") };
    let area = found.area_under_curve.unwrap();
    assert!(area.value > 0.98 && area.low > 0.95 && area.high <= 1.0, "{area:?}");
    assert!(found.accuracy.low > 0.9 && found.macro_f1.value > 0.94 && found.brier_score.value < 0.1, "{found:?}");

    let trivial = Baseline::of(of_training.labels(), 2).unwrap();
    let comparison = compare(trivial.name(), &answers, &trivial.answers(of_test.labels()).unwrap()).unwrap();
    // 357 of 569 are benign.
    assert!((comparison.metrics[0].other.value - 357.0 / 569.0).abs() < 0.1, "{comparison:?}");
    let slices = on_slices(&answers, &slices(&schema, test));
    // Two classes and thirds of the first twelve columns.
    assert_eq!(slices.len(), 2 + 3 * 12);
    assert!(slices.iter().skip(2).all(|slice| (50..=64).contains(&slice.records)), "{slices:?}");
    let names = vec!["malignant".to_owned(), "benign".to_owned()];
    let findings = Findings { comparisons: vec![comparison], slices, ..Findings::of(evaluation.clone()) };
    let card = ModelCard::new(subject("breast cancer", names, 400, 1, &converged), findings, Vec::new());
    let markdown = written(&card);
    assert!(markdown.contains("| Area under the ROC curve | 0.9"), "{markdown}");
    assert!(markdown.contains("| benign |") && markdown.contains("| m0: at most "), "{markdown}");
}
