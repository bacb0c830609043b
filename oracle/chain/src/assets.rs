//! Registering datasets and models, and publishing their versions.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
    rpc::types::{Filter, TransactionReceipt},
    sol_types::SolEvent,
};
use tributary_sdk::{
    AssetId,
    contracts::{
        AssetRegistry,
        registry::{Asset, Derivation, Edge, Registration, Version},
    },
    release::VersionRef,
};

use crate::{
    Account, Chain, ChainError, logs,
    transact::{ask, send},
};

const CONTRACT: &str = "the asset registry";

/// Registers an asset for the account; its id follows from the account and the salt.
pub async fn register(account: &Account, registration: Registration) -> Result<(AssetId, Address), ChainError> {
    let registry = AssetRegistry::new(account.chain().deployment().registry, account.provider());
    let receipt = send(CONTRACT, registry.register(registration)).await?;
    let event = event::<AssetRegistry::AssetRegistered>(&receipt)?;
    Ok((AssetId(event.assetId), event.vault))
}

/// That the registry would take a registration from the account now.
///
/// # Errors
/// [`ChainError::Reverted`] with what it would say.
pub async fn check_registration(account: &Account, registration: Registration) -> Result<(), ChainError> {
    let registry = AssetRegistry::new(account.chain().deployment().registry, account.provider());
    ask(CONTRACT, registry.register(registration).from(account.address())).await.map(|_| ())
}

/// The version whose content this is, if it is published: the earliest one. Its assets' edges say what may be made of it.
pub async fn version_of(chain: &Chain, content_hash: B256) -> Result<Option<VersionRef>, ChainError> {
    let head = chain.head().await?.number;
    let all = published(chain, 0, head).await?;
    let found = all.into_iter().find(|event| event.contentHash == content_hash);
    Ok(found.map(|event| VersionRef { asset: AssetId(event.assetId), version: event.version }))
}

/// The account's asset with this salt and its vault, if it was registered with this URI.
pub async fn registered(account: &Account, salt: B256, uri: &str) -> Result<Option<(AssetId, Address)>, ChainError> {
    let chain = account.chain();
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    let asset = AssetId(ask(CONTRACT, registry.assetIdOf(account.address(), salt)).await?);
    match self::asset(chain, asset).await {
        Ok(found) if self::uri(chain, asset).await? == uri => Ok(Some((asset, found.vault))),
        Ok(_) | Err(ChainError::UnknownAsset(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Changes what an asset of the account asks of those made from it.
pub async fn set_derivation(account: &Account, asset: AssetId, derivation: Derivation) -> Result<(), ChainError> {
    let registry = AssetRegistry::new(account.chain().deployment().registry, account.provider());
    send(CONTRACT, registry.setDerivation(asset.0, derivation)).await.map(|_| ())
}

/// Appends a version to an asset of the account; returns its number.
pub async fn publish(
    account: &Account,
    asset: AssetId,
    content_hash: B256,
    manifest_hash: B256,
    uri: &str,
) -> Result<u32, ChainError> {
    let registry = AssetRegistry::new(account.chain().deployment().registry, account.provider());
    let receipt = send(CONTRACT, registry.publish(asset.0, content_hash, manifest_hash, uri.to_owned())).await?;
    Ok(event::<AssetRegistry::VersionPublished>(&receipt)?.version)
}

/// What the registry says of an asset.
pub async fn asset(chain: &Chain, asset: AssetId) -> Result<Asset, ChainError> {
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    known(asset, ask(CONTRACT, registry.assetOf(asset.0)).await)
}

/// What the registry said of an asset after a block.
pub async fn asset_at(chain: &Chain, asset: AssetId, block: u64) -> Result<Asset, ChainError> {
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    known(asset, ask(CONTRACT, registry.assetOf(asset.0).block(BlockId::number(block))).await)
}

fn known(asset: AssetId, found: Result<Asset, ChainError>) -> Result<Asset, ChainError> {
    match found {
        Err(ChainError::Reverted { reason, .. }) if reason.contains("Registry_UnknownAsset") => {
            Err(ChainError::UnknownAsset(asset))
        }
        other => other,
    }
}

/// What the registry says of one version.
pub async fn version(chain: &Chain, asset: AssetId, version: u32) -> Result<Version, ChainError> {
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    match ask(CONTRACT, registry.versionOf(asset.0, version)).await {
        Err(ChainError::Reverted { reason, .. }) if reason.contains("Registry_UnknownVersion") => {
            Err(ChainError::UnknownVersion { asset, version })
        }
        other => other,
    }
}

/// Assets of which versions were published in these blocks, each once.
pub async fn published_between(chain: &Chain, from: u64, to: u64) -> Result<BTreeSet<AssetId>, ChainError> {
    Ok(published(chain, from, to).await?.into_iter().map(|event| AssetId(event.assetId)).collect())
}

async fn published(chain: &Chain, from: u64, to: u64) -> Result<Vec<AssetRegistry::VersionPublished>, ChainError> {
    let filter = Filter::new()
        .address(chain.deployment().registry)
        .event_signature(AssetRegistry::VersionPublished::SIGNATURE_HASH);
    let logs = logs::between(chain, &filter, from, to).await?;
    let events = logs.iter().filter_map(|log| AssetRegistry::VersionPublished::decode_log(&log.inner).ok());
    Ok(events.map(|event| event.data).collect())
}

/// An asset's lineage.
pub async fn edges(chain: &Chain, asset: AssetId) -> Result<Vec<Edge>, ChainError> {
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    ask(CONTRACT, registry.edgesOf(asset.0)).await
}

/// What an asset's URI says.
pub async fn uri(chain: &Chain, asset: AssetId) -> Result<String, ChainError> {
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    ask(CONTRACT, registry.tokenURI(U256::from(asset.0))).await
}

/// Who owns an asset.
pub async fn owner(chain: &Chain, asset: AssetId) -> Result<Address, ChainError> {
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    ask(CONTRACT, registry.ownerOf(U256::from(asset.0))).await
}

/// The first event of its kind among a transaction's logs.
pub(crate) fn event<E: SolEvent>(receipt: &TransactionReceipt) -> Result<E, ChainError> {
    let found = receipt.logs().iter().find_map(|log| E::decode_log(&log.inner).ok());
    Ok(found.ok_or(ChainError::MissingEvent(E::SIGNATURE))?.data)
}
