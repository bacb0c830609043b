//! A vault whose whole revenue goes to its pool, with three attestors of whom two must sign.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::local::PrivateKeySigner,
};
use tributary_chain::{
    Account, ChainError, anvil, assets, epoch, revenue,
    root::{self, Attestation},
    transact::send,
};
use tributary_sdk::{
    contracts::{
        DemoDollar, RoyaltyVault,
        registry::{self, Derivation, Policy, Registration, Shares},
    },
    sum_tree::{Leaf, SumTree},
    typed_data::{self, RootStatement},
};

use crate::world::{World, word};

/// Long enough that no test moves the clock past it by accident.
pub(crate) const LONG: u32 = 30 * 24 * 60 * 60;
/// Short enough to be waited for.
pub(crate) const SHORT: u32 = 60;

pub(crate) const POLICY: &str = "epoch-signed/1";

pub(crate) fn shares(pool_bps: u16, payee: Address) -> Shares {
    let payee_bps = 10_000 - pool_bps;
    Shares {
        payee: if payee_bps == 0 { Address::ZERO } else { payee },
        payeeBps: payee_bps,
        host: Address::ZERO,
        hostBps: 0,
        curators: Address::ZERO,
        curatorsBps: 0,
        poolBps: pool_bps,
    }
}

pub(crate) fn registration(kind: u8, owner: Address, shares: Shares, policy: Policy) -> Registration {
    Registration {
        kind,
        salt: word(),
        owner,
        shares,
        edges: vec![],
        derivation: Derivation::open(),
        policy,
        uri: String::new(),
    }
}

pub(crate) struct Payroll {
    world: &'static World,
    pub(crate) payer: Account,
    pub(crate) attestors: Vec<PrivateKeySigner>,
    pub(crate) on: revenue::Account,
}

impl Payroll {
    /// Registers the asset; `window` is how long its roots wait, in seconds.
    pub(crate) async fn new(world: &'static World, window: u32) -> Self {
        Self::with(world, Policy { window, ..Policy::none() }).await
    }

    /// Registers the asset under a policy with three attestors, of whom two must sign.
    pub(crate) async fn with(world: &'static World, policy: Policy) -> Self {
        let (_, payer) = world.account().await;
        let mut attestors: Vec<PrivateKeySigner> = (0..3).map(|_| PrivateKeySigner::random()).collect();
        attestors.sort_by_key(PrivateKeySigner::address);
        let policy = Policy {
            signers: attestors.iter().map(PrivateKeySigner::address).collect(),
            threshold: 2,
            settlementPolicy: keccak256(POLICY),
            ..policy
        };
        let shares = shares(10_000, Address::ZERO);
        let new = registration(registry::MODEL, payer.address(), shares, policy);
        let (_, vault) = assets::register(&payer, new).await.unwrap();
        Self { world, payer, attestors, on: revenue::Account { vault, token: world.dollar } }
    }

    /// A payroll with these leaves, paid in full, and their root posted.
    pub(crate) async fn posted(world: &'static World, window: u32, leaves: Vec<Leaf>) -> (Self, SumTree) {
        let payroll = Self::new(world, window).await;
        let tree = SumTree::new(leaves).unwrap();
        payroll.pay(tree.root().sum).await;
        let statement = payroll.statement(&tree).await;
        payroll.post(&statement).await.unwrap();
        (payroll, tree)
    }

    /// As [`Payroll::posted`], with the window passed.
    pub(crate) async fn active(world: &'static World, leaves: Vec<Leaf>) -> (Self, SumTree) {
        let (payroll, tree) = Self::posted(world, SHORT, leaves).await;
        payroll.wait().await;
        (payroll, tree)
    }

    /// Pays the vault and has it credit the pool.
    pub(crate) async fn pay(&self, amount: u128) {
        self.pay_for(word(), amount).await;
        self.distribute().await;
    }

    pub(crate) async fn pay_for(&self, payment: B256, amount: u128) {
        self.world.mint(&self.payer, amount).await;
        let dollar = DemoDollar::new(self.on.token, self.payer.provider());
        send("the demo dollar", dollar.approve(self.on.vault, U256::from(amount))).await.unwrap();
        let vault = RoyaltyVault::new(self.on.vault, self.payer.provider());
        send("the vault", vault.pay(payment, self.on.token, U256::from(amount))).await.unwrap();
    }

    pub(crate) async fn distribute(&self) {
        let vault = RoyaltyVault::new(self.on.vault, self.payer.provider());
        send("the vault", vault.distribute(self.on.token)).await.unwrap();
    }

    /// The next statement in order, for a tree.
    pub(crate) async fn statement(&self, tree: &SumTree) -> RootStatement {
        let standing = epoch::standing(&self.world.chain, self.on).await.unwrap();
        let now = self.world.now().await;
        RootStatement {
            vault: self.on.vault,
            token: self.on.token,
            index: standing.index,
            attempt: standing.attempt,
            prevRoot: standing.root,
            root: tree.root().hash,
            sum: tree.root().sum,
            leafCount: tree.leaves().len() as u64,
            receiptsRoot: B256::ZERO,
            receiptsCount: 0,
            dataHash: word(),
            settlementPolicy: keccak256(POLICY),
            periodEnd: now,
            deadline: now + u64::from(LONG),
        }
    }

    /// `key`'s signature of a statement.
    pub(crate) fn attestation(&self, statement: &RootStatement, key: &PrivateKeySigner) -> Attestation {
        let signature = typed_data::sign(statement, &self.world.chain.ledger_domain(), key).unwrap();
        Attestation { signer: key.address(), signature: signature.into() }
    }

    /// Posts with the signatures of two of the three, in no order.
    pub(crate) async fn post(&self, statement: &RootStatement) -> Result<u64, ChainError> {
        let signed = [&self.attestors[2], &self.attestors[0]].map(|key| self.attestation(statement, key));
        root::post(&self.payer, statement, &signed).await
    }

    /// Lets a short window pass.
    pub(crate) async fn wait(&self) {
        anvil::advance(&self.world.chain, u64::from(SHORT)).await.unwrap();
    }

    /// Claims an account's leaf, as anybody may.
    pub(crate) async fn claim(&self, tree: &SumTree, index: u64, account: Address) -> Result<u128, ChainError> {
        let (place, leaf, proof) = root::proof(tree, account).unwrap();
        root::claim(&self.payer, self.on, index, leaf, place, proof).await
    }

    pub(crate) async fn books(&self) -> root::Books {
        root::books(&self.world.chain, self.on).await.unwrap()
    }
}

/// Leaves of so many new accounts: 1,000, 2,000, … base units.
pub(crate) fn leaves(count: u64) -> Vec<Leaf> {
    let mut accounts: Vec<Address> = (0..count).map(|_| Address::from_word(word())).collect();
    accounts.sort();
    let leaf = |(place, account): (usize, Address)| Leaf { account, cumulative: 1_000 * (place as u128 + 1) };
    accounts.into_iter().enumerate().map(leaf).collect()
}
