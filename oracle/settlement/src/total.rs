//! A contributor's running total over a sub-pool, wide enough for any number of receipts.

use tributary_sdk::U256;

use crate::{SettlementError, share::ReceiptShare};

const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a contributor's total" };

/// A signed running total in 2⁻⁶⁴ units. Both sides only grow, so the order of receipts cannot matter.
///
/// One term is below 2¹⁹¹ (64 bits of units, 63 of score, 64 of fraction), so 2⁶⁴ receipts fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) gained: U256,
    pub(crate) lost: U256,
}

impl Total {
    /// Adds a run of receipts: each one's share and this contributor's score, which the policy has already judged.
    #[inline]
    pub(crate) fn add<'r>(
        &mut self,
        receipts: impl Iterator<Item = (&'r Option<ReceiptShare>, i64)>,
    ) -> Result<(), SettlementError> {
        let (mut gained, mut lost) = (Sum::default(), Sum::default());
        for (share, score) in receipts {
            let Some(share) = share else { continue };
            match share.quick(score.unsigned_abs()) {
                // Adding zero on the other side costs less than a branch that no processor can foretell.
                Some(term) => {
                    gained.add(if score > 0 { term } else { 0 });
                    lost.add(if score > 0 { 0 } else { term });
                }
                None => self.add_long(share.long(score.unsigned_abs())?, score)?,
            }
        }
        self.gained = self.gained.checked_add(gained.wide()).ok_or(OVERFLOW)?;
        self.lost = self.lost.checked_add(lost.wide()).ok_or(OVERFLOW)?;
        Ok(())
    }

    #[cold]
    fn add_long(&mut self, term: U256, score: i64) -> Result<(), SettlementError> {
        let side = if score > 0 { &mut self.gained } else { &mut self.lost };
        *side = side.checked_add(term).ok_or(OVERFLOW)?;
        Ok(())
    }

    /// What another thread found of the same contributor in other receipts of the sub-pool.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), SettlementError> {
        self.gained = self.gained.checked_add(other.gained).ok_or(OVERFLOW)?;
        self.lost = self.lost.checked_add(other.lost).ok_or(OVERFLOW)?;
        Ok(())
    }

    /// The total, or zero if it is negative.
    pub(crate) fn clipped(&self) -> U256 {
        self.gained.saturating_sub(self.lost)
    }
}

/// A sum of 128-bit terms: the carries counted apart, of which a slice's length cannot make 2⁶⁴.
#[derive(Clone, Copy, Default)]
struct Sum {
    low: u128,
    carries: u64,
}

impl Sum {
    #[inline]
    fn add(&mut self, term: u128) {
        let (low, carry) = self.low.overflowing_add(term);
        self.low = low;
        self.carries = self.carries.wrapping_add(u64::from(carry));
    }

    fn wide(self) -> U256 {
        U256::from_limbs([self.low as u64, (self.low >> 64) as u64, self.carries, 0])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: u128 = 1 << 64;

    fn total_of(receipts: &[(u64, [i64; 3])]) -> Vec<Total> {
        let divisor = |scores: &[i64; 3]| scores.iter().map(|score| (*score).max(0) as u128).sum();
        let shares: Vec<_> =
            receipts.iter().map(|(units, scores)| ReceiptShare::new(*units, divisor(scores))).collect();
        let mut totals = vec![Total::default(); 3];
        for (contributor, total) in totals.iter_mut().enumerate() {
            total.add(shares.iter().zip(receipts.iter().map(|(_, scores)| scores[contributor]))).unwrap();
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
        assert!(total_of(&[(9, [0, -5, -7])]).iter().all(|total| *total == Total::default()));
    }

    #[test]
    fn the_largest_receipts_fit() {
        let totals = total_of(&vec![(u64::MAX, [1, i64::MIN, i64::MAX]); 1000]);
        assert!(totals[1].lost.bit_len() > 127 && totals[1].clipped().is_zero());
    }

    #[test]
    fn carries_of_large_terms_are_kept() {
        let mut sum = Sum::default();
        (0..5).for_each(|_| sum.add(u128::MAX));
        assert_eq!(sum.wide(), U256::from(u128::MAX) * U256::from(5));
    }

    proptest! {
        #[test]
        fn runs_of_receipts_add_up_however_they_are_cut(
            receipts in prop::collection::vec((any::<u64>(), any::<[i64; 3]>()), 1..20),
            cut in 0..20_usize,
        ) {
            let (first, second) = receipts.split_at(cut.min(receipts.len()));
            let mut totals = total_of(first);
            for (total, other) in totals.iter_mut().zip(total_of(second)) {
                total.merge(&other).unwrap();
            }
            prop_assert_eq!(totals, total_of(&receipts));
        }

        #[test]
        fn totals_are_the_sums_of_exact_terms(receipts in prop::collection::vec((any::<u64>(), any::<[i64; 3]>()), 1..20)) {
            for (contributor, total) in total_of(&receipts).iter().enumerate() {
                let (mut gained, mut lost) = (U256::ZERO, U256::ZERO);
                for (units, scores) in &receipts {
                    let divisor: u128 = scores.iter().map(|score| (*score).max(0) as u128).sum();
                    if divisor > 0 {
                        let magnitude = U256::from(scores[contributor].unsigned_abs());
                        let term = U256::from(*units) * magnitude * U256::from(ONE) / U256::from(divisor);
                        *(if scores[contributor] > 0 { &mut gained } else { &mut lost }) += term;
                    }
                }
                prop_assert_eq!(*total, Total { gained, lost });
            }
        }
    }
}
