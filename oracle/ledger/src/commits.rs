//! What the writer has done so far, for an operator's metrics.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Commits since the ledger was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CommitStats {
    /// Those that succeeded.
    pub commits: u64,
    /// Writes in them: rows reserved, earned or voided, sign-ins, seals.
    pub writes: u64,
    /// Those that failed, with all their writes.
    pub failed: u64,
    /// Seconds that they all took.
    pub seconds: f64,
}

/// [`CommitStats`] while the writer counts.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    commits: AtomicU64,
    writes: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
}

impl Commits {
    pub(crate) fn count(&self, writes: usize, failed: bool, took: Duration) {
        if failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        } else {
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.writes.fetch_add(writes as u64, Ordering::Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> CommitStats {
        CommitStats {
            commits: self.commits.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            seconds: Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64(),
        }
    }
}
