//! Roots that a dishonest quorum signed, built leaf by leaf: anybody proves what is wrong with them, or an arbiter rules.
//! After each, bonds are where they belong and the index is free.

use alloy::primitives::{Address, Bytes, U256, aliases::U88};
use tributary_chain::{
    Account,
    dispute::{self, Difference, Finding, Ruling},
    epoch, posted,
    posted::Rejection,
    revenue,
};
use tributary_sdk::{
    AssetId,
    batch::Batch,
    contracts::registry::Policy,
    faults::Fault,
    release::{Manifest, VersionRef},
    sum_tree::{Leaf, PostedTree, SumTree},
    typed_data::RootStatement,
};

use crate::{
    payroll::{LONG, Payroll, SHORT, leaves},
    world::{World, assert_refused, on_own_chain},
};

const POSTER_BOND: u64 = 1_000_001;
const CHALLENGE_BOND: u64 = 500_001;
const ARBITER_PERIOD: u32 = 3_600;

/// A payroll whose first root is active, with an arbiter, and somebody who watches.
struct Disputed {
    world: &'static World,
    payroll: Payroll,
    arbiter: Account,
    watcher: Account,
    active: SumTree,
    published: Bytes,
}

impl Disputed {
    async fn new(world: &'static World) -> Self {
        let ((_, arbiter), (_, watcher)) = (world.account().await, world.account().await);
        let policy = Policy {
            window: SHORT,
            arbiter: arbiter.address(),
            arbiterPeriod: ARBITER_PERIOD,
            posterBond: U88::from(POSTER_BOND),
            challengeBond: U88::from(CHALLENGE_BOND),
            ..Policy::none()
        };
        let payroll = Payroll::with(world, policy).await;
        let active = SumTree::new(leaves(5)).unwrap();
        payroll.pay(active.root().sum).await;
        let mut this = Self { world, payroll, arbiter, watcher, active, published: Bytes::new() };
        this.published = this.post(this.active.as_posted().clone()).await;
        this.payroll.wait().await;
        this
    }

    fn on(&self) -> revenue::Account {
        self.payroll.on
    }

    fn leaves(&self) -> Vec<Leaf> {
        self.active.leaves().to_vec()
    }

    /// The quorum signs whatever tree it likes, and publishes it.
    async fn post(&self, tree: PostedTree) -> Bytes {
        let credited = self.payroll.books().await.allocatable;
        if tree.root().sum > credited {
            self.payroll.pay(tree.root().sum - credited).await;
        }
        let standing = epoch::standing(&self.world.chain, self.on()).await.unwrap();
        let batch = self.batch(&tree, standing);
        let bytes = batch.to_bytes().unwrap();
        let honest = self.payroll.statement(&self.active).await;
        let statement = RootStatement {
            root: tree.root().hash,
            sum: tree.root().sum,
            leafCount: tree.leaf_count(),
            dataHash: Batch::data_hash(&bytes),
            ..honest
        };
        self.payroll.post(&statement).await.unwrap();
        bytes.into()
    }

    /// Only the leaves of it matter here.
    fn batch(&self, tree: &PostedTree, standing: epoch::Standing) -> Batch {
        Batch {
            format: Batch::FORMAT.into(),
            chain_id: self.world.chain.id(),
            vault: self.on().vault,
            token: self.on().token,
            release: VersionRef { asset: AssetId(1), version: 1 },
            host: Address::ZERO,
            index: standing.index,
            attempt: standing.attempt,
            prev_root: standing.root,
            // A lie: the watcher takes them from the batch before.
            previous: vec![],
            period_end: 1,
            manifest: String::new(),
            table: Bytes::new(),
            sessions: vec![],
            receipts: vec![],
            leaves: tree.leaves().to_vec(),
        }
    }

    async fn examine(&self, batch: &[u8]) -> Finding {
        let waiting = dispute::waiting(&self.world.chain, self.on()).await.unwrap().unwrap();
        waiting.examine(&self.world.chain, batch, Some(&self.published)).await.unwrap()
    }

    async fn bond(&self, of: Address) -> u64 {
        dispute::bond(&self.world.chain, of).await.unwrap().to()
    }

    async fn bonds(&self) -> [u64; 3] {
        let of = [self.payroll.payer.address(), self.watcher.address(), self.on().vault];
        [self.bond(of[0]).await, self.bond(of[1]).await, self.bond(of[2]).await]
    }

