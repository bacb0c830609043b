//! A chain with the suite on it.
//!
//! Most tests share one, whose clock nobody moves; each makes its own accounts and assets there. Tests that move the
//! clock start their own.

use std::sync::{Arc, LazyLock};

use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::OnceCell};
use tributary_chain::{
    Account, Chain,
    anvil::{self, Anvil},
    deploy, revenue, root,
    transact::{ask, send},
};
use tributary_sdk::{contracts::DemoDollar, deployment::Deployment};

pub(crate) const DAY: u64 = 24 * 60 * 60;

/// Connections outlive a test, so their runtime must as well.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SHARED: OnceCell<Arc<Town>> = OnceCell::const_new();

pub(crate) fn run<F: Future>(test: F) -> F::Output {
    RUNTIME.block_on(test)
}

pub(crate) struct Town {
    pub(crate) chain: Chain,
    pub(crate) dollar: Address,
    _anvil: Anvil,
    _folder: TempDir,
}

impl Town {
    /// A chain without anything on it.
    pub(crate) async fn empty() -> Self {
        let folder = folder();
        let anvil = Anvil::start(folder.path()).await.unwrap();
        let chain = Chain::connect(anvil.url()).await.unwrap();
        Self { chain, dollar: Deployment::demo_dollar().address(), _anvil: anvil, _folder: folder }
    }

    pub(crate) async fn start() -> Arc<Self> {
        let town = Self::empty().await;
        let deployer = town.account(&town.resident().await);
        let mut creations = Deployment::creations();
        creations.push(Deployment::demo_dollar());
        deploy::deploy(&deployer, &creations).await.unwrap();
        Arc::new(town)
    }

    /// The chain that tests share. Its clock is not to be moved.
    pub(crate) async fn shared() -> Arc<Self> {
        SHARED.get_or_init(Self::start).await.clone()
    }

    /// Somebody new who can pay fees.
    pub(crate) async fn resident(&self) -> PrivateKeySigner {
        let key = PrivateKeySigner::random();
        self.fund(key.address()).await;
        key
    }

    pub(crate) async fn fund(&self, account: Address) {
        anvil::fund(&self.chain, account, U256::from(10u64.pow(18))).await.unwrap();
    }

    pub(crate) fn account(&self, key: &PrivateKeySigner) -> Account {
        self.chain.account(key).unwrap()
    }

    pub(crate) async fn mint(&self, by: &PrivateKeySigner, amount: u128) {
        let account = self.account(by);
        let dollar = DemoDollar::new(self.dollar, account.provider());
        send("the demo dollar", dollar.mint(by.address(), U256::from(amount))).await.unwrap();
    }

    pub(crate) async fn balance(&self, account: Address) -> u128 {
        let dollar = DemoDollar::new(self.dollar, self.chain.provider());
        ask("the demo dollar", dollar.balanceOf(account)).await.unwrap().to()
    }

    pub(crate) async fn books(&self, on: revenue::Account) -> root::Books {
        root::books(&self.chain, on).await.unwrap()
    }

    pub(crate) async fn now(&self) -> u64 {
        self.chain.head().await.unwrap().timestamp
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        anvil::advance(&self.chain, seconds).await.unwrap();
    }
}

/// A folder that is gone with its owner; what the binary's statics own stays in the target folder.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A fresh salt, id or hash.
pub(crate) fn word() -> B256 {
    B256::from(StdRng::from_os_rng().random::<[u8; 32]>())
}
