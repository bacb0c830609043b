//! What holds for every epoch.

use std::{collections::BTreeMap, num::NonZero};

use proptest::prelude::*;
use tributary_sdk::{
    sketch::Sketch,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{Basis, Policy, Settlement, SettlementError, SubPool};

use crate::{Owned, account, license, paid, row, table};

const K: usize = 4;

fn tables() -> impl Strategy<Value = ContributorTable> {
    let values = prop::collection::vec(-1_000_000..1_000_000_i32, K);
    prop::collection::vec((values, prop::bool::weighted(0.8), 0..5_u64), 1..9).prop_map(|rows| {
        let row = |(byte, (values, passes_gate, baseline)): (u8, (Vec<i32>, bool, u64))| ContributorRow {
            passes_gate,
            baseline,
            ..row(byte, values)
        };
        table((1..).zip(rows).map(row).collect())
    })
}

fn receipts() -> impl Strategy<Value = Vec<Owned>> {
    let sketch = prop::collection::vec(any::<i16>(), K).prop_map(Sketch::new);
    prop::collection::vec((0..100_u64, sketch), 0..12)
}

/// Amounts and receipts of some licenses.
fn licenses() -> impl Strategy<Value = Vec<(u128, Vec<Owned>)>> {
    prop::collection::vec((0..1_u128 << 100, receipts()), 1..5)
}

fn subpools(licenses: &[(u128, Vec<Owned>)]) -> Vec<SubPool<'_>> {
    (1..).zip(licenses).map(|(id, (amount, receipts))| license(id, *amount, receipts)).collect()
}

fn policies() -> impl Strategy<Value = Policy> {
    prop::sample::select(Policy::ALL)
}

