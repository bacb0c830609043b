//! The validators' part of the curators' income, over accepted reviews.

use std::collections::BTreeMap;

use tributary_sdk::{
    Address,
    api::{ValidatorPayment, ValidatorShare},
    money::BasisPoints,
};

use crate::{SettlementError, divide};

const WHOLE: u128 = 10_000;

/// The accepted reviews that earlier payments were not for, of those validators who have any.
pub fn unpaid<'p>(
    accepted: &BTreeMap<Address, u64>,
    earlier: impl Iterator<Item = &'p ValidatorPayment>,
) -> BTreeMap<Address, u64> {
    let mut work = accepted.clone();
    for share in earlier.flat_map(|payment| &payment.shares) {
        if let Some(count) = work.get_mut(&share.validator) {
            *count = count.saturating_sub(share.reviews);
        }
    }
    work.retain(|_, reviews| *reviews > 0);
    work
}

/// The validators' part of all that was withdrawn, rounded down, less what they were paid: what a rounding leaves comes with a
/// later payment.
///
/// # Errors
/// Never: a part is no more than the whole.
pub fn due(withdrawn: u128, share: BasisPoints, before: u128) -> Result<u128, SettlementError> {
    const OVERFLOW: SettlementError = SettlementError::Overflow { what: "the validators' part" };
    // ⌊w·b / 10⁴⌋ without a wider number: the whole ten thousands, and what is left of them.
    let bps = u128::from(share.get());
    let (whole, rest) = (withdrawn.checked_div(WHOLE), withdrawn.checked_rem(WHOLE));
    let (whole, rest) = (whole.and_then(|whole| whole.checked_mul(bps)), rest.and_then(|rest| rest.checked_mul(bps)));
    let rest = rest.and_then(|rest| rest.checked_div(WHOLE));
    let part = whole.zip(rest).and_then(|(whole, rest)| whole.checked_add(rest)).ok_or(OVERFLOW)?;
    // The chain's past does not change, so that this is never less.
    Ok(part.saturating_sub(before))
}

/// An amount over accepted reviews, by largest remainder; ascending by account, so that the lower account wins a tie.
///
/// # Errors
/// As [`divide`].
pub fn divided(amount: u128, work: &BTreeMap<Address, u64>) -> Result<Vec<ValidatorShare>, SettlementError> {
    let weights: Vec<u128> = work.values().map(|reviews| u128::from(*reviews)).collect();
    let amounts = divide(amount, &weights)?;
    let share = |((validator, reviews), amount): ((&Address, &u64), u128)| ValidatorShare {
        validator: *validator,
        reviews: *reviews,
        amount,
        transaction: None,
    };
    Ok(work.iter().zip(amounts).map(share).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use tributary_sdk::U256;

    use super::*;

    fn bps(share: u16) -> BasisPoints {
        share.try_into().unwrap()
    }

    #[test]
    fn the_part_is_rounded_down_and_what_is_left_comes_later() {
        assert_eq!(due(3, bps(3_333), 0).unwrap(), 0);
        assert_eq!(due(4, bps(3_333), 0).unwrap(), 1);
        assert_eq!(due(10, bps(3_333), 1).unwrap(), 2);
        assert_eq!(due(u128::MAX, bps(10_000), 1).unwrap(), u128::MAX - 1);
        assert_eq!(due(u128::MAX, bps(0), 0).unwrap(), 0);
    }

    proptest! {
        /// However income and work come in, and whenever it is paid: nothing is paid twice, nothing is lost.
        #[test]
        fn what_is_paid_is_what_was_due_and_every_review_is_paid_for_once(
            share in 0u16..=10_000,
            steps in prop::collection::vec((0u128..1 << 100, prop::collection::vec((0u8..5, 0u64..4), 0..4)), 1..20),
        ) {
            let (mut withdrawn, mut accepted) = (0u128, BTreeMap::<Address, u64>::new());
            let mut payments: Vec<ValidatorPayment> = Vec::new();
            for (income, reviews) in steps {
                withdrawn += income;
                for (by, count) in reviews {
                    *accepted.entry(Address::repeat_byte(by)).or_default() += count;
                }
                let before = payments.iter().map(|payment| payment.amount).sum();
                let amount = due(withdrawn, bps(share), before).unwrap();
                let work = unpaid(&accepted, payments.iter());
                if amount > 0 && !work.is_empty() {
                    let shares = divided(amount, &work).unwrap();
                    prop_assert_eq!(shares.iter().map(|share| share.amount).sum::<u128>(), amount);
                    let (token, curators) = (Address::ZERO, Address::ZERO);
                    let (vaults, block, snapshot) = (Vec::new(), 0, 0);
                    payments.push(ValidatorPayment {
                        token, curators, vaults, block, snapshot, withdrawn, amount, shares,
                    });
                    prop_assert!(unpaid(&accepted, payments.iter()).is_empty());
                    let paid: u128 = payments.iter().map(|payment| payment.amount).sum();
                    let exact = U256::from(withdrawn) * U256::from(share) / U256::from(WHOLE);
                    prop_assert_eq!(U256::from(paid), exact);
                    prop_assert_eq!(due(withdrawn, bps(share), paid).unwrap(), 0);
                }
                let reviews: u64 = payments.iter().flat_map(|payment| &payment.shares).map(|share| share.reviews).sum();
                prop_assert!(reviews <= accepted.values().sum());
            }
        }
    }
}
