//! Whole epochs through the public API.
#![allow(clippy::unwrap_used, clippy::panic)]

mod examples;
mod identities;
mod per_inference;
mod properties;
mod vectors;

use tributary_sdk::{
    Address, U256,
    sketch::Sketch,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{Policy, Settlement, SettlementError, SubPool, SubPoolId, Usage};

fn account(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

fn row(byte: u8, values: Vec<i32>) -> ContributorRow {
    ContributorRow {
        account: account(byte),
        records: u32::from(byte) * 10,
        passes_gate: true,
        baseline: u64::from(byte),
        values,
    }
}

fn table(rows: Vec<ContributorRow>) -> ContributorTable {
    ContributorTable::new(rows[0].values.len(), rows).unwrap()
}

/// A receipt with its own sketch: units and sketch.
type Owned = (u64, Sketch);

fn license(id: u64, amount: u128, receipts: &[Owned]) -> SubPool<'_> {
    let receipts = receipts.iter().map(|(units, sketch)| Usage { units: *units, sketch }).collect();
    SubPool { id: SubPoolId::License(U256::from(id)), amount, receipts }
}

/// By `epoch-signed/1`.
fn settle(table: &ContributorTable, subpools: &[SubPool<'_>]) -> Result<Settlement, SettlementError> {
    Policy::EpochSigned1.settle(table, subpools)
}

/// What one account got; nothing if it is not among the payouts.
fn paid(settlement: &Settlement, account: Address) -> u128 {
    settlement.payouts.iter().find(|(payee, _)| *payee == account).map_or(0, |(_, amount)| *amount)
}
