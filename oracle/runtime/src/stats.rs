//! What a model's sessions have done so far.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::Histogram;

/// Upper bounds of the batch sizes' buckets, in records.
const BATCH_BOUNDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// Upper bounds of the passes' buckets, in seconds.
const SECONDS_BOUNDS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counts since the model was loaded, without the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchStats {
    /// Requests in the queue now.
    pub waiting: u64,
    /// ONNX Runtime passes.
    pub passes: u64,
    /// Records computed in them.
    pub records: u64,
    /// Most records in one pass.
    pub largest_batch: u64,
    /// Requests left out because their caller had gone.
    pub abandoned: u64,
    /// Requests left out because their deadline passed in the queue.
    pub expired: u64,
    /// Requests refused because the queue was full.
    pub rejected: u64,
}

/// [`BatchStats`] while the owner threads count.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Passes of each session.
    sessions: Vec<AtomicU64>,
    records: AtomicU64,
    largest_batch: AtomicU64,
    abandoned: AtomicU64,
    expired: AtomicU64,
    rejected: AtomicU64,
    batch_sizes: Histogram,
    pass_seconds: Histogram,
}

impl Counters {
    pub(crate) fn new(sessions: usize) -> Self {
        Self {
            sessions: (0..sessions).map(|_| AtomicU64::new(0)).collect(),
            records: AtomicU64::new(0),
            largest_batch: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            batch_sizes: Histogram::new(BATCH_BOUNDS),
            pass_seconds: Histogram::new(SECONDS_BOUNDS),
        }
    }

    /// Counts a pass of session number `session`.
    pub(crate) fn pass(&self, session: usize, records: usize, took: Duration) {
        if let Some(passes) = self.sessions.get(session) {
            passes.fetch_add(1, Ordering::Relaxed);
        }
        self.batch_sizes.observe(records as f64);
        self.pass_seconds.observe(took.as_secs_f64());
        let records = records as u64;
        self.records.fetch_add(records, Ordering::Relaxed);
        self.largest_batch.fetch_max(records, Ordering::Relaxed);
    }

    pub(crate) fn abandoned(&self, requests: u64) {
        self.abandoned.fetch_add(requests, Ordering::Relaxed);
    }

    pub(crate) fn expired(&self) {
        self.expired.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Passes of each session.
    pub(crate) fn sessions(&self) -> Vec<u64> {
        self.sessions.iter().map(|passes| passes.load(Ordering::Relaxed)).collect()
    }

    pub(crate) fn batch_sizes(&self) -> &Histogram {
        &self.batch_sizes
    }

    pub(crate) fn pass_seconds(&self) -> &Histogram {
        &self.pass_seconds
    }

    /// All counts, with the `waiting` requests of the queue.
    pub(crate) fn read(&self, waiting: usize) -> BatchStats {
        BatchStats {
            waiting: waiting as u64,
            passes: self.sessions().iter().sum(),
            records: self.records.load(Ordering::Relaxed),
            largest_batch: self.largest_batch.load(Ordering::Relaxed),
            abandoned: self.abandoned.load(Ordering::Relaxed),
            expired: self.expired.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
        }
    }
}
