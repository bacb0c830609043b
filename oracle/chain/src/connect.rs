//! A chain, and accounts that transact on it.

use std::time::Duration;

use alloy::{
    eips::BlockNumberOrTag,
    network::EthereumWallet,
    primitives::{Address, B256},
    providers::{DynProvider, Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
    sol_types::Eip712Domain,
    transports::http::reqwest,
};
use tributary_sdk::{client::http, typed_data};

use crate::{ChainError, deploy::Deployment};

/// Longest that a node may take for one call: a silent one must not keep anybody waiting for ever.
const CALL: Duration = Duration::from_secs(20);

/// A node to be asked over HTTP; nothing is asked yet.
pub fn node(url: &str) -> Result<DynProvider, ChainError> {
    let parsed = url.parse().map_err(|_| ChainError::Rpc("its URL is no URL".into()))?;
    Ok(ProviderBuilder::new().connect_reqwest(client()?, parsed).erased())
}

/// A connection to one chain, with the suite's addresses on it. Reads only; cheap to clone.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    url: String,
    id: u64,
    genesis: B256,
    development: bool,
    deployment: Deployment,
}

impl Chain {
    /// Connects over HTTP and asks the chain who it is.
    pub async fn connect(url: &str) -> Result<Self, ChainError> {
        let provider = node(url)?;
        let client: String = provider.raw_request("web3_clientVersion".into(), ()).await?;
        let development = client.starts_with("anvil");
        set_polling(&provider, development);
        let id = provider.get_chain_id().await?;
        let genesis = provider
            .get_block_by_number(BlockNumberOrTag::Earliest)
            .await?
            .ok_or_else(|| ChainError::Rpc("it has no first block".into()))?;
        let deployment = Deployment::canonical();
        Ok(Self { provider, url: url.to_owned(), id, genesis: genesis.header.hash, development, deployment })
    }

    /// The chain's id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Hash of the first block: tells two development chains of one id apart.
    pub fn genesis(&self) -> B256 {
        self.genesis
    }

    /// Whether the node is still on this chain. Contracts stand at the same addresses on every chain, so another one's
    /// answers look like this one's.
    pub async fn check_identity(&self) -> Result<(), ChainError> {
        let id = self.provider.get_chain_id().await?;
        let genesis = self.found(BlockNumberOrTag::Earliest).await?.map(|block| block.hash);
        match genesis {
            Some(genesis) if (id, genesis) == (self.id, self.genesis) => Ok(()),
            Some(_) => Err(ChainError::OtherChain { expected: self.id, found: id }),
            None => Err(ChainError::Rpc("it has no first block".into())),
        }
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether the node is a development chain, which mines when it is asked to and has a clock that can be moved.
    pub fn is_development(&self) -> bool {
        self.development
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
        self.found(BlockNumberOrTag::Latest).await?.ok_or_else(|| ChainError::Rpc("it has no newest block".into()))
    }

    /// A block of the chain as it is now, if there is one of that number.
    pub async fn block(&self, number: u64) -> Result<Option<Head>, ChainError> {
        self.found(number.into()).await
    }

    async fn found(&self, which: BlockNumberOrTag) -> Result<Option<Head>, ChainError> {
        let block = self.provider.get_block_by_number(which).await?;
        Ok(block.map(|block| {
            let (number, timestamp, hash) = (block.header.number, block.header.timestamp, block.header.hash);
            Head { number, timestamp, hash }
        }))
    }

    /// The last block whose time is not after `time`; 0 where there is none.
    ///
    /// The answer is final once a later block has a later time.
    pub async fn block_at(&self, time: u64) -> Result<u64, ChainError> {
        let head = self.head().await?;
        if head.timestamp <= time {
            return Ok(head.number);
        }
        // Always: the block `low` is not after `time`, or is 0; the block `high` is after it.
        let (mut low, mut high) = (0, head.number);
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            if self.timestamp(middle).await? <= time { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// The time of a block.
    pub async fn timestamp(&self, number: u64) -> Result<u64, ChainError> {
        let block = self.block(number).await?;
        Ok(block.ok_or_else(|| ChainError::Rpc(format!("it has no block {number}")))?.timestamp)
    }

    /// The same chain for an account that can pay for transactions, one after the other.
    ///
    /// The node is asked for every nonce: one counted here would stay taken by a call that a contract refuses, and all
    /// later transactions of the account would wait for it for ever.
    pub fn account(&self, key: &PrivateKeySigner) -> Result<Account, ChainError> {
        let url = self.url.parse().map_err(|_| ChainError::Rpc("its URL is no URL".into()))?;
        let wallet = EthereumWallet::from(key.clone());
        let provider = ProviderBuilder::default()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .with_chain_id(self.id)
            .wallet(wallet)
            .connect_reqwest(client()?, url)
            .erased();
        set_polling(&provider, self.development);
        Ok(Account { chain: self.clone(), provider, address: key.address() })
    }
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its time, in seconds since 1970.
    pub timestamp: u64,
    /// Its hash.
    pub hash: B256,
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

fn client() -> Result<reqwest::Client, ChainError> {
    // Sees to this build's TLS.
    drop(http());
    reqwest::Client::builder().timeout(CALL).build().map_err(ChainError::rpc)
}

/// A development chain mines at once; waiting the usual seconds for a receipt would be all the demo does.
fn set_polling(provider: &DynProvider, development: bool) {
    if development {
        provider.client().set_poll_interval(Duration::from_millis(20));
    }
}
