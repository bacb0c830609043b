use alloy::primitives::{Address, B256};
use tributary_sdk::{
    AssetId, batch::SketchesError, client::ClientError, deployment::ChainManifestError, release::ManifestError,
    typed_data::SignatureError,
};

use crate::deploy::OtherCode;

/// Something on chain did not go as asked.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The node was not reached or its answer was not understood.
    #[error("the node did not answer as expected: {0}; check the chain's URL and that the node runs")]
    Rpc(String),
    /// The node is on another chain than when it was connected to.
    #[error("the node is on another chain now (its id is {found}, this one's is {expected}): check the chain's URL")]
    OtherChain {
        /// The chain's id.
        expected: u64,
        /// The node's.
        found: u64,
    },
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
    /// Nothing answers where a contract should be.
    #[error("{0} is not where it belongs on this chain: check the chain's URL, and `tributary deploy --check`")]
    NoContract(&'static str),
    /// Nothing that says its decimals.
    #[error("there is no token at {0} on this chain, or it does not say how many decimals it has: check its address")]
    NotAToken(Address),
    /// An earlier transaction of the account is in no block yet.
    #[error("an earlier transaction of {0} is in no block yet: wait until it is, or replace it, and do this again")]
    Waiting(Address),
    /// The suite is not on this chain.
    #[error("{name} is not deployed at {address} on this chain: run `tributary deploy`")]
    NotDeployed {
        /// The contract.
        name: &'static str,
        /// Where it belongs.
        address: Address,
    },
    /// What stands where a contract of the suite belongs is not that contract.
    #[error(transparent)]
    OtherCode(#[from] OtherCode),
    /// A chain's manifest does not hold.
    #[error(transparent)]
    ChainManifest(#[from] ChainManifestError),
    /// The block of a deployment is not known.
    #[error("the node does not know since when the suite stands: ask a node that keeps old states (an archive node)")]
    NoHistory,
    /// The chain has no CREATE2 proxy.
    #[error("the CREATE2 proxy is missing at {0}: deploy it first, it stands at the same address on every chain")]
    NoCreate2Proxy(Address),
    /// No such asset.
    #[error("asset {0} is not registered on this chain")]
    UnknownAsset(AssetId),
    /// A lineage that is not looked up whole.
    #[error("asset {0} has over a thousand ancestors: look up the lineage of one of its parents")]
    TooManyAncestors(AssetId),
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
    /// The release lets only attestors read sketches, and without them the division cannot be recomputed.
    #[error("its sketches are for the vault's attestors alone, and without them its division cannot be recomputed")]
    SketchesWithheld,
    /// Somebody gave sketches that are not the batch's.
    #[error("the sketches that were given do not belong to the batch: {0}")]
    Sketches(#[from] SketchesError),
    /// The epoch's money could not be divided.
    #[error(transparent)]
    Settlement(#[from] tributary_settlement::SettlementError),
    /// The batch does not hold.
    #[error(transparent)]
    Fault(#[from] crate::verify::Fault),
}

impl ChainError {
    /// Whether a batch is at fault, and not the node or the way to it.
    pub fn is_about_the_batch(&self) -> bool {
        matches!(
            self,
            Self::Fault(_)
                | Self::Manifest(_)
                | Self::Settlement(_)
                | Self::Signature(_)
                | Self::TooManyAncestors(_)
                | Self::UnknownAsset(_)
                | Self::UnknownVersion { .. }
        )
    }

    /// What a node or the way to it said. A node's URL may carry an API key, so no URL is kept.
    pub(crate) fn rpc(said: impl std::fmt::Display) -> Self {
        Self::Rpc(without_urls(&said.to_string()))
    }
}

impl From<alloy::transports::TransportError> for ChainError {
    fn from(error: alloy::transports::TransportError) -> Self {
        Self::rpc(error)
    }
}

fn without_urls(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, url)) = rest.split_once("://") {
        let scheme = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at.saturating_add(1));
        kept.push_str(before.get(..scheme).unwrap_or_default());
        kept.push_str("[the node]");
        let end = url.find(|c: char| c.is_whitespace() || matches!(c, ')' | '"' | '\'' | '>')).unwrap_or(url.len());
        rest = url.get(end..).unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_url_is_in_no_error() {
        let said = "error sending request for url (https://eth.example/v3/KEY?k=SECRET) and wss://x/KEY: refused";
        assert_eq!(
            ChainError::rpc(said).to_string(),
            "the node did not answer as expected: error sending request for url ([the node]) and [the node] refused; \
             check the chain's URL and that the node runs"
        );
    }
}
