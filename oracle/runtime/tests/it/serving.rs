//! Records in, answers out: values, shapes, refusals.

use std::sync::Arc;

use ndarray::Array2;
use tributary_runtime::{Model, ModelOptions, RuntimeError};

use crate::{
    load,
    onnx::{linear, linear_answer, logarithm, shifted},
    runtime,
};

fn record(i: usize) -> [f32; 3] {
    [i as f32, (i * 7 % 13) as f32, -(i as f32) / 4.0]
}

/// Records `first` to `first + count`, side by side.
fn records(first: usize, count: usize) -> Vec<f32> {
    (first..first + count).flat_map(record).collect()
}

#[tokio::test]
async fn a_record_is_answered() {
    let model = load(linear(), 8, 8).unwrap();
    let answer = model.run(vec![1.0, 2.0, 3.0], None).await.unwrap();
    let (logits, sketch) = linear_answer([1.0, 2.0, 3.0]);
    let mut outputs = answer.outputs;
    assert_eq!((outputs.records(), answer.timing.batch), (1, 1));
    assert_eq!(outputs.get("logits"), Some(&logits[..]));
    assert_eq!(outputs.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["logits", "sketch"]);
    assert_eq!(outputs.take("sketch"), Some(sketch.to_vec()));
    assert_eq!(outputs.get("sketch"), None);
}

#[tokio::test]
async fn several_records_are_answered_row_by_row_in_one_pass() {
    let model = load(linear(), 8, 8).unwrap();
    let answer = model.run(records(3, 5), None).await.unwrap();
    let (logits, sketches): (Vec<_>, Vec<_>) = (3..8).map(record).map(linear_answer).unzip();
    assert_eq!((answer.outputs.records(), answer.timing.batch), (5, 5));
    assert_eq!(answer.outputs.get("logits"), Some(&logits.concat()[..]));
    assert_eq!(answer.outputs.get("sketch"), Some(&sketches.concat()[..]));
    assert_eq!(model.stats().passes, 1);
}

