//! A chain, and accounts that transact on it.

use std::time::Duration;

use alloy::{
    eips::BlockNumberOrTag,
    network::EthereumWallet,
    primitives::{Address, B256},
    providers::{DynProvider, Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
    sol_types::Eip712Domain,
};
use tributary_sdk::typed_data;

use crate::{ChainError, deploy::Deployment};

/// A connection to one chain, with the suite's addresses on it. Reads only; cheap to clone.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    url: String,
    id: u64,
    genesis: B256,
    deployment: Deployment,
}

impl Chain {
    /// Connects over HTTP and asks the chain who it is.
    pub async fn connect(url: &str) -> Result<Self, ChainError> {
        let parsed = url.parse().map_err(|_| ChainError::Rpc(format!("`{url}` is not a URL")))?;
        let provider = ProviderBuilder::new().connect_http(parsed).erased();
        poll_often_if_local(&provider, url);
        let id = provider.get_chain_id().await?;
        let genesis = provider
            .get_block_by_number(BlockNumberOrTag::Earliest)
            .await?
            .ok_or_else(|| ChainError::Rpc("it has no first block".into()))?;
        let deployment = Deployment::canonical();
        Ok(Self { provider, url: url.to_owned(), id, genesis: genesis.header.hash, deployment })
    }

    /// The chain's id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Hash of the first block: tells two development chains of one id apart.
    pub fn genesis(&self) -> B256 {
        self.genesis
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the suite stands.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// For reads.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The domain of receipts, requests, sessions and root statements.
    pub fn ledger_domain(&self) -> Eip712Domain {
        typed_data::domain(self.id, self.deployment.ledger)
    }

    /// The domain of contributions.
    pub fn consent_domain(&self) -> Eip712Domain {
        typed_data::domain(self.id, self.deployment.consent)
    }

    /// Number and time of the newest block. The time is the only clock that contracts know.
    pub async fn head(&self) -> Result<Head, ChainError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        let block = block.ok_or_else(|| ChainError::Rpc("it has no newest block".into()))?;
        Ok(Head { number: block.header.number, timestamp: block.header.timestamp })
    }

    /// The same chain for an account that can pay for transactions.
    pub fn account(&self, key: &PrivateKeySigner) -> Result<Account, ChainError> {
        let url = self.url.parse().map_err(|_| ChainError::Rpc(format!("`{}` is not a URL", self.url)))?;
        let wallet = EthereumWallet::from(key.clone());
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(url).erased();
        poll_often_if_local(&provider, &self.url);
        Ok(Account { chain: self.clone(), provider, address: key.address() })
    }
}

/// The newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its time, in seconds since 1970.
    pub timestamp: u64,
}

/// Somebody who sends transactions.
#[derive(Clone, Debug)]
pub struct Account {
    chain: Chain,
    provider: DynProvider,
    address: Address,
}

impl Account {
    /// The account's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The chain it is on.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// For transactions.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }
}

/// A development chain mines at once; waiting the usual seconds for a receipt would be all the demo does.
fn poll_often_if_local(provider: &DynProvider, url: &str) {
    if url.contains("127.0.0.1") || url.contains("localhost") {
        provider.client().set_poll_interval(Duration::from_millis(20));
    }
}
