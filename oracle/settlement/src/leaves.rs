//! What each account may have claimed in all, after an epoch.

use std::collections::BTreeMap;

use tributary_sdk::{Address, sum_tree::Leaf};

use crate::SettlementError;

/// Adds an epoch's payouts to the leaves of the last active root: the leaves of the next one.
///
/// Both lists ascend strictly by account; `previous` is empty before the first root. No leaf ever falls or
/// disappears, and none is zero.
///
/// # Errors
/// [`SettlementError::PreviousLeaves`], [`SettlementError::PayoutOrder`], and [`SettlementError::Overflow`] if one
/// leaf or all together pass 2¹²⁸ − 1 base units.
pub fn cumulative_leaves(previous: &[Leaf], payouts: &[(Address, u128)]) -> Result<Vec<Leaf>, SettlementError> {
    const OVERFLOW: SettlementError = SettlementError::Overflow { what: "a cumulative payout" };

    let mut by_account = BTreeMap::new();
    let mut last = Address::ZERO;
    for leaf in previous {
        if leaf.account <= last || leaf.cumulative == 0 {
            return Err(SettlementError::PreviousLeaves(leaf.account));
        }
        last = leaf.account;
        by_account.insert(leaf.account, leaf.cumulative);
    }
    let mut last = Address::ZERO;
    for (account, amount) in payouts {
        if *account <= last {
            return Err(SettlementError::PayoutOrder(*account));
        }
        last = *account;
        let cumulative = by_account.entry(*account).or_default();
        *cumulative = cumulative.checked_add(*amount).ok_or(OVERFLOW)?;
    }
    by_account.values().try_fold(0_u128, |sum, cumulative| sum.checked_add(*cumulative)).ok_or(OVERFLOW)?;
    let leaves = by_account.into_iter().map(|(account, cumulative)| Leaf { account, cumulative });
    Ok(leaves.filter(|leaf| leaf.cumulative > 0).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(byte: u8) -> Address {
        Address::repeat_byte(byte)
    }

    fn leaf(byte: u8, cumulative: u128) -> Leaf {
        Leaf { account: account(byte), cumulative }
    }

    #[test]
    fn payouts_are_added_and_nobody_disappears() {
        let leaves = cumulative_leaves(&[leaf(1, 5), leaf(3, 7)], &[(account(2), 4), (account(3), 1)]);
        assert_eq!(leaves, Ok(vec![leaf(1, 5), leaf(2, 4), leaf(3, 8)]));
    }

    #[test]
    fn an_account_without_money_gets_no_leaf() {
        assert_eq!(cumulative_leaves(&[], &[(account(1), 0)]), Ok(vec![]));
    }

    #[test]
    fn lists_out_of_order_are_refused() {
        let refused = |previous: &[Leaf]| cumulative_leaves(previous, &[]).unwrap_err();
        assert_eq!(refused(&[leaf(2, 1), leaf(1, 1)]), SettlementError::PreviousLeaves(account(1)));
        assert_eq!(refused(&[leaf(1, 1), leaf(1, 1)]), SettlementError::PreviousLeaves(account(1)));
        assert_eq!(refused(&[leaf(1, 0)]), SettlementError::PreviousLeaves(account(1)));
        assert_eq!(refused(&[leaf(0, 1)]), SettlementError::PreviousLeaves(Address::ZERO));
        let payouts = [(account(2), 1), (account(2), 1)];
        assert_eq!(cumulative_leaves(&[], &payouts), Err(SettlementError::PayoutOrder(account(2))));
    }

    #[test]
    fn more_than_128_bits_is_an_error() {
        let overflow = Err(SettlementError::Overflow { what: "a cumulative payout" });
        assert_eq!(cumulative_leaves(&[leaf(1, u128::MAX)], &[(account(1), 1)]), overflow);
        assert_eq!(cumulative_leaves(&[leaf(1, u128::MAX)], &[(account(2), 1)]), overflow);
    }

    proptest! {
        #[test]
        fn leaves_never_fall(epochs in prop::collection::vec(
            prop::collection::btree_map(1_u8.., 0_u128..1 << 90, 0..20), 1..6,
        )) {
            let mut leaves: Vec<Leaf> = Vec::new();
            let mut paid = 0_u128;
            for epoch in epochs {
                let payouts: Vec<_> = epoch.iter().map(|(byte, amount)| (account(*byte), *amount)).collect();
                paid += payouts.iter().map(|(_, amount)| amount).sum::<u128>();
                let next = cumulative_leaves(&leaves, &payouts).unwrap();
                for before in &leaves {
                    let after = next.iter().find(|leaf| leaf.account == before.account);
                    prop_assert!(after.is_some_and(|after| after.cumulative >= before.cumulative));
                }
                prop_assert!(next.is_sorted_by(|a, b| a.account < b.account));
                prop_assert!(next.iter().all(|leaf| leaf.cumulative > 0));
                leaves = next;
            }
            prop_assert_eq!(leaves.iter().map(|leaf| leaf.cumulative).sum::<u128>(), paid);
        }
    }
}
