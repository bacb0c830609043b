//! `epoch-signed/1`: every score counts, signed; contributors are clipped once, after the sum.

use crate::weigh::Rule;

/// Positive and negative scores of everybody count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EpochSigned;

impl Rule for EpochSigned {
    #[inline]
    fn counted(_passes_gate: bool, score: i64) -> i64 {
        score
    }
}
