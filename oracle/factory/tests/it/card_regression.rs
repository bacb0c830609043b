//! A regression from known coefficients to the model card, and the contributors whom it never saw.

use ndarray::Array2;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    Column, Labels, OwnedRecords, Records,
    graph::{Builder, Data, Element, Shape, Signature, Tensor},
    targets::Target,
};
use tributary_factory::{
    ModelCard,
    card::Findings,
    evaluate::{Answers, Baseline, Evaluation, Metric, Verdict, compare, holdouts},
    model::{FEATURES, Model},
    train::Convergence,
};
use tributary_sdk::Address;

use crate::card::{runtime, subject, trained, written};

/// `features · weight + bias`, `[batch, 1]`, from zero.
fn linear(width: usize) -> Model {
    let mut builder = Builder::new("linear");
    let features = Signature { name: FEATURES.to_owned(), element: Element::F32, shape: Shape::batched(&[width]) };
    let features = builder.input(features).unwrap();
    let mut parameter = |name: &str, dims: &[usize]| {
        let zeros = Tensor::new(dims.to_vec(), Data::F32(vec![0.0; dims.iter().product()])).unwrap();
        let signature = Signature { name: name.to_owned(), element: Element::F32, shape: Shape::fixed(dims) };
        builder.optional_input(signature, zeros).unwrap()
    };
    let parameters = vec![parameter("weight", &[width, 1]), parameter("bias", &[1])];
    let answer = builder.node("Gemm", "dense", &[&features, &parameters[0], &parameters[1]], Vec::new()).unwrap();
    builder.output_as(&answer, "answer").unwrap();
    let mut graph = builder.finish();
    graph.inputs.retain(|input| !parameters.contains(&input.name));
    Model { graph, parameters }
}

/// `3·a − 2·b + ½` and noise of deviation `1/√12 · 2`; the last contributor says `a` counts the other way.
fn line(records: usize, seed: u64, reversed: impl Fn(usize) -> bool) -> Records {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let features = Array2::from_shape_fn((records, 2), |_| rng.random_range(-2.0f32..2.0));
    let labels = features.outer_iter().enumerate().map(|(record, row)| {
        let sign = if reversed(record) { -1.0 } else { 1.0 };
        sign * 3.0 * row[0] - 2.0 * row[1] + 0.5 + rng.random_range(-1.0f32..1.0)
    });
    let labels = Labels::Values(labels.collect());
    Records::new(vec![(FEATURES.to_owned(), Column::F32(features.into_dyn()))], labels).unwrap()
}

#[test]
fn a_regression_finds_its_coefficients_and_the_newcomer_who_differs() {
    let of = |record: usize| record % 10;
    let training = line(500, 1, |record| of(record) == 9);
    let test = line(400, 2, |_| false);
    let recipe = Convergence { weight_decay: 1e-4, tolerance: 1e-5, most_steps: 2_000 };
    let model = linear(2);
    let honest: Vec<usize> = (0..500).filter(|record| of(*record) != 9).collect();
    let (graph, converged) = trained(&model, Target::Regression, &training.select(&honest), &recipe);
    for (found, expected) in converged.parameters.iter().zip([3.0, -2.0, 0.5]) {
        assert!((found - expected).abs() < 0.1, "{:?}", converged.parameters);
    }

    let answers = Answers::of(&runtime(), &graph, &test).unwrap();
    let evaluation = Evaluation::of(&answers).unwrap();
    let Evaluation::Regression(found) = &evaluation else { panic!("{evaluation:?}") };
    // Of noise that is uniform on [−1, 1]: mean ½, root mean square 1/√3; variance of the signal 13 · 16/12.
    assert!((found.mean_absolute_error.value - 0.5).abs() < 0.05, "{found:?}");
    let rmse = found.root_mean_squared_error;
    assert!(rmse.low < 1.0 / 3f64.sqrt() && 1.0 / 3f64.sqrt() < rmse.high, "{rmse:?}");
    let explained = 1.0 - (1.0 / 3.0) / (13.0 * 16.0 / 12.0 + 1.0 / 3.0);
    assert!((found.variance_explained.unwrap().value - explained).abs() < 0.01, "{found:?} {explained}");
    assert!((found.residuals[1].value + 0.5).abs() < 0.15 && (found.residuals[3].value - 0.5).abs() < 0.15);
    assert_eq!((evaluation.records(), evaluation.correct(), evaluation.accuracy()), (400, 0, 0.0));

    let owners: Vec<Address> = (0..500).map(|record| Address::repeat_byte(of(record) as u8 + 1)).collect();
    let (_, full) = trained(&model, Target::Regression, &training, &recipe);
    let owned = OwnedRecords::new(training.clone(), &owners).unwrap();
    let held = holdouts(&runtime(), &model, Target::Regression, &owned, &full.parameters, &recipe, 20).unwrap();
    assert_eq!(held.len(), 10);
    for held_out in &held {
        assert_eq!((held_out.records, held_out.found.metric), (50, Metric::MeanAbsoluteError));
        let differs = held_out.contributor == Address::repeat_byte(10);
        assert_eq!(held_out.found.model.value > 3.0, differs, "{held_out:?}");
        assert_eq!(held_out.found.verdict() == Verdict::Worse && held_out.found.difference.low > 0.1, differs);
    }
    // Without whom it is the honest ones' model, up to the weight decay's weight.
    let last = held.iter().find(|held| held.contributor == Address::repeat_byte(10)).unwrap();
    let theirs: Vec<usize> = (0..500).filter(|record| of(*record) == 9).collect();
    let of_theirs = Answers::of(&runtime(), &graph, &training.select(&theirs)).unwrap();
    let expected = Metric::MeanAbsoluteError.estimate(&of_theirs).unwrap().value;
    assert!((last.found.model.value - expected).abs() < 1e-3, "{last:?} {expected}");

    let mean = Baseline::of(training.labels(), 1).unwrap();
    let comparison = compare(mean.name(), &answers, &mean.answers(test.labels()).unwrap()).unwrap();
    assert!(comparison.metrics.iter().all(|paired| paired.verdict() == Verdict::Better));
    let findings = Findings { comparisons: vec![comparison], hold_outs: held, ..Findings::of(evaluation) };
    let card = ModelCard::new(subject("line", Vec::new(), 450, 10, &converged), findings, Vec::new());
    let markdown = written(&card);
    assert!(
        markdown.contains("(residuals.svg)") && markdown.contains("mean absolute error without them"),
        "{markdown}"
    );
}

#[test]
fn whoever_has_too_few_records_or_all_is_not_held_out() {
    let training = line(60, 3, |_| false);
    let recipe = Convergence { weight_decay: 1e-2, tolerance: 1e-5, most_steps: 2_000 };
    let model = linear(2);
    let (_, full) = trained(&model, Target::Regression, &training, &recipe);
    let held = |owner: fn(usize) -> u8| {
        let owners: Vec<Address> = (0..60).map(|record| Address::repeat_byte(owner(record))).collect();
        let owned = OwnedRecords::new(training.clone(), &owners).unwrap();
        holdouts(&runtime(), &model, Target::Regression, &owned, &full.parameters, &recipe, 9).unwrap()
    };
    assert!(held(|_| 1).is_empty());
    let found = held(|record| if record < 9 { 1 } else { 2 + (record % 2) as u8 });
    assert_eq!(found.iter().map(|held| held.records).collect::<Vec<_>>(), [26, 25]);
}
