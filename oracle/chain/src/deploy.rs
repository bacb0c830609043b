//! The suite at its predictable addresses, from committed initcode; and whether that is what stands there.

mod check;
mod replay;

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use tributary_sdk::deployment::{CREATE2_PROXY, Creation};

pub use check::{Since, check, check_manifest, manifest, present, since};
pub use tributary_sdk::deployment::Deployment;

use crate::{Account, ChainError};

/// The code of a contract on chain is not what its initcode makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} at {address} has other code than this build makes: code hash {found}, expected {expected}; \
     trust nothing on this chain, or check the node"
)]
pub struct OtherCode {
    /// The contract.
    pub name: &'static str,
    /// Where it stands.
    pub address: Address,
    /// keccak-256 of the code that is there.
    pub found: B256,
    /// keccak-256 of the code that the initcode makes there.
    pub expected: B256,
}

/// What a deployment found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The code was there already.
    Present,
    /// It was created now.
    Created {
        /// In which block.
        block: u64,
    },
}

/// Creates what is missing of `creations`, in order. Running it again does nothing.
pub async fn deploy(
    account: &Account,
    creations: &[Creation],
) -> Result<Vec<(&'static str, Address, Outcome)>, ChainError> {
    let provider = account.provider();
    if provider.get_code_at(CREATE2_PROXY).await?.is_empty() {
        return Err(ChainError::NoCreate2Proxy(CREATE2_PROXY));
    }
    let mut outcomes = Vec::with_capacity(creations.len());
    for creation in creations {
        let address = creation.address();
        let outcome = if provider.get_code_at(address).await?.is_empty() {
            Outcome::Created { block: create(account, creation).await? }
        } else {
            Outcome::Present
        };
        outcomes.push((creation.name, address, outcome));
    }
    Ok(outcomes)
}

async fn create(account: &Account, creation: &Creation) -> Result<u64, ChainError> {
    let request = TransactionRequest::default().with_to(CREATE2_PROXY).with_input(creation.proxy_input());
    let pending = account.provider().send_transaction(request).await?;
    let receipt = pending.get_receipt().await.map_err(ChainError::rpc)?;
    let address = creation.address();
    if !receipt.status() || account.provider().get_code_at(address).await?.is_empty() {
        return Err(ChainError::NotDeployed { name: creation.name, address });
    }
    receipt.block_number.ok_or_else(|| ChainError::Rpc("it has no block for a receipt".into()))
}
