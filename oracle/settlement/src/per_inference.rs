//! `per-inference/1`: every receipt by itself; what is negative in it is nothing.

use crate::weigh::Rule;

/// Positive scores of contributors who pass the gate count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerInference;

impl Rule for PerInference {
    #[inline]
    fn counted(passes_gate: bool, score: i64) -> i64 {
        if passes_gate { score.max(0) } else { 0 }
    }
}
