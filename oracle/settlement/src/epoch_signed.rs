//! `epoch-signed/1`: what a sub-pool's receipts say about each contributor.

use tributary_sdk::{U256, table::ContributorTable};

use crate::{SettlementError, SubPool};

/// One in 2⁻⁶⁴ fixed point.
const ONE: u128 = 1 << 64;

const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a contributor's total" };

/// A signed running total in 2⁻⁶⁴ units. Both sides only grow, so the order of receipts cannot matter.
///
/// One term is below 2¹⁹¹ (64 bits of units, 63 of score, 64 of fraction), so 2⁶⁴ receipts fit.
#[derive(Clone, Copy, Default)]
struct Total {
    gained: U256,
    lost: U256,
}

impl Total {
    fn clipped(self) -> U256 {
        self.gained.saturating_sub(self.lost)
    }
}

/// Each contributor's weight in the sub-pool, `[contributors]` in table order: gated, clipped, and scaled so that all
/// weights add up to less than 2¹²⁸. `None` if no weight is positive.
pub(crate) fn weights(table: &ContributorTable, subpool: &SubPool<'_>) -> Result<Option<Vec<u128>>, SettlementError> {
    let mut totals = vec![Total::default(); table.rows().len()];
    for (receipt, usage) in subpool.receipts.iter().enumerate() {
        let scores = table.scores(usage.sketch).map_err(|source| SettlementError::Sketch {
            subpool: subpool.id,
            receipt,
            source,
        })?;
        add(&mut totals, usage.units, &scores)?;
    }
    let clipped: Vec<U256> = table
        .rows()
        .iter()
        .zip(&totals)
        .map(|(row, total)| if row.passes_gate { total.clipped() } else { U256::ZERO })
        .collect();
    narrow(&clipped)
}

/// Adds one receipt's terms, `units · score / Σ score⁺`, to the totals.
fn add(totals: &mut [Total], units: u64, scores: &[i64]) -> Result<(), SettlementError> {
    let divisor = scores
        .iter()
        .filter(|score| **score > 0)
        .try_fold(0_u128, |sum, score| sum.checked_add(u128::from(score.unsigned_abs())))
        .ok_or(OVERFLOW)?;
    if divisor == 0 {
        return Ok(());
    }
    for (total, score) in totals.iter_mut().zip(scores) {
        let side = if *score > 0 { &mut total.gained } else { &mut total.lost };
        *side = side.checked_add(term(units, score.unsigned_abs(), divisor)?).ok_or(OVERFLOW)?;
    }
    Ok(())
}

/// `⌊units · score · 2⁶⁴ / divisor⌋`, with `divisor` above 0.
fn term(units: u64, score: u64, divisor: u128) -> Result<U256, SettlementError> {
    let product = u128::from(units).checked_mul(u128::from(score)).ok_or(OVERFLOW)?;
    match product.checked_mul(ONE) {
        Some(numerator) => numerator.checked_div(divisor).map(U256::from),
        None => U256::from(product)
            .checked_mul(U256::from(ONE))
            .and_then(|numerator| numerator.checked_div(U256::from(divisor))),
    }
    .ok_or(OVERFLOW)
}

/// Shifts all weights right by the fewest bits that bring their sum below 2¹²⁸, usually none.
fn narrow(weights: &[U256]) -> Result<Option<Vec<u128>>, SettlementError> {
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

    fn total_of(receipts: &[(u64, [i64; 3])]) -> Vec<Total> {
        let mut totals = vec![Total::default(); 3];
        for (units, scores) in receipts {
            add(&mut totals, *units, scores).unwrap();
        }
        totals
    }

    #[test]
    fn terms_are_signed_shares_of_the_positive_scores() {
        let totals = total_of(&[(1, [3, 1, -2]), (2, [0, 4, 4])]);
        let one = U256::from(ONE);
        assert_eq!(totals[0].clipped(), one * U256::from(3) / U256::from(4));
        assert_eq!(totals[1].clipped(), one / U256::from(4) + one);
        assert_eq!(totals[2].clipped(), one / U256::from(2));
        assert_eq!(totals[2].lost, one / U256::from(2));
    }

    #[test]
    fn a_receipt_without_a_positive_score_adds_nothing() {
        assert!(total_of(&[(9, [0, -5, -7])]).iter().all(|total| total.gained.is_zero() && total.lost.is_zero()));
    }

    #[test]
    fn the_largest_receipts_fit() {
        let totals = total_of(&vec![(u64::MAX, [1, i64::MIN, i64::MAX]); 1000]);
        assert!(totals[1].lost.bit_len() > 127 && totals[1].clipped().is_zero());
    }

    #[test]
    fn weights_beyond_128_bits_keep_their_proportions() {
        let large = U256::from(3) << 200;
        let weights = narrow(&[large, U256::from(1) << 200, U256::from(5)]).unwrap().unwrap();
        assert_eq!(weights, [3 << 125, 1 << 125, 0]);
        assert!(weights.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight)).is_some());
    }

    proptest! {
        #[test]
        fn narrow_and_wide_terms_agree(units: u64, score: u64, divisor in 1_u128..1 << 80) {
            let wide = U256::from(units) * U256::from(score) * U256::from(ONE) / U256::from(divisor);
            prop_assert_eq!(term(units, score, divisor), Ok(wide));
            let small = U256::from(units % 1000) * U256::from(score >> 20) * U256::from(ONE) / U256::from(divisor);
            prop_assert_eq!(term(units % 1000, score >> 20, divisor), Ok(small));
        }

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
