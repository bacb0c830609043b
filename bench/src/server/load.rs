//! Clients that each ask one question after another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use eyre::{Result, ensure};
use tokio::task::JoinSet;

use super::{
    question::Question,
    wire::{Answer, Connection},
};

/// Of so many answers one is kept and looked at.
const KEPT: usize = 64;

/// What a server did with some questions.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) seconds: f64,
    /// Of every question, sorted.
    pub(super) latencies: Vec<Duration>,
    /// Some of the answers, with their question's place.
    pub(super) kept: Vec<(usize, Answer)>,
}

impl Answered {
    /// Questions a second.
    pub(super) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }
}

/// Has `clients` ask all the questions, each over a connection of its own that is open before the clock starts.
///
/// # Errors
/// Where a question is not answered with status 200.
pub(super) async fn drive(authority: &str, clients: usize, questions: &Arc<Vec<Question>>) -> Result<Answered> {
    let mut connections = Vec::with_capacity(clients);
    for _ in 0..clients {
        connections.push(Connection::open(authority).await?);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for mut connection in connections {
        let (next, questions) = (Arc::clone(&next), Arc::clone(questions));
        tasks.spawn(async move {
            let (mut latencies, mut kept) = (Vec::new(), Vec::new());
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(question) = questions.get(place) else { return Ok((latencies, kept)) };
                let asked = Instant::now();
                let answer = connection.ask(&question.bytes).await?;
                latencies.push(asked.elapsed());
                ensure!(answer.status == 200, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
                if place.is_multiple_of(KEPT) {
                    kept.push((place, answer));
                }
            }
        });
    }
    let mut answered = Answered { seconds: 0.0, latencies: Vec::with_capacity(questions.len()), kept: Vec::new() };
    while let Some(done) = tasks.join_next().await {
        let (latencies, kept) = done??;
        answered.latencies.extend(latencies);
        answered.kept.extend(kept);
    }
    answered.seconds = began.elapsed().as_secs_f64();
    answered.latencies.sort_unstable();
    Ok(answered)
}

/// The latency that this share of `sorted` ones does not exceed, in milliseconds.
pub(super) fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}
