//! What somebody gains by being several accounts: how much, where it is not nothing.

use tributary_sdk::{
    Address,
    sketch::Sketch,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{Policy, Settlement};

use crate::{Owned, account, license, paid, row, table};

const K: usize = 16;
const CONTRIBUTORS: usize = 40;
const RECORDS: usize = 25;
const RECEIPTS: usize = 300;
const AMOUNT: u128 = 1_000_000_000_000;

/// A repeatable source of numbers, roughly normal, of standard deviation 1,000.
struct Source(u64);

impl Source {
    fn uniform(&mut self) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as i64 % 1000
    }

    fn normal(&mut self) -> i64 {
        (0..12).map(|_| self.uniform()).sum::<i64>() - 5994
    }

    /// A direction in which the records' mean is `drift` hundredths of a standard deviation.
    fn direction(&mut self, drift: i64) -> Vec<i64> {
        (0..K).map(|_| self.normal() + drift * 10).collect()
    }
}

/// The records' rows `[contributors, records, k]` and the receipts. Records help on the whole, each one only a little
/// more often than not: what the influence of single records looks like.
fn world() -> (Vec<Vec<Vec<i64>>>, Vec<Owned>) {
    let mut source = Source(7);
    let records = (0..CONTRIBUTORS).map(|_| (0..RECORDS).map(|_| source.direction(20)).collect()).collect();
    let sketch = |source: &mut Source| Sketch::new(source.direction(40).iter().map(|value| *value as i16).collect());
    let receipts = (0..RECEIPTS).map(|_| (1, sketch(&mut source))).collect();
    (records, receipts)
}

/// Every contributor one account, but the one named one account for so many records each.
fn accounts(records: &[Vec<Vec<i64>>], split: Option<(usize, usize)>) -> ContributorTable {
    let mut rows = Vec::new();
    for (contributor, records) in records.iter().enumerate() {
        let size = split.filter(|(attacker, _)| *attacker == contributor).map_or(records.len(), |(_, size)| size);
        let parts = records.chunks(size);
        for (part, records) in parts.enumerate() {
            rows.push(ContributorRow {
                account: holder(contributor, part),
                records: records.len() as u32,
                passes_gate: true,
                baseline: 1,
                values: (0..K).map(|i| records.iter().map(|record| record[i] as i32).sum()).collect(),
            });
        }
    }
    table(rows)
}

fn holder(contributor: usize, part: usize) -> Address {
    Address::left_padding_from(&[contributor as u8 + 1, part as u8])
}

fn earned(settlement: &Settlement, contributor: usize) -> u128 {
    (0..RECORDS).map(|part| paid(settlement, holder(contributor, part))).sum()
}

/// Median, over twenty contributors who each split into accounts of `size` records, of what they get in percent of what
/// one account gets.
fn gain(policy: Policy, size: usize) -> u128 {
    let (records, receipts) = world();
    let settle = |split| policy.settle(&accounts(&records, split), &[license(1, AMOUNT, &receipts)]).unwrap();
    let whole = settle(None);
    let gained = |attacker| earned(&settle(Some((attacker, size))), attacker) * 100 / earned(&whole, attacker);
    let mut gains: Vec<u128> = (0..20).map(gained).collect();
    gains.sort_unstable();
    gains[gains.len() / 2]
}

#[test]
fn splitting_gains_on_every_receipt_per_inference_and_hardly_per_epoch() {
    let (five, one) = (gain(Policy::PerInference1, 5), gain(Policy::PerInference1, 1));
    assert!((130..160).contains(&five) && (200..250).contains(&one), "{five} %, {one} %");
    // What is left is the clip of accounts that harm over the whole epoch: none of five records, some of one.
    let (five, one) = (gain(Policy::EpochSigned1, 5), gain(Policy::EpochSigned1, 1));
    assert!((98..=102).contains(&five) && (105..120).contains(&one), "{five} %, {one} %");
}

/// With a single receipt there is no sum that could set gains off against losses: two accounts of opposite sign take
/// from the others under either policy. Per epoch it takes knowing the sign of the whole sub-pool beforehand.
#[test]
fn opposite_accounts_pay_where_one_receipt_is_all_there_is() {
    let receipts = [(1, Sketch::new(vec![1]))];
    let whole = table(vec![row(1, vec![10]), row(3, vec![10])]);
    let split = table(vec![row(1, vec![90]), row(2, vec![-80]), row(3, vec![10])]);
    for policy in Policy::ALL {
        let settle = |table| policy.settle(table, &[license(1, 1000, &receipts)]).unwrap();
        assert_eq!(paid(&settle(&whole), account(1)), 500);
        assert_eq!(paid(&settle(&split), account(1)) + paid(&settle(&split), account(2)), 900);
    }
}

/// As the test above, and then as many receipts of the other sign: per epoch the gain is gone, per inference it stays.
#[test]
fn receipts_of_both_signs_undo_it_per_epoch_only() {
    let receipts = [(1, Sketch::new(vec![1, 1])), (1, Sketch::new(vec![-1, 1]))];
    let whole = table(vec![row(1, vec![0, 10]), row(3, vec![0, 10])]);
    let split = table(vec![row(1, vec![80, 5]), row(2, vec![-80, 5]), row(3, vec![0, 10])]);
    let mine = |policy: Policy, table| {
        let settlement = policy.settle(table, &[license(1, 1000, &receipts)]).unwrap();
        paid(&settlement, account(1)) + paid(&settlement, account(2))
    };
    assert!(Policy::ALL.iter().all(|policy| mine(*policy, &whole) == 500));
    assert_eq!(mine(Policy::EpochSigned1, &split), 500);
    // 85 of 95 in each receipt.
    assert_eq!(mine(Policy::PerInference1, &split), 895);
}
