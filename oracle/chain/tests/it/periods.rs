//! Revenue by period, rebuilt from a vault's events.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use tributary_chain::{
    anvil, assets,
    revenue::{self, Distributed, Revenue},
    transact::send,
};
use tributary_sdk::contracts::{
    AssetRegistry, AttributionLedger, DemoDollar, RoyaltyVault,
    registry::{self, Change, Edge, Policy, Shares},
};
use tributary_settlement::SubPoolId;

use crate::{
    payroll::{Payroll, SHORT, registration, shares},
    world::{on_chain, on_own_chain, word},
};

#[test]
fn revenue_belongs_to_the_period_in_which_it_was_distributed() {
    on_chain(async |world| {
        let payroll = Payroll::new(world, SHORT).await;
        let mut payments = [word(), word(), word()];
        payments.sort();
        let [a, b, c] = payments;
        let of = async |after, until| {
            let seen = world.chain.head().await.unwrap().number;
            revenue::of_period(&world.chain, payroll.on, after, until, seen).await.unwrap()
        };
        let start = world.now().await;
        assert_eq!(of(0, start).await, Revenue::default());

        payroll.pay_for(a, 100).await;
        payroll.pay_for(b, 30).await;
        payroll.pay_for(a, 1).await;
        payroll.distribute().await;
        payroll.pay_for(c, 7).await;
        let first = world.now().await;
        // Paid and not distributed yet: the next period's.
        let earned = [(a, 101), (b, 30)];
        assert_eq!(of(0, first).await, revenue(&earned, 131, 131));

        payroll.wait().await;
        payroll.pay_for(b, 5).await;
        payroll.distribute().await;
        let second = world.now().await;
        assert_eq!(of(first, second).await, revenue(&[(b, 5), (c, 7)], 12, 143));
        assert_eq!(of(0, first).await, revenue(&earned, 131, 131), "the past does not change");

        assert_eq!(of(0, second).await, revenue(&[(a, 101), (b, 35), (c, 7)], 143, 143));
        assert_eq!(of(second, second + 1).await, Revenue { allocatable: 143, ..Revenue::default() });
    });
}

const WEEK: u64 = 7 * 24 * 60 * 60;

#[test]
fn a_changed_table_divides_apart_and_a_fallback_takes_what_no_root_allots() {
    on_own_chain(async |world| {
        let (_, owner) = world.account().await;
        let to_owner = shares(0, owner.address());
        let dataset = registration(registry::DATASET, owner.address(), to_owner, Policy::none());
        let (dataset, _) = assets::register(&owner, dataset).await.unwrap();
        assets::publish(&owner, dataset, word(), word(), "").await.unwrap();
        let edge = Edge {
            parent: dataset.0,
            parentVersion: 1,
            kind: registry::EDGE_DATA,
            shareBps: 1_000,
            licenseId: U256::ZERO,
        };
        let policy = Policy { window: SHORT, fallbackAfter: WEEK as u32, ..Policy::none() };
        let (payroll, asset) = Payroll::register(world, owner.clone(), policy, vec![edge]).await;
        let of =
            async |after, until, seen| revenue::of_period(&world.chain, payroll.on, after, until, seen).await.unwrap();
        let (a, b, c) = (word(), word(), word());
        let earned = |payment, amount| BTreeMap::from([(SubPoolId::Payment(payment), amount)]);
        let first = Distributed { epoch: 0, earned: earned(a, 1_000), pool: 900 };
        let second = Distributed { epoch: 1, earned: earned(b, 1_000), pool: 800 };

        payroll.pay_for(a, 1_000).await;
        payroll.distribute().await;
        let vault = RoyaltyVault::new(payroll.on.vault, owner.provider());
        world.mint(&owner, 50).await;
        let dollar = DemoDollar::new(world.dollar, owner.provider());
        send("the demo dollar", dollar.approve(payroll.on.vault, U256::from(50))).await.unwrap();
        send("the vault", vault.fundPool(world.dollar, U256::from(50))).await.unwrap();

        let registry = AssetRegistry::new(world.chain.deployment().registry, owner.provider());
        let shares =
            Shares { poolBps: 8_000, payee: owner.address(), payeeBps: 1_000, ..shares(10_000, Address::ZERO) };
        let change = Change { added: vec![], edgeShares: vec![1_000], shares };
        send("the registry", registry.announceChange(asset.0, change.clone())).await.unwrap();
        anvil::advance(&world.chain, WEEK).await.unwrap();
        send("the registry", registry.applyChange(asset.0, change)).await.unwrap();
        payroll.pay_for(b, 1_000).await;
        payroll.distribute().await;
        let closed = world.chain.head().await.unwrap();
        let whole = Revenue { distributed: vec![first, second], funded: 50, allocatable: 1_750 };
        assert_eq!(of(0, closed.timestamp, closed.number).await, whole);
        assert_eq!(payroll.books().await.allocatable, 1_750);

        let ledger = AttributionLedger::new(world.chain.deployment().ledger, owner.provider());
        send("the ledger", ledger.announceFallback(payroll.on.vault, world.dollar)).await.unwrap();
        anvil::advance(&world.chain, WEEK).await.unwrap();
        payroll.pay_for(c, 100).await;
        send("the ledger", ledger.executeFallback(payroll.on.vault, world.dollar)).await.unwrap();
        payroll.distribute().await;
        let head = world.chain.head().await.unwrap();
        // Closed, not posted, and too late: nothing of that period is left. As it was posted before, all of it was.
        assert_eq!(of(0, closed.timestamp, head.number).await, Revenue::default());
        assert_eq!(of(0, closed.timestamp, closed.number).await, whole);
        let third = Distributed { epoch: 1, earned: earned(c, 100), pool: 80 };
        let rest = Revenue { distributed: vec![third], funded: 0, allocatable: 80 };
        assert_eq!(of(closed.timestamp, head.timestamp, head.number).await, rest);
        assert_eq!(payroll.books().await.allocatable, 80);
    });
}

/// What these payments earned, distributed under the first share table.
fn revenue(earned: &[(B256, u128)], pool: u128, allocatable: u128) -> Revenue {
    let earned = earned.iter().map(|(payment, amount)| (SubPoolId::Payment(*payment), *amount)).collect();
    Revenue { distributed: vec![Distributed { epoch: 0, earned, pool }], funded: 0, allocatable }
}
