//! The suite at its predictable addresses, from committed initcode.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use tributary_sdk::contracts::{CREATE2_PROXY, Creation, SALT};

pub use tributary_sdk::contracts::Deployment;

use crate::{Account, Chain, ChainError};

/// What a deployment found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The code was there already.
    Present,
    /// It was created now.
    Created,
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
            create(account, creation).await?;
            Outcome::Created
        } else {
            Outcome::Present
        };
        outcomes.push((creation.name, address, outcome));
    }
    Ok(outcomes)
}

/// Fails with the first contract of the suite that the chain lacks.
pub async fn check(chain: &Chain) -> Result<(), ChainError> {
    for creation in Deployment::creations() {
        let address = creation.address();
        if chain.provider().get_code_at(address).await?.is_empty() {
            return Err(ChainError::NotDeployed { name: creation.name, address });
        }
    }
    Ok(())
}

async fn create(account: &Account, creation: &Creation) -> Result<(), ChainError> {
    let input: Bytes = [SALT.as_slice(), &creation.initcode].concat().into();
    let request = TransactionRequest::default().with_to(CREATE2_PROXY).with_input(input);
    let pending = account.provider().send_transaction(request).await?;
    let receipt = pending.get_receipt().await.map_err(ChainError::rpc)?;
    let address = creation.address();
    if !receipt.status() || account.provider().get_code_at(address).await?.is_empty() {
        return Err(ChainError::NotDeployed { name: creation.name, address });
    }
    Ok(())
}
