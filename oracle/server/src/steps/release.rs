//! Releases: looked through, put into the store, published with their lineage.

mod plan;
mod review;

use alloy::{
    primitives::{Address, B256, U256, aliases::U88, keccak256},
    sol_types::SolValue,
};
use tributary_chain::{Account, Chain, assets, transact};
use tributary_dataset::snapshot::Contents;
use tributary_factory::{Release, ReleaseFiles};
use tributary_sdk::{
    AssetId,
    contracts::registry::{self, Derivation, EDGE_BASE, EDGE_FINETUNE, Edge, Policy, Registration, Shares},
    release::{Recipe, ReleaseManifest, VersionRef},
};
use tributary_settlement::Policy as SettlementPolicy;

pub use self::{
    plan::{Attestation, Base, Deriving, Plan, PlanError, Required, Rule, SharePlan},
    review::{Review, review},
};
use super::{DataFolder, StepError, data::ModelState, dataset};
use crate::dataset::reading;

/// How a model's money is divided and who attests it.
#[derive(Clone, Debug)]
pub struct NewModel {
    /// For people; it also makes the asset's id, so an account can use a name once.
    pub name: String,
    /// The fixed shares, in basis points; with the dataset's share they make 10,000.
    pub shares: Shares,
    /// What the dataset's vault gets of everything, in basis points.
    pub dataset_bps: u16,
    /// What it was made from, where that is a release on the same chain.
    pub base: Option<BaseEdge>,
    /// What it asks of models that are made from it.
    pub derivation: Derivation,
    /// Who may attest roots.
    pub attestors: Vec<Address>,
    /// How many of them it takes.
    pub threshold: u8,
    /// How long a posted root waits before claims on it are good, in seconds.
    pub window: u32,
    /// Who judges roots that are challenged.
    pub arbitration: Option<Arbitration>,
    /// What is staked on a root, in wei of the chain's coin.
    pub poster_bond: u64,
    /// How long the attestors may be silent before anyone can send the pool to the data's vault, in seconds; 0 is for
    /// ever.
    pub fallback_after: u32,
}

/// A release that another one was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseEdge {
    /// The model.
    pub asset: AssetId,
    /// Its version; the newest if not given.
    pub version: Option<u32>,
    /// What its vault gets of everything, in basis points.
    pub share_bps: u16,
    /// The license under which, if its owner asks for one.
    pub license: Option<U256>,
}

/// Who judges roots that are challenged, by when, and what a challenge costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arbitration {
    /// None of the attestors.
    pub arbiter: Address,
    /// How long the arbiter has, in seconds.
    pub period: u32,
    /// What a challenger stakes, in wei of the chain's coin.
    pub bond: u64,
}

/// Publishes the trained release: as version 1 of a new model, registered with its lineage, share table and pay policy, or as
/// the next version of a model that this account has registered under this name, which keeps its share table.
///
/// The chain is asked again whether the records may be used: a withdrawal between training and publishing counts. Broken off
/// anywhere, it is done again: a version that is published already is not published twice.
pub async fn publish(
    builder: &Account,
    data: &DataFolder,
    new: NewModel,
    files: &ReleaseFiles,
) -> Result<ModelState, StepError> {
    let chain = builder.chain();
    let release = opened(data, files)?;
    still_permitted(builder, data, release.manifest()).await?;
    // What was sent before this was broken off may not be in a block yet.
    transact::settled(builder).await?;
    // Before it is on chain: whoever sees the version finds its files.
    data.releases().put(&data.release(), files.manifest_hash).await?;
    let (asset, vault, newest) = match existing(builder, &new, release.manifest()).await? {
        Some(found) => found,
        None => {
            let registration = registration(builder, new, release.manifest()).await?;
            let (asset, vault) = assets::register(builder, registration).await?;
            (asset, vault, 0)
        }
    };
    let version = match newest {
        0 => None,
        newest => {
            let there = assets::version(chain, asset, newest).await?;
            let same = (there.contentHash, there.manifestHash) == (files.weights_hash, files.manifest_hash);
            same.then_some(newest)
        }
    };
    let version = match version {
        Some(version) => version,
        None => {
            let uri = dataset::uri(files.manifest_hash);
            assets::publish(builder, asset, files.weights_hash, files.manifest_hash, &uri).await?
        }
    };
    let state = ModelState { version: VersionRef { asset, version }, vault };
    data.keep_model(&state)?;
    Ok(state)
}

/// The run folder's release, whole and with its papers.
fn opened(data: &DataFolder, files: &ReleaseFiles) -> Result<Release, StepError> {
    let whole = Release::open(&data.release(), files.weights_hash, files.manifest_hash)?;
    whole.check_papers(&data.release())?;
    Ok(whole)
}

