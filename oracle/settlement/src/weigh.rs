//! What a sub-pool's receipts say about each contributor: one pass over the table for a block of receipts at a time.

use tributary_sdk::{U256, sketch::Sketch, table::ContributorTable};

use crate::{SettlementError, Usage, share::ReceiptShare, total::Total};

/// Scores held at a time, over all receipts of a block: 1 MiB, so that they stay in the second-level cache.
const BLOCK_SCORES: usize = 128 * 1024;

/// Receipts a block holds, however many contributors there are: enough that the scores and not the table's way through
/// memory take the time.
const LEAST_RECEIPTS: usize = 8;
const MOST_RECEIPTS: usize = 64;

/// How a policy judges a score before anything is summed.
pub(crate) trait Rule {
    /// The part of the score that counts, for a contributor who does or does not pass the gate. Of the same sign or zero.
    fn counted(passes_gate: bool, score: i64) -> i64;
}

/// How many receipts are scored in one pass over the table.
pub(crate) fn block(table: &ContributorTable) -> usize {
    let fitting = BLOCK_SCORES.checked_div(table.rows().len()).unwrap_or(LEAST_RECEIPTS);
    fitting.clamp(LEAST_RECEIPTS, MOST_RECEIPTS)
}

/// Scores of a block of receipts, which may belong to several sub-pools, and what each receipt divides by.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    /// `[contributors, receipts]`.
    scores: Vec<i64>,
    /// `[receipts]`.
    shares: Vec<Option<ReceiptShare>>,
}

impl Scores {
    /// Scores the receipts as the rule counts them. The sketches fit the table: that is checked before.
    pub(crate) fn fill<R: Rule>(
        &mut self,
        table: &ContributorTable,
        receipts: &[Usage<'_>],
    ) -> Result<(), SettlementError> {
        const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a receipt's positive scores" };

        let sketches: Vec<&Sketch> = receipts.iter().map(|usage| usage.sketch).collect();
        table.scores_into(&sketches, &mut self.scores).map_err(SettlementError::Table)?;
        let mut divisors = vec![0_u128; receipts.len()];
        for (row, scores) in table.rows().iter().zip(self.scores.chunks_exact_mut(receipts.len().max(1))) {
            for (divisor, score) in divisors.iter_mut().zip(scores) {
                *score = R::counted(row.passes_gate, *score);
                let positive = u128::from((*score).max(0).unsigned_abs());
                *divisor = divisor.checked_add(positive).ok_or(OVERFLOW)?;
            }
        }
        let shares = receipts.iter().zip(divisors).map(|(usage, divisor)| ReceiptShare::new(usage.units, divisor));
        self.shares.clear();
        self.shares.extend(shares);
        Ok(())
    }

    /// Adds `count` of the receipts, from the one at `first`, to the contributors' totals.
    pub(crate) fn add_to(&self, totals: &mut [Total], first: usize, count: usize) -> Result<(), SettlementError> {
        for (total, scores) in totals.iter_mut().zip(self.scores.chunks_exact(self.shares.len().max(1))) {
            let run = self.shares.iter().zip(scores.iter().copied()).skip(first).take(count);
            total.add(run)?;
        }
        Ok(())
    }
}

/// Each contributor's weight in the sub-pool, `[contributors]` in table order: gated, clipped, and scaled so that all
/// weights add up to less than 2¹²⁸. `None` if no weight is positive.
pub(crate) fn weights(table: &ContributorTable, totals: &[Total]) -> Result<Option<Vec<u128>>, SettlementError> {
    let clipped: Vec<U256> = table
        .rows()
        .iter()
        .zip(totals)
        .map(|(row, total)| if row.passes_gate { total.clipped() } else { U256::ZERO })
        .collect();
    narrow(&clipped)
}

/// Shifts all weights right by the fewest bits that bring their sum below 2¹²⁸, usually none.
fn narrow(weights: &[U256]) -> Result<Option<Vec<u128>>, SettlementError> {
    const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a sub-pool's total" };

    let sum = weights.iter().try_fold(U256::ZERO, |sum, weight| sum.checked_add(*weight)).ok_or(OVERFLOW)?;
    if sum.is_zero() {
        return Ok(None);
    }
    let shift = sum.bit_len().saturating_sub(128);
    let narrowed = weights
        .iter()
        .map(|weight| u128::try_from(weight.wrapping_shr(shift)).map_err(|_| OVERFLOW))
        .collect::<Result<_, _>>()?;
    Ok(Some(narrowed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weights_beyond_128_bits_keep_their_proportions() {
        let large = U256::from(3) << 200;
        let weights = narrow(&[large, U256::from(1) << 200, U256::from(5)]).unwrap().unwrap();
        assert_eq!(weights, [3 << 125, 1 << 125, 0]);
        assert!(weights.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight)).is_some());
    }

    proptest! {
        #[test]
        fn a_narrowed_sum_always_fits(weights in prop::collection::vec(any::<[u64; 3]>(), 1..30)) {
            let weights: Vec<U256> = weights.iter().map(|[a, b, c]| U256::from_limbs([*a, *b, *c, 0])).collect();
            if let Some(narrowed) = narrow(&weights).unwrap() {
                let sum = narrowed.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight));
                prop_assert!(sum.is_some_and(|sum| sum > 0));
            }
        }
    }
}
