//! `test/vectors/settlement.json`, made by `cargo xtask vectors`: one epoch as every policy divides it.

use std::{fs, path::Path};

use serde_json::Value;
use tributary_sdk::{
    Address, B256, Bytes, U256,
    sketch::Sketch,
    sum_tree::SumTree,
    table::{ContributorTable, TableError},
};
use tributary_settlement::{Policy, SubPool, SubPoolId, Usage, cumulative_leaves};

fn read() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/vectors/settlement.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Bytes {
    value.as_str().unwrap().parse().unwrap()
}

fn sketches(subpool: &Value) -> Vec<(u64, Sketch)> {
    let receipts = subpool["receipts"].as_array().unwrap();
    let receipt = |row: &Value| {
        let units = row["units"].as_str().unwrap().parse().unwrap();
        (units, Sketch::decode(&bytes(&row["sketch"])).unwrap())
    };
    receipts.iter().map(receipt).collect()
}

fn id(subpool: &Value) -> SubPoolId {
    match (subpool["license"].as_str(), subpool["payment"].as_str()) {
        (Some(license), None) => SubPoolId::License(license.parse::<U256>().unwrap()),
        (None, Some(payment)) => SubPoolId::Payment(payment.parse::<B256>().unwrap()),
        _ => SubPoolId::WithoutReceipts,
    }
}

#[test]
fn every_policy_divides_the_epoch_as_the_vector_says() {
    let vector = read();
    let table = ContributorTable::decode(&bytes(&vector["table"])).unwrap();
    let given = vector["subpools"].as_array().unwrap();
    let owned: Vec<_> = given.iter().map(sketches).collect();
    let subpools: Vec<SubPool<'_>> = given
        .iter()
        .zip(&owned)
        .map(|(subpool, receipts)| SubPool {
            id: id(subpool),
            amount: subpool["amount"].as_str().unwrap().parse().unwrap(),
            receipts: receipts.iter().map(|(units, sketch)| Usage { units: *units, sketch }).collect(),
        })
        .collect();

    let policies = vector["policies"].as_object().unwrap();
    assert_eq!(policies.len(), Policy::ALL.len());
    for policy in Policy::ALL {
        let expected = &policies[policy.name()];
        assert_eq!(expected["id"].as_str().unwrap().parse::<B256>().unwrap(), policy.id());
        let settlement = policy.settle(&table, &subpools).unwrap();
        let payouts = expected["payouts"].as_array().unwrap().iter().map(|payout| {
            let account: Address = payout["account"].as_str().unwrap().parse().unwrap();
            (account, payout["amount"].as_str().unwrap().parse::<u128>().unwrap())
        });
        assert_eq!(settlement.payouts, payouts.collect::<Vec<_>>());
        let tree = SumTree::new(cumulative_leaves(&[], &settlement.payouts).unwrap()).unwrap();
        assert_eq!(tree.root().hash, expected["root"].as_str().unwrap().parse::<B256>().unwrap());
        assert_eq!(tree.root().sum, expected["sum"].as_str().unwrap().parse::<u128>().unwrap());
    }
}

#[test]
fn the_vectors_scores_are_those_of_the_table() {
    let vector = read();
    let table = ContributorTable::decode(&bytes(&vector["table"])).unwrap();
    let mut checked = 0;
    for (subpool, receipts) in vector["subpools"].as_array().unwrap().iter().map(|subpool| (subpool, sketches(subpool)))
    {
        for (row, (_, sketch)) in subpool["receipts"].as_array().unwrap().iter().zip(receipts) {
            let expected =
                row["scores"].as_array().unwrap().iter().map(|score| score.as_str().unwrap().parse().unwrap());
            assert_eq!(table.scores(&sketch), Ok::<Vec<i64>, TableError>(expected.collect()));
            checked += 1;
        }
    }
    assert!(checked > 0);
}