    /// The root was rejected for this; the next attempt at its index is posted, becomes active and is claimed against.
    async fn rejected(&self, reason: Rejection) {
        let chain = &self.world.chain;
        assert_eq!(posted::rejection(chain, self.on(), 2, 0).await.unwrap(), Some(reason));
        let standing = epoch::standing(chain, self.on()).await.unwrap();
        assert_eq!((standing.index, standing.attempt, standing.is_open), (2, 1, true));
        assert_eq!((standing.root, standing.sum), (self.active.root().hash, self.active.root().sum));
        assert!(dispute::waiting(chain, self.on()).await.unwrap().is_none());

        let grown = self.leaves().into_iter().map(|leaf| Leaf { cumulative: leaf.cumulative + 1, ..leaf });
        let grown = SumTree::new(grown.collect()).unwrap();
        self.post(grown.as_posted().clone()).await;
        let attempts = posted::attempts(chain, self.on(), 2).await.unwrap();
        assert_eq!(attempts.iter().map(|posted| posted.statement.attempt).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(posted::rejection(chain, self.on(), 2, 1).await.unwrap(), None);
        self.payroll.wait().await;
        let leaf = grown.leaves()[3];
        assert_eq!(self.payroll.claim(&grown, 2, leaf.account).await.unwrap(), leaf.cumulative);
    }
}

/// A quorum's leaves are changed, a watcher finds this fault in them, and proves it.
fn proven(dishonest: impl FnOnce(&mut Vec<Leaf>), expected: impl FnOnce(&Fault) -> bool, reason: Rejection) {
    on_own_chain(async |world| {
        let disputed = Disputed::new(world).await;
        let mut leaves = disputed.leaves();
        dishonest(&mut leaves);
        let batch = disputed.post(PostedTree::new(leaves).unwrap()).await;
        let Finding::Fault(fault) = disputed.examine(&batch).await else { panic!("no fault was found") };
        assert!(expected(&fault), "{fault:?}");
        assert_eq!(disputed.bonds().await, [0, 0, 0]);

        dispute::prove(&disputed.watcher, disputed.on(), &fault).await.unwrap();
        // Half of it, rounded down, is whose who proved it, and the rest the pool's.
        assert_eq!(disputed.bonds().await, [0, 500_000, 500_001]);
        let again = dispute::prove(&disputed.watcher, disputed.on(), &fault).await;
        assert_refused(again, "Ledger_NotPending");
        disputed.rejected(reason).await;
        assert_eq!(disputed.bonds().await, [0, 500_000, 500_001], "the second stake is still on its root");
    });
}

/// Room for what a change takes away: the sum must not fall.
fn grow(leaves: &mut [Leaf], place: usize) {
    leaves[place].cumulative += 10_000;
}

#[test]
fn leaves_out_of_order_are_proven_and_the_root_is_rejected() {
    proven(|leaves| leaves.swap(1, 3), |fault| matches!(fault, Fault::Disorder { .. }), Rejection::Disorder);
}

#[test]
fn an_account_with_two_leaves_is_proven_and_the_root_is_rejected() {
    let twice = |leaves: &mut Vec<Leaf>| leaves.insert(2, leaves[2]);
    proven(twice, |fault| matches!(fault, Fault::Disorder { .. }), Rejection::Disorder);
}

#[test]
fn a_lower_payout_is_proven_and_the_root_is_rejected() {
    let lower = |leaves: &mut Vec<Leaf>| {
        leaves[1].cumulative -= 1;
        grow(leaves, 4);
    };
    proven(lower, |fault| matches!(fault, Fault::Decrease { .. }), Rejection::Decrease);
}

#[test]
fn a_payout_of_nothing_is_proven_and_the_root_is_rejected() {
    let nothing = |leaves: &mut Vec<Leaf>| {
        leaves[1].cumulative = 0;
        grow(leaves, 4);
    };
    proven(nothing, |fault| matches!(fault, Fault::Decrease { .. }), Rejection::Decrease);
}

#[test]
fn an_account_left_out_is_proven_wherever_it_stood() {
    for place in [0, 2, 4] {
        let without = move |leaves: &mut Vec<Leaf>| {
            leaves.remove(place);
            grow(leaves, 1);
        };
        proven(without, |fault| matches!(fault, Fault::Omission { .. }), Rejection::Omission);
    }
}

#[test]
fn a_fault_is_proven_over_an_open_challenge_too() {
    on_own_chain(async |world| {
        let disputed = Disputed::new(world).await;
        let mut leaves = disputed.leaves();
        leaves.swap(0, 1);
        let batch = disputed.post(PostedTree::new(leaves).unwrap()).await;
        dispute::challenge(&disputed.watcher, disputed.on(), "it is wrong").await.unwrap();
        assert!(dispute::waiting(&world.chain, disputed.on()).await.unwrap().unwrap().is_challenged);
        let Finding::Fault(fault) = disputed.examine(&batch).await else { panic!("no fault was found") };
        dispute::prove(&disputed.payroll.payer, disputed.on(), &fault).await.unwrap();
        // The challenger has its own back; here the poster itself proved the fault.
        assert_eq!(disputed.bonds().await, [500_000, CHALLENGE_BOND, 500_001]);
    });
}

/// A root without a fault of its leaves whose batch is worth nothing, challenged.
async fn challenged(world: &'static World) -> Disputed {
    let disputed = Disputed::new(world).await;
    let mut leaves = disputed.leaves();
    grow(&mut leaves, 0);
    let batch = disputed.post(PostedTree::new(leaves).unwrap()).await;
    let other = disputed.examine(b"something else").await;
    assert!(matches!(other, Finding::Differs(Difference::Bytes { .. })), "{other:?}");
    let Finding::Differs(difference) = disputed.examine(&batch).await else { panic!("it holds") };
    assert!(matches!(difference, Difference::Recomputation(_)), "{difference}");

    let bond = dispute::challenge_bond(&world.chain, disputed.on()).await.unwrap();
    assert_eq!(bond, U256::from(CHALLENGE_BOND));
    dispute::challenge(&disputed.watcher, disputed.on(), &difference.to_string()).await.unwrap();
    let again = dispute::challenge(&disputed.watcher, disputed.on(), "again").await;
    assert_refused(again, "Ledger_AlreadyChallenged");
    let early = dispute::time_out(&disputed.watcher, disputed.on()).await;
    assert_refused(early, "Ledger_RulingOpen");
    disputed
}

#[test]
fn a_challenge_that_the_arbiter_upholds_rejects_the_root() {
    on_own_chain(async |world| {
        let disputed = challenged(world).await;
        let stranger = dispute::rule(&disputed.watcher, disputed.on(), Ruling::Upheld).await;
        assert_refused(stranger, "Ledger_NotArbiter");
        dispute::rule(&disputed.arbiter, disputed.on(), Ruling::Upheld).await.unwrap();
        assert_eq!(disputed.bonds().await, [0, 500_000 + CHALLENGE_BOND, 500_001]);
        disputed.rejected(Rejection::Arbiter).await;

        let before = disputed.payroll.books().await.allocatable;
        dispute::withdraw_bond(&disputed.payroll.payer, disputed.on().vault).await.unwrap();
        let native = revenue::Account { token: Address::repeat_byte(0xee), ..disputed.on() };
        let books = tributary_chain::root::books(&world.chain, native).await.unwrap();
        assert_eq!((books.allocatable, disputed.payroll.books().await.allocatable), (500_001, before));
    });
}

#[test]
fn a_challenge_that_the_arbiter_dismisses_costs_the_challenger() {
    on_own_chain(async |world| {
        let disputed = challenged(world).await;
        dispute::rule(&disputed.arbiter, disputed.on(), Ruling::Dismissed).await.unwrap();
        assert_eq!(disputed.bonds().await, [250_000, 0, 250_001]);
        let standing = epoch::standing(&world.chain, disputed.on()).await.unwrap();
        assert_eq!((standing.index, standing.attempt), (3, 0));
        disputed.payroll.wait().await;
        dispute::release_bond(&disputed.watcher, disputed.on()).await.unwrap();
        assert_eq!(disputed.bonds().await, [250_000 + POSTER_BOND, 0, 250_001]);
    });
}

#[test]
fn a_challenge_on_which_nobody_rules_rejects_the_root_and_the_next_one_costs_twice() {
    on_own_chain(async |world| {
        let disputed = challenged(world).await;
        tributary_chain::anvil::advance(&world.chain, u64::from(ARBITER_PERIOD) + 1).await.unwrap();
        let late = dispute::rule(&disputed.arbiter, disputed.on(), Ruling::Upheld).await;
        assert_refused(late, "Ledger_RulingLate");
        dispute::time_out(&disputed.payroll.payer, disputed.on()).await.unwrap();
        assert_eq!(disputed.bonds().await, [POSTER_BOND, CHALLENGE_BOND - 50_001, 50_001]);
        disputed.post(disputed.active.as_posted().clone()).await;
        let bond = dispute::challenge_bond(&world.chain, disputed.on()).await.unwrap();
        assert_eq!(bond, U256::from(2 * CHALLENGE_BOND));
        assert_eq!(disputed.bonds().await[0], 0, "what was given back is staked again");
    });
}

#[test]
fn a_root_without_an_arbiter_is_not_challenged() {
    on_own_chain(async |world| {
        let (payroll, _) = Payroll::posted(world, LONG, leaves(3)).await;
        let challenged = dispute::challenge(&payroll.payer, payroll.on, "it is wrong").await;
        assert_refused(challenged, "Ledger_NoArbiter");
    });
}
