//! What a model's thread has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the model was loaded, without the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchStats {
    /// ONNX Runtime passes.
    pub passes: u64,
    /// Records computed in them.
    pub records: u64,
    /// Most records in one pass.
    pub largest_batch: u64,
    /// Requests left out because their caller had gone.
    pub abandoned: u64,
}

/// [`BatchStats`] while the owner thread counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    passes: AtomicU64,
    records: AtomicU64,
    largest_batch: AtomicU64,
    abandoned: AtomicU64,
}

impl Counters {
    pub(crate) fn pass(&self, records: usize) {
        let records = records as u64;
        self.passes.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.largest_batch.fetch_max(records, Ordering::Relaxed);
    }

    pub(crate) fn abandoned(&self) {
        self.abandoned.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> BatchStats {
        BatchStats {
            passes: self.passes.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            largest_batch: self.largest_batch.load(Ordering::Relaxed),
            abandoned: self.abandoned.load(Ordering::Relaxed),
        }
    }
}
