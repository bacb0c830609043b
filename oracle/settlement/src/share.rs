//! One receipt's weight, divided in proportion to its scores.

use tributary_sdk::U256;

use crate::SettlementError;

/// One in 2⁻⁶⁴ fixed point.
const ONE: u128 = 1 << 64;

const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a contributor's total" };

/// `⌊units · score · 2⁶⁴ / divisor⌋` for many scores of one receipt, exactly.
///
/// An epoch takes one such quotient for every receipt and contributor, so it is two multiplications where that is enough
/// and a long division where it is not. With `units · 2⁶⁴ = whole · divisor + rest`, the quotient is
/// `score · whole + ⌊score · rest / divisor⌋`. `fraction` is `rest / divisor` rounded down to 2⁻⁶⁴, so the second term
/// lies in `[score · fraction, score · (fraction + 1))` in units of 2⁻⁶⁴; unless the interval holds an integer above
/// its start, the integer part of its start is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptShare {
    units: u64,
    divisor: u128,
    /// Both parts, where `whole` fits 64 bits: whenever the positive scores add up to no less than the units.
    quick: Option<Quick>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quick {
    whole: u64,
    fraction: u64,
}

impl ReceiptShare {
    /// Of a receipt with these units whose positive scores add up to `divisor`; `None` if that is zero: such a receipt
    /// says nothing about anybody.
    pub(crate) fn new(units: u64, divisor: u128) -> Option<Self> {
        let weight = u128::from(units).checked_mul(ONE)?;
        let (whole, rest) = (weight.checked_div(divisor)?, weight.checked_rem(divisor)?);
        let fraction = U256::from(rest).checked_mul(U256::from(ONE))?.checked_div(U256::from(divisor))?;
        let quick = u64::try_from(whole).ok().zip(u64::try_from(fraction).ok());
        Some(Self { units, divisor, quick: quick.map(|(whole, fraction)| Quick { whole, fraction }) })
    }

    /// The share of this score's magnitude in 2⁻⁶⁴ units, if two multiplications settle it. Below 2¹²⁸.
    #[inline]
    pub(crate) fn quick(&self, score: u64) -> Option<u128> {
        let Quick { whole, fraction } = self.quick?;
        let second = u128::from(score).checked_mul(u128::from(fraction))?;
        // The interval's start has this fractional part; it is `score` long.
        (second as u64).checked_add(score)?;
        u128::from(score).checked_mul(u128::from(whole))?.checked_add(second >> 64)
    }

    /// The share of this score's magnitude in 2⁻⁶⁴ units, by long division. Below 2¹⁹¹ for a score's magnitude of at
    /// most 2⁶³.
    #[cold]
    pub(crate) fn long(&self, score: u64) -> Result<U256, SettlementError> {
        let product = u128::from(self.units).checked_mul(u128::from(score)).ok_or(OVERFLOW)?;
        match product.checked_mul(ONE) {
            Some(numerator) => numerator.checked_div(self.divisor).map(U256::from),
            None => U256::from(product)
                .checked_mul(U256::from(ONE))
                .and_then(|numerator| numerator.checked_div(U256::from(self.divisor))),
        }
        .ok_or(OVERFLOW)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(units: u64, score: u64, divisor: u128) -> U256 {
        U256::from(units) * U256::from(score) * U256::from(ONE) / U256::from(divisor)
    }

    #[test]
    fn a_receipt_without_a_positive_score_has_no_share() {
        assert_eq!(ReceiptShare::new(7, 0), None);
    }

    #[test]
    fn an_interval_around_an_integer_is_left_to_the_long_division() {
        // 2⁶³ · 2⁶⁴ / 3 · 3: the exact quotient is an integer, the fraction's rounding puts the start just below it.
        let share = ReceiptShare::new(1, 3).unwrap();
        assert_eq!(share.quick(3), None);
        assert_eq!(share.long(3), Ok(U256::from(ONE)));
        assert_eq!(share.quick(2), Some(ONE * 2 / 3));
    }

    #[test]
    fn typical_scores_almost_never_need_the_long_division() {
        let share = ReceiptShare::new(3, 1_234_567_891_234_567).unwrap();
        let slow = (0..100_000_u64).filter(|score| share.quick(score * 987_654_321).is_none()).count();
        assert!(slow < 10, "{slow}");
    }

    proptest! {
        #[test]
        fn both_ways_are_exact(units: u64, score: u64, divisor in 1_u128..1 << 95, shift in 0..64_u32) {
            let (score, divisor) = (score >> shift, (divisor >> shift).max(1));
            let share = ReceiptShare::new(units, divisor).unwrap();
            let expected = exact(units, score, divisor);
            prop_assert_eq!(share.long(score), Ok(expected));
            if let Some(quick) = share.quick(score) {
                prop_assert_eq!(U256::from(quick), expected);
            }
        }

        #[test]
        fn shares_near_integers_are_exact(units in 1..1000_u64, part in 1..1_u64 << 40, multiple in 1..1000_u64, off in 0..3_u64) {
            let share = ReceiptShare::new(units, u128::from(part) * u128::from(multiple)).unwrap();
            let score = (part + off).saturating_sub(1);
            let expected = exact(units, score, u128::from(part) * u128::from(multiple));
            prop_assert_eq!(share.quick(score).map_or_else(|| share.long(score).unwrap(), U256::from), expected);
        }
    }
}
