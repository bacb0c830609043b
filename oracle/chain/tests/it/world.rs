//! One chain for every test of the binary. Each test makes its own accounts and assets, so that they run side by side.
//!
//! The clock is everybody's: a test may move it by minutes and none may count on its standing still. What must not run
//! out lasts for days.

use std::sync::LazyLock;

use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::OnceCell};
use tributary_chain::{
    Account, Chain, ChainError,
    anvil::{self, Anvil},
    deploy,
    transact::{ask, send},
};
use tributary_sdk::{contracts::DemoDollar, deployment::Deployment};

/// Connections outlive a test, so their runtime must as well.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static WORLD: OnceCell<World> = OnceCell::const_new();

/// A chain with the suite and the demo dollar.
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) dollar: Address,
    /// Never dropped with the binary's statics: its guard ends it with the process.
    _anvil: Anvil,
    _folder: TempDir,
}

/// Runs a test that needs no chain, or starts its own.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    RUNTIME.block_on(test)
}

/// Runs a test on the shared chain.
pub(crate) fn on_chain<F: Future>(test: impl FnOnce(&'static World) -> F) -> F::Output {
    run(async { test(WORLD.get_or_init(World::start).await).await })
}

/// Runs a test on a chain whose clock nobody else moves.
pub(crate) fn on_own_chain<F: Future>(test: impl FnOnce(&'static World) -> F) -> F::Output {
    run(async { test(Box::leak(Box::new(World::start().await))).await })
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let anvil = Anvil::start(folder.path()).await.unwrap();
        let chain = Chain::connect(anvil.url()).await.unwrap();
        let world = Self { chain, dollar: Deployment::demo_dollar().address(), _anvil: anvil, _folder: folder };
        let (_, deployer) = world.account().await;
        let mut creations = Deployment::creations();
        creations.push(Deployment::demo_dollar());
        deploy::deploy(&deployer, &creations).await.unwrap();
        world
    }

    /// Somebody new who can pay fees.
    pub(crate) async fn account(&self) -> (PrivateKeySigner, Account) {
        let key = PrivateKeySigner::random();
        anvil::fund(&self.chain, key.address(), U256::from(10u64.pow(18))).await.unwrap();
        (key.clone(), self.chain.account(&key).unwrap())
    }

    /// The chain's time.
    pub(crate) async fn now(&self) -> u64 {
        self.chain.head().await.unwrap().timestamp
    }

    pub(crate) async fn mint(&self, by: &Account, amount: u128) {
        let dollar = DemoDollar::new(self.dollar, by.provider());
        send("the demo dollar", dollar.mint(by.address(), U256::from(amount))).await.unwrap();
    }

    pub(crate) async fn balance(&self, account: Address) -> u128 {
        let dollar = DemoDollar::new(self.dollar, self.chain.provider());
        ask("the demo dollar", dollar.balanceOf(account)).await.unwrap().to()
    }
}

/// A fresh salt, id or hash.
pub(crate) fn word() -> B256 {
    B256::from(StdRng::from_os_rng().random::<[u8; 32]>())
}

/// The contract's own words for a refusal.
#[track_caller]
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, ChainError>) -> String {
    match result {
        Err(ChainError::Reverted { reason, .. }) => reason,
        other => panic!("not refused by a contract: {other:?}"),
    }
}

/// Asserts that a contract refused, and with which error.
#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(result: Result<T, ChainError>, error: &str) {
    let reason = reason(result);
    assert!(reason.contains(error), "refused with {reason}, not with {error}");
}
