//! Sending a transaction, and saying in the contract's own words why it was refused.

use std::time::Duration;

use alloy::{
    contract::{CallBuilder, CallDecoder, Error as ContractError},
    network::Ethereum,
    primitives::Bytes,
    providers::Provider,
    rpc::types::TransactionReceipt,
    sol_types::SolInterface,
};
use tributary_sdk::contracts::{
    AssetRegistry::AssetRegistryErrors, AttributionLedger::AttributionLedgerErrors,
    CommunityFactory::CommunityFactoryErrors, ConsentRegistry::ConsentRegistryErrors, DemoDollar::DemoDollarErrors,
    LedgerExtension::LedgerExtensionErrors, LicenseMarket::LicenseMarketErrors, LicenseToken::LicenseTokenErrors,
    RoyaltyVault::RoyaltyVaultErrors,
};

use crate::{Account, ChainError};

/// How many looks at the chain a transaction may take to get into a block. One that a node has dropped never does.
const LOOKS: u32 = 200;
/// The least that it may take.
const LEAST: Duration = Duration::from_secs(10);

/// Sends the call and waits until it is in a block.
pub async fn send<P, D>(
    contract: &'static str,
    call: CallBuilder<P, D, Ethereum>,
) -> Result<TransactionReceipt, ChainError>
where
    P: Provider,
    D: CallDecoder,
{
    let pending = call.send().await.map_err(|error| refusal(contract, &error))?;
    let patience = pending.provider().client().poll_interval().saturating_mul(LOOKS).max(LEAST);
    let receipt = pending.with_timeout(Some(patience)).get_receipt().await.map_err(ChainError::rpc)?;
    if receipt.status() { Ok(receipt) } else { Err(ChainError::Failed(receipt.transaction_hash)) }
}

/// Waits until nothing that the account has sent is on its way: what a command that was stopped has sent is then in a block.
///
/// # Errors
/// [`ChainError::Waiting`] where something stays on its way; whatever the node answers.
pub async fn settled(account: &Account) -> Result<(), ChainError> {
    let provider = account.provider();
    let step = provider.client().poll_interval();
    let patience = step.saturating_mul(LOOKS).max(LEAST);
    let waited = tokio::time::timeout(patience, async {
        loop {
            let sent = provider.get_transaction_count(account.address()).pending().await?;
            if provider.get_transaction_count(account.address()).latest().await? >= sent {
                return Ok::<_, ChainError>(());
            }
            tokio::time::sleep(step).await;
        }
    });
    waited.await.unwrap_or(Err(ChainError::Waiting(account.address())))
}

/// Asks a view.
pub async fn ask<P, D>(contract: &'static str, call: CallBuilder<P, D, Ethereum>) -> Result<D::CallOutput, ChainError>
where
    P: Provider,
    D: CallDecoder + Unpin,
{
    call.call().await.map_err(|error| refusal(contract, &error))
}

fn refusal(contract: &'static str, error: &ContractError) -> ChainError {
    match error.as_revert_data() {
        Some(data) => ChainError::Reverted { contract, reason: reason(&data) },
        None if matches!(error, ContractError::ZeroData(..)) => ChainError::NoContract(contract),
        None => ChainError::rpc(error),
    }
}

/// The custom error with its arguments, whichever contract of the suite it came from.
pub fn reason(data: &Bytes) -> String {
    fn decode<E: SolInterface + std::fmt::Debug>(data: &[u8]) -> Option<String> {
        E::abi_decode(data).ok().map(|error| format!("{error:?}"))
    }
    decode::<AttributionLedgerErrors>(data)
        .or_else(|| decode::<LedgerExtensionErrors>(data))
        .or_else(|| decode::<RoyaltyVaultErrors>(data))
        .or_else(|| decode::<AssetRegistryErrors>(data))
        .or_else(|| decode::<ConsentRegistryErrors>(data))
        .or_else(|| decode::<LicenseMarketErrors>(data))
        .or_else(|| decode::<LicenseTokenErrors>(data))
        .or_else(|| decode::<CommunityFactoryErrors>(data))
        .or_else(|| decode::<DemoDollarErrors>(data))
        .unwrap_or_else(|| format!("an error this program does not know, {data}"))
}
