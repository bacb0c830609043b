//! Revenue by period, rebuilt from a vault's events.

use alloy::primitives::B256;
use tributary_chain::revenue::{self, Distributed, Revenue};
use tributary_settlement::SubPoolId;

use crate::{
    payroll::{Payroll, SHORT},
    world::{on_chain, word},
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

/// What these payments earned, distributed under the first share table.
fn revenue(earned: &[(B256, u128)], pool: u128, allocatable: u128) -> Revenue {
    let earned = earned.iter().map(|(payment, amount)| (SubPoolId::Payment(*payment), *amount)).collect();
    Revenue { distributed: vec![Distributed { epoch: 0, earned, pool }], funded: 0, allocatable }
}
