//! One epoch with receipts of several payers, as every policy divides it.

use alloy::{
    hex,
    primitives::{B256, U256},
};
use eyre::Result;
use serde_json::{Map, Value, json};
use tributary_sdk::{
    sketch::Sketch,
    sum_tree::SumTree,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{Policy, SubPool, SubPoolId, Usage, cumulative_leaves};

use super::Source;

const CONTRIBUTORS: usize = 9;
const WIDTH: usize = 12;
/// Receipts of two licenses and one payment; then a license that was not used, and money of nobody.
const RECEIPTS: [usize; 5] = [7, 3, 1, 0, 0];

pub(super) fn settlement() -> Result<Value> {
    let mut source = Source(0);
    let table = table(&mut source)?;
    let receipts: Vec<Vec<(u64, Sketch)>> = RECEIPTS.iter().map(|count| receipts(&mut source, *count)).collect();
    let ids = [
        SubPoolId::License(U256::from(1)),
        SubPoolId::License(source.u256()),
        SubPoolId::Payment(source.word()),
        SubPoolId::License(U256::from(2)),
        SubPoolId::WithoutReceipts,
    ];
    let subpools: Vec<SubPool<'_>> = ids
        .into_iter()
        .zip(&receipts)
        .map(|(id, receipts)| SubPool {
            id,
            amount: source.u128() >> 40,
            receipts: receipts.iter().map(|(units, sketch)| Usage { units: *units, sketch }).collect(),
        })
        .collect();
    let policies: Map<String, Value> = Policy::ALL
        .iter()
        .map(|policy| Ok((policy.name().to_owned(), payouts(*policy, &table, &subpools)?)))
        .collect::<Result<_>>()?;
    Ok(json!({
        "table": hex::encode_prefixed(table.encode()),
        "tableHash": table.hash(),
        "subpools": subpools.iter().map(|subpool| describe(&table, subpool)).collect::<Result<Vec<_>>>()?,
        "policies": policies,
    }))
}

/// Large and small values of both signs; every third contributor fails the gate.
fn table(source: &mut Source) -> Result<ContributorTable> {
    let mut rows: Vec<ContributorRow> = (0..CONTRIBUTORS)
        .map(|index| ContributorRow {
            account: source.address(),
            records: source.u32() >> 16,
            passes_gate: index % 3 != 2,
            baseline: source.u64() >> 8,
            values: (0..WIDTH).map(|_| source.u32() as i32 >> (index * 2)).collect(),
        })
        .collect();
    rows.sort_by_key(|row| row.account);
    Ok(ContributorTable::new(WIDTH, rows)?)
}

fn receipts(source: &mut Source, count: usize) -> Vec<(u64, Sketch)> {
    let sketch = |source: &mut Source| Sketch::new((0..WIDTH).map(|_| source.u32() as i16).collect());
    (0..count).map(|_| (source.u64() >> 56, sketch(source))).collect()
}

fn payouts(policy: Policy, table: &ContributorTable, subpools: &[SubPool<'_>]) -> Result<Value> {
    let settlement = policy.settle(table, subpools)?;
    let root = SumTree::new(cumulative_leaves(&[], &settlement.payouts)?)?.root();
    let payout = |(account, amount): &(_, u128)| json!({ "account": account, "amount": amount.to_string() });
    Ok(json!({
        "id": policy.id(),
        "payouts": settlement.payouts.iter().map(payout).collect::<Vec<_>>(),
        "root": root.hash,
        "sum": root.sum.to_string(),
    }))
}

fn describe(table: &ContributorTable, subpool: &SubPool<'_>) -> Result<Value> {
    let receipt = |usage: &Usage<'_>| -> Result<Value> {
        let scores = table.scores(usage.sketch)?;
        Ok(json!({
            "units": usage.units.to_string(),
            "sketch": hex::encode_prefixed(usage.sketch.encode()),
            "scores": scores.iter().map(i64::to_string).collect::<Vec<_>>(),
        }))
    };
    let receipts = subpool.receipts.iter().map(receipt).collect::<Result<Vec<_>>>()?;
    let (license, payment): (Option<String>, Option<B256>) = match subpool.id {
        SubPoolId::License(id) => (Some(id.to_string()), None),
        SubPoolId::Payment(id) => (None, Some(id)),
        SubPoolId::WithoutReceipts => (None, None),
    };
    Ok(json!({
        "license": license,
        "payment": payment,
        "amount": subpool.amount.to_string(),
        "receipts": receipts,
    }))
}
