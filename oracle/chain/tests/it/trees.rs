//! Random payouts, round after round, paid by real money and claimed leaf by leaf.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_chain::root;
use tributary_sdk::sum_tree::{Leaf, SumTree};

use crate::{
    payroll::{Payroll, SHORT},
    world::{World, assert_refused, on_chain},
};

const ROUNDS: u64 = 3;

/// Cumulative payouts so far.
type Owed = BTreeMap<Address, u128>;

#[test]
fn a_single_leaf_is_paid_round_after_round() {
    on_chain(|world| rounds(world, 1, 1..=1));
}

#[test]
fn few_leaves_are_paid_round_after_round() {
    on_chain(|world| rounds(world, 2, 1..=4));
}

#[test]
fn a_dozen_leaves_are_paid_round_after_round() {
    on_chain(|world| rounds(world, 3, 5..=15));
}

#[test]
fn forty_leaves_are_paid_round_after_round() {
    on_chain(|world| rounds(world, 4, 30..=40));
}

async fn rounds(world: &'static World, seed: u64, sizes: std::ops::RangeInclusive<usize>) {
    let mut random = StdRng::seed_from_u64(seed);
    let payroll = Payroll::new(world, SHORT).await;
    let mut owed = Owed::new();
    for round in 1..=ROUNDS {
        let before = owed.clone();
        grow(&mut owed, random.random_range(sizes.clone()), &mut random);
        let leaves = owed.iter().map(|(account, cumulative)| Leaf { account: *account, cumulative: *cumulative });
        let tree = SumTree::new(leaves.collect()).unwrap();
        pay_out(world, &payroll, &tree, round, &before).await;
    }
}

/// Adds random money to some accounts and brings the tree to about `size` accounts; nobody's payout falls.
fn grow(owed: &mut Owed, size: usize, random: &mut StdRng) {
    for cumulative in owed.values_mut() {
        if random.random_bool(0.6) {
            *cumulative += amount(random);
        }
    }
    while owed.len() < size {
        owed.insert(Address::from(random.random::<[u8; 20]>()), amount(random));
    }
}

/// Any order of magnitude, from one base unit to a trillion.
fn amount(random: &mut StdRng) -> u128 {
    let digits = random.random_range(1..=12);
    random.random_range(1..=10u128.pow(digits))
}

/// Credits exactly the new money, posts, waits, claims every leaf, and adds up.
async fn pay_out(world: &World, payroll: &Payroll, tree: &SumTree, round: u64, before: &Owed) {
    let (sum, allocated) = (tree.root().sum, before.values().sum::<u128>());
    if sum > allocated {
        payroll.pay(sum - allocated).await;
    }
    let statement = payroll.statement(tree).await;
    assert_eq!(statement.index, round);
    payroll.post(&statement).await.unwrap();
    payroll.wait().await;

    let mut paid = 0;
    for leaf in tree.leaves() {
        let increase = leaf.cumulative - before.get(&leaf.account).copied().unwrap_or_default();
        let claimed = payroll.claim(tree, round, leaf.account).await;
        if increase == 0 {
            assert_refused(claimed, "Ledger_NothingToClaim");
        } else {
            assert_eq!(claimed.unwrap(), increase);
            paid += increase;
        }
        assert_eq!(world.balance(leaf.account).await, leaf.cumulative);
        assert_eq!(root::claimed(&world.chain, payroll.on, leaf.account).await.unwrap(), leaf.cumulative);
    }

    assert_eq!(paid, sum - allocated, "a round pays what it adds");
    let books = payroll.books().await;
    assert_eq!((books.pool_credited, books.pool_paid, books.revenue, books.unearned), (sum, sum, sum, 0));
    assert_eq!(world.balance(payroll.on.vault).await, 0, "everything is out, nothing is left over");
}
