//! Where `per-inference/1` differs from `epoch-signed/1`.

use tributary_sdk::{sketch::Sketch, table::ContributorTable};
use tributary_settlement::{Basis, Policy, Settlement, SubPool};

use crate::{Owned, account, license, row, table};

/// With one-hot rows, a sketch is the list of scores.
fn three(failing: Option<usize>) -> ContributorTable {
    let mut rows = vec![row(1, vec![1, 0, 0]), row(2, vec![0, 1, 0]), row(3, vec![0, 0, 1])];
    if let Some(failing) = failing {
        rows[failing].passes_gate = false;
    }
    table(rows)
}

fn receipt(units: u64, scores: [i16; 3]) -> Owned {
    (units, Sketch::new(scores.to_vec()))
}

fn settle(table: &ContributorTable, subpools: &[SubPool<'_>]) -> Settlement {
    Policy::PerInference1.settle(table, subpools).unwrap()
}

#[test]
fn every_receipt_pays_its_units_to_whom_it_helped() {
    // (3, 1, 0)/4 + 2·(0, 4, 4)/8 = (0.75, 1.25, 1)
    let receipts = [receipt(1, [3, 1, -2]), receipt(2, [0, 4, 4])];
    let settlement = settle(&three(None), &[license(1, 1200, &receipts)]);
    assert_eq!(settlement.payouts, [(account(1), 300), (account(2), 500), (account(3), 400)]);
    assert_eq!(settlement.policy.name(), "per-inference/1");
}

#[test]
fn harm_on_one_receipt_takes_nothing_from_another() {
    // (1, 0) and (1, 1)/2; under `epoch-signed/1` the second contributor has nothing.
    let receipts = [receipt(1, [1, -2, 0]), receipt(1, [1, 1, 0])];
    let settlement = settle(&three(None), &[license(1, 900, &receipts)]);
    assert_eq!(settlement.payouts, [(account(1), 675), (account(2), 225)]);
}

#[test]
fn who_fails_the_gate_leaves_the_receipt_to_the_others() {
    // (–, 1, 1)/2 and (–, 1, 3)/4
    let receipts = [receipt(1, [8, 1, 1]), receipt(1, [0, 1, 3])];
    let settlement = settle(&three(Some(0)), &[license(1, 1200, &receipts)]);
    assert_eq!(settlement.payouts, [(account(2), 450), (account(3), 750)]);
}

#[test]
fn a_receipt_that_helped_only_who_fails_the_gate_adds_nothing() {
    let receipts = [receipt(100, [8, 0, -1]), receipt(1, [0, 1, 1])];
    let settlement = settle(&three(Some(0)), &[license(1, 10, &receipts)]);
    assert_eq!(settlement.payouts, [(account(2), 5), (account(3), 5)]);
    let settlement = settle(&three(Some(0)), &[license(2, 60, &receipts[..1])]);
    assert_eq!(settlement.subpools[0].basis, Basis::Baseline);
    assert_eq!(settlement.payouts, [(account(1), 10), (account(2), 20), (account(3), 30)]);
}
