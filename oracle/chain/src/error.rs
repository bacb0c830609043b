use alloy::primitives::{Address, B256};
use tributary_sdk::{AssetId, client::ClientError, release::ManifestError, typed_data::SignatureError};

/// Something on chain did not go as asked.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The node was not reached or its answer was not understood.
    #[error("the node did not answer as expected: {0}; check the chain's URL and that the node runs")]
    Rpc(String),
    /// A contract refused.
    #[error("{contract} refused: {reason}")]
    Reverted {
        /// Which contract was called.
        contract: &'static str,
        /// Its custom error with arguments.
        reason: String,
    },
    /// The transaction was included and failed all the same.
    #[error("transaction {0} failed after it was sent: look at it with the node's tools")]
    Failed(B256),
    /// An event that the contract always emits is missing.
    #[error("{0} is missing from the transaction's logs: is the contract at this address the suite's?")]
    MissingEvent(&'static str),
    /// The suite is not on this chain.
    #[error("{name} is not deployed at {address} on this chain: run `tributary deploy`")]
    NotDeployed {
        /// The contract.
        name: &'static str,
        /// Where it belongs.
        address: Address,
    },
    /// The chain has no CREATE2 proxy.
    #[error("the CREATE2 proxy is missing at {0}: deploy it first, it stands at the same address on every chain")]
    NoCreate2Proxy(Address),
    /// No such asset.
    #[error("asset {0} is not registered on this chain")]
    UnknownAsset(AssetId),
    /// No such version.
    #[error("asset {asset} has no version {version}")]
    UnknownVersion {
        /// The asset.
        asset: AssetId,
        /// The version asked for.
        version: u32,
    },
    /// The embedded chain could not be started.
    #[error("the embedded chain did not start: {0}")]
    Anvil(String),
    /// A message could not be signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A published file is not what the chain commits to.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A batch could not be fetched.
    #[error(transparent)]
    Fetch(#[from] ClientError),
    /// The epoch's money could not be divided.
    #[error(transparent)]
    Settlement(#[from] tributary_settlement::SettlementError),
    /// The batch does not hold.
    #[error(transparent)]
    Fault(#[from] crate::verify::Fault),
}

impl From<alloy::transports::TransportError> for ChainError {
    fn from(error: alloy::transports::TransportError) -> Self {
        Self::Rpc(error.to_string())
    }
}
