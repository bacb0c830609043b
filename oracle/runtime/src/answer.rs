//! What comes back for one request.

use std::time::Duration;

use crate::Outputs;

/// A request's outputs and what they took.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Every output of the model, for each of the request's records.
    pub outputs: Outputs,
    /// Where the time went.
    pub timing: Timing,
}

/// Where a request's time went between [`Model::run`](crate::Model::run) and the end of its pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From its arrival to the beginning of its pass.
    pub queued: Duration,
    /// The pass that computed it, which it may have shared.
    pub computed: Duration,
    /// Records in that pass, its own included.
    pub batch: usize,
}
