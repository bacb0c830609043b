//! Who made what of what: an asset's ancestors, from the chain alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy::{
    primitives::{Address, U256},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use tributary_sdk::{
    AssetId,
    contracts::{
        AssetRegistry,
        registry::{Asset, DATASET, Edge, Version},
    },
};

use crate::{Chain, ChainError, assets, consent, logs, transact::ask};

const CONTRACT: &str = "the asset registry";
/// Versions asked for in one call.
const A_CALL: u32 = 100;
/// More ancestors than this are not looked up.
pub const MOST_ANCESTORS: usize = 1_000;

/// An asset with all that it is made of.
#[derive(Clone, Debug)]
pub struct Lineage {
    /// Whose lineage it is.
    pub asset: AssetId,
    /// The asset itself and everything it is made of, directly or not.
    pub members: BTreeMap<AssetId, Member>,
}

/// One asset of a lineage.
#[derive(Clone, Debug)]
pub struct Member {
    /// What the registry says of it.
    pub asset: Asset,
    /// Who registered it: that cannot change.
    pub registrant: Address,
    /// Who owns it now.
    pub owner: Address,
    /// Its versions, from 1.
    pub versions: Vec<Version>,
    /// What it is made of.
    pub parents: Vec<Edge>,
    /// Of a dataset: who gave records to it.
    pub contributors: BTreeMap<Address, Contributions>,
}

/// What one account gave to a dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contributions {
    /// Consents that stand.
    pub standing: u32,
    /// Consents that were taken back.
    pub withdrawn: u32,
}

/// Looks an asset's lineage up, as it stands now.
///
/// # Errors
/// [`ChainError::UnknownAsset`]; [`ChainError::TooManyAncestors`]; whatever the node answers.
pub async fn of(chain: &Chain, asset: AssetId) -> Result<Lineage, ChainError> {
    let mut members = BTreeMap::new();
    let mut waiting = VecDeque::from([asset]);
    while let Some(next) = waiting.pop_front() {
        if members.contains_key(&next) {
            continue;
        }
        if members.len() == MOST_ANCESTORS {
            return Err(ChainError::TooManyAncestors(asset));
        }
        let member = member(chain, next).await?;
        waiting.extend(member.parents.iter().map(|edge| AssetId(edge.parent)));
        members.insert(next, member);
    }
    Ok(Lineage { asset, members })
}

/// Whether `ancestor` is among what an asset is made of, directly or not. An asset is not made of itself.
///
/// # Errors
/// As [`of`], but consents are not asked for.
pub async fn is_made_of(chain: &Chain, asset: AssetId, ancestor: AssetId) -> Result<bool, ChainError> {
    // The registry has no edges of what it does not know, and says nothing of that.
    assets::asset(chain, asset).await?;
    let (mut seen, mut waiting) = (BTreeSet::from([asset]), VecDeque::from([asset]));
    while let Some(next) = waiting.pop_front() {
        for edge in assets::edges(chain, next).await? {
            let parent = AssetId(edge.parent);
            if parent == ancestor {
                return Ok(true);
            }
            if seen.insert(parent) {
                waiting.push_back(parent);
            }
        }
        if seen.len() > MOST_ANCESTORS {
            return Err(ChainError::TooManyAncestors(asset));
        }
    }
    Ok(false)
}

async fn member(chain: &Chain, id: AssetId) -> Result<Member, ChainError> {
    let asset = assets::asset(chain, id).await?;
    let registry = AssetRegistry::new(chain.deployment().registry, chain.provider());
    let mut versions = Vec::new();
    for from in (1..=asset.versions).step_by(A_CALL as usize) {
        let count = A_CALL.min(asset.versions.saturating_sub(from).saturating_add(1));
        versions.extend(ask(CONTRACT, registry.versionsOf(id.0, from, count)).await?);
    }
    let mut contributors: BTreeMap<Address, Contributions> = BTreeMap::new();
    if asset.kind == DATASET {
        for recorded in consent::of_dataset(chain, id).await?.into_values() {
            let given = contributors.entry(recorded.contributor).or_default();
            let count = if recorded.withdrawn { &mut given.withdrawn } else { &mut given.standing };
            *count = count.saturating_add(1);
        }
    }
    Ok(Member {
        registrant: registrant(chain, id).await?,
        owner: assets::owner(chain, id).await?,
        parents: assets::edges(chain, id).await?,
        asset,
        versions,
        contributors,
    })
}

async fn registrant(chain: &Chain, asset: AssetId) -> Result<Address, ChainError> {
    let filter = Filter::new()
        .address(chain.deployment().registry)
        .event_signature(AssetRegistry::AssetRegistered::SIGNATURE_HASH)
        .topic1(U256::from(asset.0));
    let head = chain.head().await?.number;
    let logs = logs::between(chain, &filter, 0, head).await?;
    let found = logs.iter().find_map(|log| AssetRegistry::AssetRegistered::decode_log(&log.inner).ok());
    found.map(|event| event.registrant).ok_or(ChainError::UnknownAsset(asset))
}
