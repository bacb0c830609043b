//! An amount over weights, to the base unit.

use tributary_sdk::U256;

use crate::SettlementError;

/// Divides `amount` base units in proportion to `weights`, by largest remainder (Hamilton's method).
///
/// Everyone first gets `⌊amount · weight / Σ weights⌋`; the base units that are left go one each to the largest
/// remainders, ties to the lower index. With weights ascending by account, the lower account wins a tie. The result
/// has the length of `weights`, adds up to `amount` exactly, differs from the exact share by less than one base
/// unit, and gives nothing to a weight of zero.
///
/// # Errors
/// [`SettlementError::NoWeights`] if there is money and no positive weight; [`SettlementError::Overflow`] if the
/// weights add up to 2¹²⁸ or more.
pub fn divide(amount: u128, weights: &[u128]) -> Result<Vec<u128>, SettlementError> {
    const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a sum of weights" };

    if amount == 0 {
        return Ok(vec![0; weights.len()]);
    }
    let total = weights.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight)).ok_or(OVERFLOW)?;
    if total == 0 {
        return Err(SettlementError::NoWeights { amount });
    }

    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = amount;
    for (index, weight) in weights.iter().enumerate() {
        let (share, remainder) = share(amount, *weight, total).ok_or(OVERFLOW)?;
        left = left.checked_sub(share).ok_or(OVERFLOW)?;
        shares.push(share);
        if remainder > 0 {
            remainders.push((remainder, index));
        }
    }
    // The remainders add up to `left · total` and each is below `total`, so more than `left` of them are positive
    // or `left` is zero: no zero weight is reached. Which ones are the largest is all that matters, not their order.
    let left = usize::try_from(left).map_err(|_| OVERFLOW)?;
    if left < remainders.len() {
        remainders.select_nth_unstable_by(left, |(a, i), (b, j)| b.cmp(a).then(i.cmp(j)));
    }
    for (_, index) in remainders.into_iter().take(left) {
        if let Some(share) = shares.get_mut(index) {
            *share = share.checked_add(1).ok_or(OVERFLOW)?;
        }
    }
    Ok(shares)
}

/// `amount · weight` divided by `total`, with what remains; no wider than it must be.
fn share(amount: u128, weight: u128, total: u128) -> Option<(u128, u128)> {
    if let Some(product) = amount.checked_mul(weight) {
        let share = product.checked_div(total)?;
        return Some((share, product.checked_sub(share.checked_mul(total)?)?));
    }
    let product = U256::from(amount).checked_mul(U256::from(weight))?;
    let share = product.checked_div(U256::from(total))?;
    let remainder = product.checked_sub(share.checked_mul(U256::from(total))?)?;
    Some((u128::try_from(share).ok()?, u128::try_from(remainder).ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leftovers_go_to_the_largest_remainders() {
        // 10 over 5 : 3 : 3 is 4.54…, 2.72…, 2.72…
        assert_eq!(divide(10, &[5, 3, 3]), Ok(vec![4, 3, 3]));
        // 7 over 2 : 3 : 1 is 2.33…, 3.5, 1.16…
        assert_eq!(divide(7, &[2, 3, 1]), Ok(vec![2, 4, 1]));
    }

    #[test]
    fn ties_go_to_the_lower_index() {
        assert_eq!(divide(1, &[1, 1, 1]), Ok(vec![1, 0, 0]));
        assert_eq!(divide(5, &[1, 1, 1]), Ok(vec![2, 2, 1]));
    }

    #[test]
    fn no_money_needs_no_weights() {
        assert_eq!(divide(0, &[]), Ok(vec![]));
        assert_eq!(divide(0, &[0, 0]), Ok(vec![0, 0]));
    }

    #[test]
    fn money_without_weights_is_an_error() {
        assert_eq!(divide(3, &[]), Err(SettlementError::NoWeights { amount: 3 }));
        assert_eq!(divide(3, &[0, 0]), Err(SettlementError::NoWeights { amount: 3 }));
    }

    #[test]
    fn the_largest_numbers_divide_exactly() {
        assert_eq!(divide(u128::MAX, &[u128::MAX]), Ok(vec![u128::MAX]));
        assert_eq!(divide(u128::MAX, &[1, 1]), Ok(vec![1 << 127, (1 << 127) - 1]));
        let error = SettlementError::Overflow { what: "a sum of weights" };
        assert_eq!(divide(1, &[u128::MAX, 1]), Err(error));
    }

    proptest! {
        #[test]
        fn shares_add_up_and_are_within_one_unit(amount: u128, weights in prop::collection::vec(0_u128..1 << 120, 1..60)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let total = U256::from(weights.iter().sum::<u128>());
            let shares = divide(amount, &weights).unwrap();
            prop_assert_eq!(shares.len(), weights.len());
            prop_assert_eq!(shares.iter().sum::<u128>(), amount);
            for (share, weight) in shares.iter().zip(&weights) {
                let floor = U256::from(amount) * U256::from(*weight) / total;
                let above = U256::from(*share) - floor;
                prop_assert!(above <= U256::from(1));
                prop_assert!(*weight > 0 || *share == 0);
            }
        }

        /// Hamilton's method as one would write it down: everything in 256 bits, all remainders sorted.
        #[test]
        fn shares_are_those_of_the_plain_method(
            amount in prop_oneof![any::<u128>(), 0..1_u128 << 40],
            weights in prop::collection::vec(prop_oneof![Just(0), 0..9_u128, 0..1_u128 << 66, 0..1_u128 << 120], 1..40),
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let total = U256::from(weights.iter().sum::<u128>());
            let product = |weight: &u128| U256::from(amount) * U256::from(*weight);
            let mut plain: Vec<u128> = weights.iter().map(|w| u128::try_from(product(w) / total).unwrap()).collect();
            let left = amount - plain.iter().sum::<u128>();
            let mut order: Vec<usize> = (0..weights.len()).collect();
            order.sort_by_key(|index| (std::cmp::Reverse(product(&weights[*index]) % total), *index));
            order.iter().take(left as usize).for_each(|index| plain[*index] += 1);
            prop_assert_eq!(divide(amount, &weights).unwrap(), plain);
        }

        #[test]
        fn a_larger_weight_never_gets_less(amount in 0_u128..1000, weights in prop::collection::vec(1_u128..50, 1..20)) {
            let shares = divide(amount, &weights).unwrap();
            for (a, x) in weights.iter().zip(&shares) {
                for (b, y) in weights.iter().zip(&shares) {
                    prop_assert!(a <= b || x >= y);
                }
            }
        }
    }
}