/// That everything in its snapshot and the builder's grant still stand.
async fn still_permitted(builder: &Account, data: &DataFolder, release: &ReleaseManifest) -> Result<(), StepError> {
    let chain = builder.chain();
    let VersionRef { asset, version } = release.snapshot;
    let (manifest, tree) = dataset::published(chain, data, version).await?;
    reading::permits(chain, asset, builder.address(), &Contents::of(&manifest, &tree)).await?;
    Ok(())
}

/// What a new model is registered with.
async fn registration(builder: &Account, new: NewModel, release: &ReleaseManifest) -> Result<Registration, StepError> {
    let mut edges = vec![Edge {
        parent: release.snapshot.asset.0,
        parentVersion: release.snapshot.version,
        kind: registry::EDGE_DATA,
        shareBps: new.dataset_bps,
        licenseId: U256::ZERO,
    }];
    if let Some(base) = new.base {
        edges.push(base_edge(builder.chain(), base, &release.recipe).await?);
    }
    let mut signers = new.attestors;
    signers.sort();
    let arbitration = new.arbitration;
    Ok(Registration {
        kind: registry::MODEL,
        salt: keccak256(&new.name),
        owner: builder.address(),
        shares: new.shares,
        edges,
        derivation: new.derivation,
        policy: Policy {
            signers,
            threshold: new.threshold,
            window: new.window,
            arbiter: arbitration.map_or(Address::ZERO, |arbitration| arbitration.arbiter),
            arbiterPeriod: arbitration.map_or(0, |arbitration| arbitration.period),
            posterBond: U88::from(new.poster_bond),
            challengeBond: arbitration.map_or(U88::ZERO, |arbitration| U88::from(arbitration.bond)),
            fallbackAfter: new.fallback_after,
            settlementPolicy: SettlementPolicy::from_name(&release.settlement_policy)?.id(),
        },
        uri: String::new(),
    })
}

/// The model that the account has registered under this name, its vault and its newest version, if its lineage and share table
/// are what a release like this needs.
async fn existing(
    builder: &Account,
    new: &NewModel,
    release: &ReleaseManifest,
) -> Result<Option<(AssetId, Address, u32)>, StepError> {
    let chain = builder.chain();
    let Some((asset, vault)) = assets::registered(builder, keccak256(&new.name), "").await? else { return Ok(None) };
    let found = assets::asset(chain, asset).await?;
    let edges = assets::edges(chain, asset).await?;
    let data = edges.iter().find(|edge| edge.kind == registry::EDGE_DATA && edge.parent == release.snapshot.asset.0);
    // A later snapshot of the same dataset needs no edge of its own.
    if data.is_none_or(|edge| edge.parentVersion > release.snapshot.version) {
        return Err(StepError::OtherLineage { asset, parent: release.snapshot.asset });
    }
    let is_own = match release.recipe.base {
        Some(base) => own_version(chain, asset, found.versions, base).await?,
        None => false,
    };
    let base = match new.base {
        Some(base) if !is_own => Some(base_edge(chain, base, &release.recipe).await?),
        _ => None,
    };
    if let Some(base) = &base
        && !edges.iter().any(|edge| (edge.parent, edge.kind) == (base.parent, base.kind))
    {
        return Err(StepError::OtherLineage { asset, parent: AssetId(base.parent) });
    }
    let share = |parent: u128| edges.iter().find(|edge| edge.parent == parent).map(|edge| edge.shareBps);
    let same = found.shares.abi_encode() == new.shares.abi_encode()
        && share(release.snapshot.asset.0) == Some(new.dataset_bps)
        && base.is_none_or(|base| share(base.parent) == Some(base.shareBps));
    match same {
        true => Ok(Some((asset, vault, found.versions))),
        false => Err(StepError::OtherShares { asset }),
    }
}

/// Whether some weights are an earlier version's of the same model.
async fn own_version(chain: &Chain, asset: AssetId, versions: u32, weights: B256) -> Result<bool, StepError> {
    for version in (1..=versions).rev() {
        if assets::version(chain, asset, version).await?.contentHash == weights {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The edge to a base, if its version is what the release was trained from and its owner allows the share.
async fn base_edge(chain: &Chain, base: BaseEdge, recipe: &Recipe) -> Result<Edge, StepError> {
    let parent = assets::asset(chain, base.asset).await?;
    let version = base.version.unwrap_or(parent.versions);
    let found = assets::version(chain, base.asset, version).await?.contentHash;
    if recipe.base != Some(found) {
        let trained_from = recipe.base;
        return Err(StepError::OtherBase { asset: base.asset, version, found, trained_from });
    }
    // Under a new head the base's weights stand still.
    let kind = match recipe.adaptation.as_deref() {
        Some("head") => EDGE_BASE,
        _ => EDGE_FINETUNE,
    };
    let least = parent.derivation.minShareBps;
    if base.share_bps < least {
        return Err(StepError::ShareTooSmall { asset: base.asset, least, given: base.share_bps });
    }
    Ok(Edge {
        parent: base.asset.0,
        parentVersion: version,
        kind,
        shareBps: base.share_bps,
        licenseId: base.license.unwrap_or_default(),
    })
}