#[tokio::test]
async fn an_input_with_a_default_is_not_asked_for() {
    let model = load(shifted(), 8, 8).unwrap();
    assert_eq!((model.input().name(), model.input().width()), ("x", 2));
    assert_eq!(model.run(vec![1.0, 2.0], None).await.unwrap().outputs.get("y"), Some(&[2.0, 3.0][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_callers_share_passes_and_each_gets_its_own_rows() {
    let options = ModelOptions { max_batch: 16, queue: 4096, sessions: 3, ..ModelOptions::default() };
    let model = Arc::new(Model::load(&runtime(), linear(), options).unwrap());
    let callers: Vec<_> = (0..2000)
        .map(|i| {
            let model = Arc::clone(&model);
            tokio::spawn(async move { (i, model.run(records(i, 1 + i % 5), None).await.unwrap()) })
        })
        .collect();
    for caller in callers {
        let (i, answer) = caller.await.unwrap();
        let count = 1 + i % 5;
        let (logits, sketches): (Vec<_>, Vec<_>) = (i..i + count).map(record).map(linear_answer).unzip();
        assert_eq!(answer.outputs.get("logits"), Some(&logits.concat()[..]), "request {i}");
        assert_eq!(answer.outputs.get("sketch"), Some(&sketches.concat()[..]), "request {i}");
        assert!((count..=16).contains(&answer.timing.batch), "{:?}", answer.timing);
    }
    let stats = model.stats();
    assert_eq!(stats.records, 2000 * 3);
    assert!(stats.largest_batch <= 16, "{stats:?}");
    assert_eq!(model.passes_by_session().iter().sum::<u64>(), stats.passes);

    let (sizes, seconds) = (model.batch_sizes().snapshot(), model.pass_seconds().snapshot());
    assert_eq!((sizes.count, sizes.sum), (stats.passes, stats.records as f64));
    assert_eq!(seconds.count, stats.passes);
    assert!(seconds.sum > 0.0);
    let up_to_16 = model.batch_sizes().bounds().iter().position(|bound| *bound == 16.0).unwrap();
    assert_eq!(sizes.cumulative[up_to_16], stats.passes);
}

#[tokio::test]
async fn what_is_no_batch_of_finite_records_is_refused() {
    let model = load(linear(), 8, 8).unwrap();
    for got in [0, 2, 4, 64] {
        let error = model.run(vec![0.0; got], None).await.unwrap_err();
        assert_eq!(error, RuntimeError::WrongWidth { input: "x".into(), expected: 3, got });
    }
    let error = model.run(vec![0.0; 9 * 3], None).await.unwrap_err();
    assert_eq!(error, RuntimeError::TooManyRecords { got: 9, most: 8 });
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = model.run(vec![0.0, 0.0, 0.0, 0.0, value, 0.0], None).await.unwrap_err();
        assert_eq!(error, RuntimeError::NonFiniteInput { record: 1, index: 1, value: value.to_string() });
        assert!(!error.is_retryable());
    }
    assert_eq!(model.stats().passes, 0);
    assert_eq!((model.check(&records(0, 1)), model.check(&records(0, 8))), (Ok(1), Ok(8)));
    assert_eq!(model.max_batch(), 8);
}

#[tokio::test]
async fn an_answer_that_is_not_finite_is_refused_for_its_own_request_only() {
    let model = load(logarithm(), 8, 8).unwrap();
    let (bad, good) = tokio::join!(model.run(vec![1.0, -1.0], None), model.run(vec![1.0], None));
    assert_eq!(bad.unwrap_err(), RuntimeError::NonFiniteOutput { output: "y".into() });
    assert_eq!(good.unwrap().outputs.get("y"), Some(&[0.0][..]));
}

#[test]
fn offline_records_are_answered_in_blocks() {
    let records = Array2::from_shape_fn((50, 3), |(i, j)| record(i)[j]);
    for sessions in [1, 3] {
        let options = ModelOptions { max_batch: 7, queue: 1, sessions, ..ModelOptions::default() };
        let model = Model::load(&runtime(), linear(), options).unwrap();
        let outputs = model.run_batch(records.view()).unwrap();
        for i in 0..50 {
            let (logits, sketch) = linear_answer(record(i));
            assert_eq!(outputs["logits"].row(i).to_vec(), logits);
            assert_eq!(outputs["sketch"].row(i).to_vec(), sketch);
        }
        assert_eq!(model.stats().passes, 8);

        let none = model.run_batch(Array2::zeros((0, 3)).view()).unwrap();
        assert_eq!(none["sketch"].dim(), (0, 4));
    }
}

#[test]
fn offline_records_are_checked_too() {
    let model = load(linear(), 2, 8).unwrap();
    let error = model.run_batch(Array2::zeros((2, 5)).view()).unwrap_err();
    assert_eq!(error, RuntimeError::WrongWidth { input: "x".into(), expected: 3, got: 5 });
    let mut records = Array2::zeros((6, 3));
    records[[5, 2]] = f32::NAN;
    let error = model.run_batch(records.view()).unwrap_err();
    assert_eq!(error, RuntimeError::NonFiniteInput { record: 5, index: 2, value: "NaN".into() });
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_and_online_take_turns() {
    let model = Arc::new(load(linear(), 4, 256).unwrap());
    let offline = tokio::task::spawn_blocking({
        let model = Arc::clone(&model);
        move || model.run_batch(Array2::ones((400, 3)).view()).unwrap()
    });
    for i in 0..100 {
        let answer = model.run(record(i).to_vec(), None).await.unwrap();
        assert_eq!(answer.outputs.get("logits"), Some(&linear_answer(record(i)).0[..]));
    }
    assert_eq!(offline.await.unwrap()["logits"].nrows(), 400);
}
