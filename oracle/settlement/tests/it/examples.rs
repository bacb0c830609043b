//! Worked examples, one rule each.

use tributary_sdk::{U256, sketch::Sketch, table::TableError};
use tributary_settlement::{Basis, SettlementError, SubPool, SubPoolId, Usage};

use crate::{Owned, account, license, row, settle, table};

/// With one-hot rows, a sketch is the list of scores.
fn three() -> Vec<tributary_sdk::table::ContributorRow> {
    vec![row(1, vec![1, 0, 0]), row(2, vec![0, 1, 0]), row(3, vec![0, 0, 1])]
}

fn receipt(units: u64, scores: [i16; 3]) -> Owned {
    (units, Sketch::new(scores.to_vec()))
}

#[test]
fn a_license_is_divided_by_the_signed_sum_of_its_receipts() {
    // 1·(3, 1, −2)/4 + 2·(0, 4, 4)/8 = (0.75, 1.25, 0.5)
    let receipts = [receipt(1, [3, 1, -2]), receipt(2, [0, 4, 4])];
    let settlement = settle(&table(three()), &[license(1, 1000, &receipts)]).unwrap();
    assert_eq!(settlement.payouts, [(account(1), 300), (account(2), 500), (account(3), 200)]);
    assert_eq!(settlement.subpools[0].basis, Basis::Attribution);
    assert_eq!(settlement.total, 1000);
}

#[test]
fn negative_receipts_count_before_the_clip() {
    // (1, −2) and (1, 1)/2: clipping each receipt would have paid the second contributor a quarter.
    let receipts = [receipt(1, [1, -2, 0]), receipt(1, [1, 1, 0])];
    let settlement = settle(&table(three()), &[license(1, 900, &receipts)]).unwrap();
    assert_eq!(settlement.payouts, [(account(1), 900)]);
}

#[test]
fn who_fails_the_gate_is_not_paid_and_changes_nobody_elses_receipts() {
    let mut rows = three();
    rows[0].passes_gate = false;
    // (8, 1, 1)/10 and (0, 1, 3)/4. Were the first contributor left out of the sum of positive scores, the first
    // receipt would weigh five times as much for the other two: 450 and 750.
    let receipts = [receipt(1, [8, 1, 1]), receipt(1, [0, 1, 3])];
    let settlement = settle(&table(rows), &[license(1, 1200, &receipts)]).unwrap();
    assert_eq!(settlement.payouts, [(account(2), 350), (account(3), 850)]);
}

#[test]
fn without_positive_totals_the_baseline_divides() {
    let receipts = [receipt(5, [-1, -1, 0])];
    let settlement = settle(&table(three()), &[license(1, 600, &receipts)]).unwrap();
    assert_eq!(settlement.subpools[0].basis, Basis::Baseline);
    assert_eq!(settlement.payouts, [(account(1), 100), (account(2), 200), (account(3), 300)]);
}

#[test]
fn without_receipts_the_baseline_divides_and_the_gate_does_not_act() {
    let mut rows = three();
    rows[2].passes_gate = false;
    let money = SubPool { id: SubPoolId::WithoutReceipts, amount: 6, receipts: vec![] };
    let settlement = settle(&table(rows), &[money, license(4, 6, &[])]).unwrap();
    assert_eq!(settlement.payouts, [(account(1), 2), (account(2), 4), (account(3), 6)]);
}

#[test]
fn without_a_baseline_record_counts_divide() {
    let mut rows = three();
    rows.iter_mut().for_each(|row| row.baseline = 0);
    let settlement = settle(&table(rows), &[license(1, 60, &[])]).unwrap();
    assert_eq!(settlement.subpools[0].basis, Basis::Records);
    assert_eq!(settlement.payouts, [(account(1), 10), (account(2), 20), (account(3), 30)]);
}

#[test]
fn money_that_nobody_can_get_is_an_error() {
    let mut rows = three();
    rows.iter_mut().for_each(|row| (row.baseline, row.records) = (0, 0));
    let table = table(rows);
    assert_eq!(settle(&table, &[license(1, 60, &[])]), Err(SettlementError::NoWeights { amount: 60 }));
    assert!(settle(&table, &[license(1, 0, &[])]).unwrap().payouts.is_empty());
}

#[test]
fn a_sketch_of_another_release_names_its_receipt() {
    let receipts = [receipt(1, [1, 0, 0]), (1, Sketch::new(vec![1, 2]))];
    let error = settle(&table(three()), &[license(7, 1, &receipts)]).unwrap_err();
    let source = TableError::SketchWidth { found: 2, expected: 3 };
    assert_eq!(error, SettlementError::Sketch { subpool: SubPoolId::License(U256::from(7)), receipt: 1, source });
}

#[test]
fn wrong_subpools_are_refused() {
    let table = table(three());
    let twice = [license(1, 5, &[]), license(1, 6, &[])];
    assert_eq!(settle(&table, &twice), Err(SettlementError::DuplicateSubPool(SubPoolId::License(U256::from(1)))));
    let sketch = Sketch::new(vec![1, 1, 1]);
    let receipts = vec![Usage { units: 1, sketch: &sketch }];
    let money = SubPool { id: SubPoolId::WithoutReceipts, amount: 5, receipts };
    assert_eq!(settle(&table, &[money]), Err(SettlementError::UnexpectedReceipts { receipts: 1 }));
}

#[test]
fn more_money_than_128_bits_is_an_error() {
    let subpools = [license(1, u128::MAX, &[]), license(2, 1, &[])];
    assert!(matches!(settle(&table(three()), &subpools), Err(SettlementError::Overflow { .. })));
}

#[test]
fn an_epoch_without_money_pays_nobody() {
    let settlement = settle(&table(three()), &[]).unwrap();
    assert!(settlement.payouts.is_empty() && settlement.total == 0);
}

#[test]
fn a_hostile_receipt_neither_overflows_nor_touches_other_licenses() {
    let rows = vec![row(1, vec![1, 0, 0]), row(2, vec![0, i32::MIN, 0]), row(3, vec![0, 0, 1])];
    // One part in 2⁴⁶ positive: the second contributor loses 2⁴⁶ times what the first gains, at the most units there are.
    let hostile = vec![receipt(u64::MAX, [1, i16::MAX, 0]); 100];
    let honest = [receipt(1, [1, 0, 1])];
    let settlement = settle(&table(rows), &[license(1, 10, &hostile), license(2, 10, &honest)]).unwrap();
    assert_eq!(settlement.payouts, [(account(1), 15), (account(3), 5)]);
}