fn settle(policy: Policy, table: &ContributorTable, subpools: &[SubPool<'_>]) -> Result<Settlement, SettlementError> {
    policy.settle_with(table, subpools, NonZero::<usize>::MIN)
}

/// Whether every account got the same up to so many base units.
fn close(before: &Settlement, after: &Settlement, table: &ContributorTable, units: u128) -> bool {
    let accounts = table.rows().iter().map(|row| row.account);
    accounts.into_iter().all(|account| paid(before, account).abs_diff(paid(after, account)) <= units)
}

/// Two parts of `row` that add up to it: `numerator` hundredths and the rest.
fn split(row: &ContributorRow, numerator: i64) -> (Vec<i32>, Vec<i32>) {
    let first: Vec<i32> = row.values.iter().map(|value| (i64::from(*value) * numerator / 100) as i32).collect();
    let second = row.values.iter().zip(&first).map(|(whole, part)| whole - part).collect();
    (first, second)
}

proptest! {
    #[test]
    fn every_subpool_is_divided_to_the_base_unit(policy in policies(), table in tables(), licenses in licenses()) {
        let settlement = settle(policy, &table, &subpools(&licenses)).unwrap();
        let mut by_account = BTreeMap::new();
        for (subpool, (amount, _)) in subpools(&licenses).into_iter().zip(&licenses) {
            let alone = settle(policy, &table, &[subpool]).unwrap();
            prop_assert_eq!(alone.payouts.iter().map(|(_, amount)| amount).sum::<u128>(), *amount);
            alone.payouts.iter().for_each(|(account, amount)| *by_account.entry(*account).or_insert(0) += amount);
        }
        prop_assert_eq!(&settlement.payouts, &by_account.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(settlement.total, licenses.iter().map(|(amount, _)| amount).sum::<u128>());
        prop_assert_eq!(settlement.payouts.iter().map(|(_, amount)| amount).sum::<u128>(), settlement.total);
        prop_assert!(settlement.payouts.is_sorted_by(|(a, _), (b, _)| a < b));
        prop_assert!(settlement.payouts.iter().all(|(_, amount)| *amount > 0));
    }

    #[test]
    fn the_order_of_receipts_does_not_matter(
        policy in policies(),
        table in tables(),
        (amount, receipts, shuffled) in (0..1_u128 << 100, receipts()).prop_flat_map(|(amount, receipts)| {
            (Just(amount), Just(receipts.clone()), Just(receipts).prop_shuffle())
        }),
    ) {
        let original = settle(policy, &table, &[license(1, amount, &receipts)]).unwrap();
        prop_assert_eq!(settle(policy, &table, &[license(1, amount, &shuffled)]).unwrap(), original);
    }

    #[test]
    fn no_payers_money_moves_with_another_payers_receipts(
        policy in policies(),
        table in tables(),
        mine in receipts(),
        theirs in receipts(),
        others in receipts(),
        amount in 0..1_u128 << 100,
    ) {
        let with = |others: &[Owned], mine: &[SubPool<'_>]| {
            let mut subpools = vec![license(2, amount, others)];
            subpools.extend_from_slice(mine);
            settle(policy, &table, &subpools).unwrap()
        };
        let mine = [license(1, amount, &mine)];
        for others in [&theirs, &others] {
            let (together, without) = (with(others, &mine), with(others, &[]));
            let alone = settle(policy, &table, &mine).unwrap();
            for row in table.rows() {
                let difference = paid(&together, row.account) - paid(&without, row.account);
                prop_assert_eq!(difference, paid(&alone, row.account));
            }
        }
    }

    #[test]
    fn a_failing_gate_is_never_paid_by_attribution(
        policy in policies(),
        table in tables(),
        receipts in receipts(),
        amount in 1..1_u128 << 100,
    ) {
        let settlement = settle(policy, &table, &[license(1, amount, &receipts)]).unwrap();
        if settlement.subpools[0].basis == Basis::Attribution {
            for row in table.rows().iter().filter(|row| !row.passes_gate) {
                prop_assert_eq!(paid(&settlement, row.account), 0);
            }
        }
    }

    /// The rounding that splitting may move: one base unit at most, and truncation far below one.
    ///
    /// It holds for parts that agree in sign on every receipt. Parts that disagree raise Σ s⁺ of that receipt and so
    /// change how much it weighs beside the sub-pool's other receipts; `identities` shows how much that can be.
    #[test]
    fn splitting_an_identity_gains_nothing(
        policy in policies(),
        mut rows in prop::collection::vec(prop::collection::vec(1..1_000_000_i32, K), 1..6),
        receipts in prop::collection::vec((1..100_u64, prop::collection::vec(0..i16::MAX, K).prop_map(Sketch::new)), 1..12),
        numerator in 1..100_i64,
        amount in 1..1_u128 << 50,
    ) {
        rows.iter_mut().flatten().for_each(|value| *value += 100);
        let whole: Vec<ContributorRow> = (2..).zip(rows).map(|(byte, values)| row(byte, values)).collect();
        let (first, second) = split(&whole[0], numerator);
        let mut parts = vec![row(1, first), row(2, second)];
        parts.extend_from_slice(&whole[1..]);

        let before = settle(policy, &table(whole.clone()), &[license(1, amount, &receipts)]).unwrap();
        let after = settle(policy, &table(parts), &[license(1, amount, &receipts)]).unwrap();
        let mine = (paid(&before, account(2)), paid(&after, account(1)) + paid(&after, account(2)));
        prop_assert!(mine.0.abs_diff(mine.1) <= 2, "{mine:?}");
        for other in &whole[1..] {
            let theirs = (paid(&before, other.account), paid(&after, other.account));
            prop_assert!(theirs.0.abs_diff(theirs.1) <= 1, "{theirs:?}");
        }
    }

    #[test]
    fn the_number_of_threads_does_not_matter(
        policy in policies(),
        table in tables(),
        licenses in licenses(),
        many in prop::collection::vec((0..100_u64, prop::collection::vec(any::<i16>(), K).prop_map(Sketch::new)), 0..400),
        threads in 2..9_usize,
    ) {
        let mut subpools = subpools(&licenses);
        subpools.insert(licenses.len() / 2, license(99, 1 << 90, &many));
        let one = settle(policy, &table, &subpools);
        prop_assert_eq!(policy.settle_with(&table, &subpools, NonZero::new(threads).unwrap()), one.clone());
        prop_assert_eq!(policy.settle(&table, &subpools), one);
    }

    #[test]
    fn the_order_of_subpools_does_not_matter(policy in policies(), table in tables(), licenses in licenses()) {
        let mut subpools = subpools(&licenses);
        let before = settle(policy, &table, &subpools).unwrap();
        subpools.reverse();
        let mut after = settle(policy, &table, &subpools).unwrap();
        after.subpools.reverse();
        prop_assert_eq!(after, before);
    }

    /// One receipt of many units is as good as several of few.
    #[test]
    fn a_receipt_may_be_several(
        policy in policies(),
        table in tables(),
        receipts in receipts(),
        parts in 2..5_u64,
        amount in 0..1_u128 << 40,
    ) {
        let whole: Vec<Owned> = receipts.iter().map(|(units, sketch)| (units * parts, sketch.clone())).collect();
        let cut: Vec<Owned> = receipts.iter().flat_map(|receipt| vec![receipt.clone(); parts as usize]).collect();
        let before = settle(policy, &table, &[license(1, amount, &whole)]).unwrap();
        let after = settle(policy, &table, &[license(1, amount, &cut)]).unwrap();
        prop_assert!(close(&before, &after, &table, 1), "{before:?} {after:?}");
    }

    /// Units are weights within their sub-pool and nothing else.
    #[test]
    fn the_scale_of_units_does_not_matter(
        policy in policies(),
        table in tables(),
        receipts in receipts(),
        factor in 2..1_000_000_u64,
        amount in 0..1_u128 << 40,
    ) {
        let scaled: Vec<Owned> = receipts.iter().map(|(units, sketch)| (units * factor, sketch.clone())).collect();
        let before = settle(policy, &table, &[license(1, amount, &receipts)]).unwrap();
        let after = settle(policy, &table, &[license(1, amount, &scaled)]).unwrap();
        prop_assert!(close(&before, &after, &table, 1), "{before:?} {after:?}");
    }

    /// The scale of a whole table drops out: every score is divided by a sum of scores.
    #[test]
    fn the_scale_of_the_table_does_not_matter(
        policy in policies(),
        table in tables(),
        receipts in receipts(),
        factor in 2..1000_i32,
        amount in 0..1_u128 << 40,
    ) {
        let mut rows = table.rows().to_vec();
        rows.iter_mut().flat_map(|row| &mut row.values).for_each(|value| *value *= factor);
        let before = settle(policy, &table, &[license(1, amount, &receipts)]).unwrap();
        let after = settle(policy, &crate::table(rows), &[license(1, amount, &receipts)]).unwrap();
        prop_assert_eq!(after, before);
    }

    /// Per inference the positive parts of a sum never exceed the sum of positive parts: being one account cannot pay
    /// better than being two, whatever their signs. It pays worse wherever they differ; `identities` shows how much.
    #[test]
    fn merging_identities_never_gains_per_inference(
        rows in prop::collection::vec(prop::collection::vec(-1_000_000..1_000_000_i32, K), 2..8),
        receipts in prop::collection::vec((1..100_u64, prop::collection::vec(any::<i16>(), K).prop_map(Sketch::new)), 1..12),
        amount in 1..1_u128 << 40,
    ) {
        let rows: Vec<ContributorRow> = (1..).zip(rows).map(|(byte, values)| row(byte, values)).collect();
        let merged = rows[0].values.iter().zip(&rows[1].values).map(|(a, b)| a + b).collect();
        let mut one = vec![row(1, merged)];
        one.extend_from_slice(&rows[2..]);
        let policy = Policy::PerInference1;
        let two = settle(policy, &table(rows), &[license(1, amount, &receipts)]).unwrap();
        let one = settle(policy, &table(one), &[license(1, amount, &receipts)]).unwrap();
        if two.subpools[0].basis == Basis::Attribution && one.subpools[0].basis == Basis::Attribution {
            prop_assert!(paid(&one, account(1)) <= paid(&two, account(1)) + paid(&two, account(2)) + 2);
        }
    }
}
