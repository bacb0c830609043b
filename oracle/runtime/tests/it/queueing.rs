//! What happens while the sessions are busy: batches, order, who is left out, the end.

use std::{
    future::ready,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use ndarray::Array2;
use tributary_runtime::{Answer, Model, ModelOptions, RuntimeError};

use crate::{
    load,
    onnx::{linear, slow, slow_lookup},
    runtime,
};

const WIDTH: usize = 512;
const LAYERS: usize = 160;

type Asked<'m> = Pin<Box<dyn Future<Output = Result<Answer, RuntimeError>> + 'm>>;

/// A model whose passes take milliseconds, so that requests gather behind one.
fn busy(max_batch: usize, queue: usize) -> Model {
    load(slow(WIDTH as u64, LAYERS), max_batch, queue).unwrap()
}

/// Records with the given mean.
fn records(count: usize, mean: f32) -> Vec<f32> {
    vec![mean; count * WIDTH]
}

fn poll(asked: &mut Asked<'_>) -> Poll<Result<Answer, RuntimeError>> {
    asked.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Puts a request into the queue. The future that comes back waits for its answer.
fn ask(model: &Model, records: Vec<f32>, deadline: Option<Instant>) -> Asked<'_> {
    let mut asked: Asked<'_> = Box::pin(model.run(records, deadline));
    match poll(&mut asked) {
        Poll::Ready(answer) => Box::pin(ready(answer)),
        Poll::Pending => asked,
    }
}

#[tokio::test]
async fn what_gathers_while_the_session_is_busy_becomes_one_batch() {
    let model = busy(64, 64);
    let asked: Vec<_> = (0..20).map(|i| ask(&model, records(1 + i % 3, i as f32), None)).collect();
    for (i, asked) in asked.into_iter().enumerate() {
        let outputs = asked.await.unwrap().outputs;
        let rows = outputs.get(&format!("h{LAYERS}")).unwrap();
        assert_eq!(rows.len(), (1 + i % 3) * WIDTH);
        assert!(rows.iter().all(|number| (number - i as f32).abs() < 1e-3), "request {i}: {}", rows[0]);
    }
    let stats = model.stats();
    assert_eq!(stats.records, 39);
    assert!(stats.passes < 20 && stats.largest_batch > 3, "{stats:?}");
}

#[tokio::test]
async fn nobody_is_overtaken_and_no_request_is_split() {
    let model = busy(4, 64);
    // The last of each would fit beside a request that came earlier than the large one before it.
    for sizes in [&[1, 1, 4, 1][..], &[3, 3, 4, 2, 4, 1], &[4, 2, 3, 1, 4, 4, 1, 1]] {
        let mut asked: Vec<_> = sizes.iter().map(|count| ask(&model, records(*count, 1.0), None)).collect();
        asked.pop().unwrap().await.unwrap();
        for (mut asked, size) in asked.into_iter().zip(sizes) {
            let Poll::Ready(answer) = poll(&mut asked) else { panic!("{size} records were overtaken") };
            assert!((*size..=4).contains(&answer.unwrap().timing.batch));
        }
    }
    assert!(model.stats().largest_batch <= 4);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let model = busy(1, 2);
    let asked: Vec<_> = (0..50).map(|_| ask(&model, records(1, 1.0), None)).collect();
    assert!(model.stats().waiting <= 2);
    let mut refused = 0;
    for asked in asked {
        if let Err(error) = asked.await {
            assert_eq!(error, RuntimeError::QueueFull { capacity: 2 });
            assert!(error.is_retryable());
            refused += 1;
        }
    }
    let stats = model.stats();
    assert!(refused > 0);
    assert_eq!((stats.rejected, stats.records, stats.waiting), (refused, 50 - refused, 0));
    assert!(model.run(records(1, 1.0), None).await.is_ok(), "it serves again once there is room");
}

#[tokio::test]
async fn requests_of_callers_that_left_are_not_computed() {
    let model = busy(1, 64);
    drop((0..10).map(|_| ask(&model, records(1, 1.0), None)).collect::<Vec<_>>());
    model.run(records(1, 1.0), None).await.unwrap();
    let stats = model.stats();
    assert!(stats.abandoned >= 1, "{stats:?}");
    assert_eq!(stats.abandoned + stats.records, 11, "{stats:?}");
}

#[tokio::test]
async fn a_deadline_that_passes_in_the_queue_costs_no_pass() {
    let model = busy(4, 64);
    let far = Instant::now() + Duration::from_secs(3600);
    let waiting = [ask(&model, records(2, 1.0), None), ask(&model, records(2, 1.0), Some(far))];
    let late: Vec<_> = (0..5).map(|_| ask(&model, records(3, 1.0), Some(Instant::now()))).collect();
    let last = ask(&model, records(2, 1.0), Some(far));
    for asked in waiting.into_iter().chain([last]) {
        asked.await.unwrap();
    }
    for asked in late {
        let error = asked.await.unwrap_err();
        assert!(matches!(error, RuntimeError::DeadlineExceeded { .. }), "{error}");
        assert!(error.is_retryable());
    }
    let stats = model.stats();
    assert_eq!((stats.expired, stats.records, stats.abandoned), (5, 6, 0), "{stats:?}");
}

#[tokio::test]
async fn all_sessions_compute() {
    let options = ModelOptions { max_batch: 1, sessions: 2, ..ModelOptions::default() };
    let model = Model::load(&runtime(), slow(WIDTH as u64, LAYERS), options).unwrap();
    // Which free session wakes up first is not ours to say; under load each of them does before long.
    let mut requests = 0;
    while model.passes_by_session().contains(&0) {
        let asked: Vec<_> = (0..8).map(|_| ask(&model, records(1, 1.0), None)).collect();
        for asked in asked {
            asked.await.unwrap();
        }
        requests += 8;
        assert!(requests < 8_000, "{:?}", model.passes_by_session());
    }
    assert_eq!(model.passes_by_session().len(), 2);
    assert_eq!(model.stats().passes, requests);
}

#[tokio::test]
async fn a_record_that_fails_its_pass_costs_the_others_nothing() {
    let model = load(slow_lookup(WIDTH as u64, LAYERS), 16, 64).unwrap();
    let means = [0.5, 1.5, 9.5, 2.5, 0.5, 9.5, 1.5];
    let asked: Vec<_> = means.iter().map(|mean| ask(&model, records(2, *mean), None)).collect();
    for (mean, asked) in means.into_iter().zip(asked) {
        match asked.await {
            Ok(answer) if mean < 3.0 => {
                assert_eq!(answer.outputs.get("y").unwrap(), vec![5.0 + f32::floor(mean); 2 * WIDTH]);
            }
            Err(RuntimeError::Inference { .. }) if mean > 3.0 => {}
            other => panic!("{mean}: {other:?}"),
        }
    }
    assert!(model.stats().largest_batch > 2, "they shared a pass");
    assert!(model.run(records(1, 0.5), None).await.is_ok());
}

#[tokio::test]
async fn a_closed_model_answers_who_waits_and_nobody_else() {
    let model = busy(2, 64);
    let waiting: Vec<_> = (0..9).map(|_| ask(&model, records(1, 1.0), None)).collect();
    model.close();
    assert_eq!(model.run(records(1, 1.0), None).await, Err(RuntimeError::Stopped));
    assert_eq!(model.run_batch(Array2::ones((1, WIDTH)).view()), Err(RuntimeError::Stopped));
    for asked in waiting {
        asked.await.unwrap();
    }
    assert_eq!(model.stats().records, 9);
}

#[tokio::test]
async fn dropping_a_model_ends_its_threads_and_leaves_others_running() {
    let first = load(linear(), 8, 8).unwrap();
    let second = load(linear(), 8, 8).unwrap();
    first.run(vec![0.0; 3], None).await.unwrap();
    drop(first);
    assert!(second.run(vec![0.0; 3], None).await.is_ok());
}
