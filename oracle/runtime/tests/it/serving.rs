//! Records through the queue: values, batches, refusals, shutdown.

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use ndarray::Array2;
use tributary_runtime::{Model, RuntimeError};

use crate::{
    load,
    onnx::{linear, linear_answer, logarithm, shifted, slow},
};

fn record(i: usize) -> [f32; 3] {
    [i as f32, (i * 7 % 13) as f32, -(i as f32) / 4.0]
}

/// A model whose passes take milliseconds, so that requests gather behind one.
fn busy(max_batch: usize, queue: usize) -> Arc<Model> {
    Arc::new(load(slow(512, 160), max_batch, queue).unwrap())
}

#[tokio::test]
async fn a_record_is_answered() {
    let model = load(linear(), 8, 8).unwrap();
    let mut outputs = model.run(vec![1.0, 2.0, 3.0]).await.unwrap();
    let (logits, sketch) = linear_answer([1.0, 2.0, 3.0]);
    assert_eq!(outputs.get("logits"), Some(&logits[..]));
    assert_eq!(outputs.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["logits", "sketch"]);
    assert_eq!(outputs.take("sketch"), Some(sketch.to_vec()));
    assert_eq!(outputs.get("sketch"), None);
}

#[tokio::test]
async fn an_input_with_a_default_is_not_asked_for() {
    let model = load(shifted(), 8, 8).unwrap();
    assert_eq!((model.input().name(), model.input().width()), ("x", 2));
    assert_eq!(model.run(vec![1.0, 2.0]).await.unwrap().get("y"), Some(&[2.0, 3.0][..]));
}

#[tokio::test]
async fn concurrent_callers_share_passes_and_each_gets_its_own_row() {
    let model = Arc::new(load(linear(), 16, 4096).unwrap());
    let callers: Vec<_> = (0..2000)
        .map(|i| {
            let model = Arc::clone(&model);
            tokio::spawn(async move { (i, model.run(record(i).to_vec()).await.unwrap()) })
        })
        .collect();
    for caller in callers {
        let (i, outputs) = caller.await.unwrap();
        let (logits, sketch) = linear_answer(record(i));
        assert_eq!(outputs.get("logits"), Some(&logits[..]), "record {i}");
        assert_eq!(outputs.get("sketch"), Some(&sketch[..]), "record {i}");
    }
    let stats = model.stats();
    assert_eq!(stats.records, 2000);
    assert!(stats.largest_batch <= 16, "{stats:?}");
}

#[tokio::test]
async fn what_gathers_while_the_session_is_busy_becomes_one_batch() {
    let model = busy(64, 64);
    let callers: Vec<_> = (0..20)
        .map(|i| {
            let model = Arc::clone(&model);
            tokio::spawn(async move { model.run(vec![i as f32; 512]).await.unwrap() })
        })
        .collect();
    for (i, caller) in callers.into_iter().enumerate() {
        let outputs = caller.await.unwrap();
        let row = outputs.get("h160").unwrap();
        assert!(row.iter().all(|number| (number - i as f32).abs() < 1e-3), "record {i}: {}", row[0]);
    }
    let stats = model.stats();
    assert_eq!(stats.records, 20);
    assert!(stats.passes < 20 && stats.largest_batch > 1, "{stats:?}");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let model = busy(1, 2);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let model = Arc::clone(&model);
            tokio::spawn(async move { model.run(vec![1.0; 512]).await })
        })
        .collect();
    let mut refused = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(_) => {}
            Err(RuntimeError::QueueFull { capacity: 2 }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
    assert!(model.run(vec![1.0; 512]).await.is_ok(), "it serves again once there is room");
}

#[tokio::test]
async fn requests_of_callers_that_left_are_not_computed() {
    let model = busy(1, 64);
    let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(model.run(vec![1.0; 512]))).collect();
    for request in &mut waiting {
        // One poll puts the request into the queue.
        assert!(request.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(waiting);
    model.run(vec![1.0; 512]).await.unwrap();
    let stats = model.stats();
    assert!(stats.abandoned >= 1, "{stats:?}");
    assert_eq!(stats.abandoned + stats.records, 11, "{stats:?}");
}

#[tokio::test]
async fn wrong_width_and_non_finite_records_are_refused() {
    let model = load(linear(), 8, 8).unwrap();
    for got in [0, 2, 4, 64] {
        let error = model.run(vec![0.0; got]).await.unwrap_err();
        assert_eq!(error, RuntimeError::WrongWidth { input: "x".into(), expected: 3, got });
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = model.run(vec![0.0, value, 0.0]).await.unwrap_err();
        assert_eq!(error, RuntimeError::NonFiniteInput { index: 1, value: value.to_string() });
    }
    assert_eq!(model.stats().passes, 0);
}

#[tokio::test]
async fn an_answer_that_is_not_finite_is_refused_for_its_own_record_only() {
    let model = Arc::new(load(logarithm(), 8, 8).unwrap());
    let (bad, good) = tokio::join!(model.run(vec![-1.0]), model.run(vec![1.0]));
    assert_eq!(bad.unwrap_err(), RuntimeError::NonFiniteOutput { output: "y".into() });
    assert_eq!(good.unwrap().get("y"), Some(&[0.0][..]));
}

#[test]
fn offline_records_are_answered_in_blocks() {
    let model = load(linear(), 7, 1).unwrap();
    let records = Array2::from_shape_fn((50, 3), |(i, j)| record(i)[j]);
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

#[test]
fn offline_records_are_checked_too() {
    let model = load(linear(), 8, 8).unwrap();
    let error = model.run_batch(Array2::zeros((2, 5)).view()).unwrap_err();
    assert_eq!(error, RuntimeError::WrongWidth { input: "x".into(), expected: 3, got: 5 });
    let mut records = Array2::zeros((2, 3));
    records[[1, 2]] = f32::NAN;
    assert!(matches!(model.run_batch(records.view()), Err(RuntimeError::NonFiniteInput { index: 2, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_and_online_take_turns() {
    let model = Arc::new(load(linear(), 4, 256).unwrap());
    let offline = tokio::task::spawn_blocking({
        let model = Arc::clone(&model);
        move || model.run_batch(Array2::ones((400, 3)).view()).unwrap()
    });
    for i in 0..100 {
        let outputs = model.run(record(i).to_vec()).await.unwrap();
        assert_eq!(outputs.get("logits"), Some(&linear_answer(record(i)).0[..]));
    }
    assert_eq!(offline.await.unwrap()["logits"].nrows(), 400);
}

#[tokio::test]
async fn dropping_a_model_ends_its_thread_and_leaves_others_running() {
    let first = load(linear(), 8, 8).unwrap();
    let second = load(linear(), 8, 8).unwrap();
    first.run(vec![0.0; 3]).await.unwrap();
    drop(first);
    assert!(second.run(vec![0.0; 3]).await.is_ok());
}
