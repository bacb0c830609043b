//! Who plays in the demo. Keys follow from names, so that every run has the same addresses; they are no secret.

use alloy::{
    primitives::{Address, U256, keccak256},
    signers::local::PrivateKeySigner,
};
use eyre::Result;
use tributary_chain::{Chain, anvil, transact::send};
use tributary_sdk::contracts::DemoDollar;

pub(super) struct Cast {
    pub(super) steward: PrivateKeySigner,
    pub(super) treasury: PrivateKeySigner,
    pub(super) builder: PrivateKeySigner,
    pub(super) host: PrivateKeySigner,
    pub(super) curators: PrivateKeySigner,
    pub(super) buyer: PrivateKeySigner,
    pub(super) arbiter: PrivateKeySigner,
    pub(super) attestors: Vec<PrivateKeySigner>,
    pub(super) contributors: Vec<PrivateKeySigner>,
}

impl Cast {
    pub(super) fn new(contributors: usize) -> Self {
        let many = |role: &str, count: usize| (1..=count).map(|place| key(&format!("{role} {place}"))).collect();
        Self {
            steward: key("steward"),
            treasury: key("community treasury"),
            builder: key("builder"),
            host: key("host"),
            curators: key("curators"),
            buyer: key("buyer"),
            arbiter: key("arbiter"),
            attestors: many("attestor", 3),
            contributors: many("contributor", contributors),
        }
    }

    /// Everybody, with their part.
    pub(super) fn roles(&self) -> Vec<(String, &PrivateKeySigner)> {
        let single = [
            ("steward", &self.steward),
            ("treasury", &self.treasury),
            ("builder", &self.builder),
            ("host", &self.host),
            ("curators", &self.curators),
            ("buyer", &self.buyer),
            ("arbiter", &self.arbiter),
        ];
        let single = single.into_iter().map(|(role, key)| (role.to_owned(), key));
        let attestors = self.attestors.iter().enumerate().map(|(place, key)| (format!("attestor {}", place + 1), key));
        let contributors =
            self.contributors.iter().enumerate().map(|(place, key)| (format!("contributor {}", place + 1), key));
        single.chain(attestors).chain(contributors).collect()
    }

    /// Native coin for fees.
    pub(super) async fn fund(&self, chain: &Chain) -> Result<()> {
        for (_, key) in self.roles() {
            anvil::fund(chain, key.address(), U256::from(10u64.pow(18))).await?;
        }
        Ok(())
    }

    /// Dollars of the development chain.
    pub(super) async fn mint(&self, chain: &Chain, token: Address, to: Address, amount: u128) -> Result<()> {
        let account = chain.account(&self.buyer)?;
        let dollar = DemoDollar::new(token, account.provider());
        send("the demo dollar", dollar.mint(to, U256::from(amount))).await?;
        Ok(())
    }
}

fn key(name: &str) -> PrivateKeySigner {
    let mut seed = keccak256(format!("tributary demo: {name}"));
    loop {
        match PrivateKeySigner::from_bytes(&seed) {
            Ok(key) => return key,
            Err(_) => seed = keccak256(seed),
        }
    }
}
