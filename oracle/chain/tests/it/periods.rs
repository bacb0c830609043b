//! Revenue by period, rebuilt from a vault's events.

use tributary_chain::revenue::{self, Revenue};
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
        let of = async |after, until| revenue::of_period(&world.chain, payroll.on, after, until).await.unwrap();
        let start = world.now().await;
        assert_eq!(of(0, start).await, Revenue::default());

        payroll.pay_for(a, 100).await;
        payroll.pay_for(b, 30).await;
        payroll.pay_for(a, 1).await;
        payroll.distribute().await;
        payroll.pay_for(c, 7).await;
        let first = world.now().await;
        // Paid and not distributed yet: the next period's.
        let earned = vec![(SubPoolId::Payment(a), 101), (SubPoolId::Payment(b), 30)];
        assert_eq!(of(0, first).await, Revenue { earned: earned.clone(), pool_credited: 131 });

        payroll.wait().await;
        payroll.pay_for(b, 5).await;
        payroll.distribute().await;
        let second = world.now().await;
        let later = vec![(SubPoolId::Payment(b), 5), (SubPoolId::Payment(c), 7)];
        assert_eq!(of(first, second).await, Revenue { earned: later, pool_credited: 143 });
        assert_eq!(of(0, first).await, Revenue { earned, pool_credited: 131 }, "the past does not change");

        let both = vec![(SubPoolId::Payment(a), 101), (SubPoolId::Payment(b), 35), (SubPoolId::Payment(c), 7)];
        assert_eq!(of(0, second).await, Revenue { earned: both, pool_credited: 143 });
        assert_eq!(of(second, second + 1).await, Revenue { earned: vec![], pool_credited: 143 });
    });
}
