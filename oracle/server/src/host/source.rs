//! Which release of a model is served, and where its files are.

use std::path::{Path, PathBuf};

use tributary_chain::{Chain, assets};
use tributary_sdk::{AssetId, release::VersionRef};

use super::OpenError;
use crate::{releases::ReleaseStore, steps::DataFolder};

/// How many versions back it is looked for one whose files are there.
const LOOKED_AT: usize = 16;

/// Where a model's releases come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The newest version on chain whose files are in a store.
    Store {
        /// The store.
        store: ReleaseStore,
        /// The model.
        asset: AssetId,
    },
    /// A run folder, which must be this release.
    Run {
        /// The run folder.
        release: PathBuf,
        /// The release.
        version: VersionRef,
    },
}

/// A version on chain, and where its files are.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) folder: PathBuf,
    pub(super) version: VersionRef,
    /// In seconds since 1970.
    pub(super) published_at: u64,
}

impl Source {
    /// The releases that were published from a data folder.
    pub fn folder(chain: &Chain, path: &Path) -> Result<Self, OpenError> {
        let folder = DataFolder::open(path, chain).map_err(Box::new)?;
        let asset = folder.model().map_err(Box::new)?.version.asset;
        Ok(Self::Store { store: folder.releases(), asset })
    }

    /// Which model.
    pub fn asset(&self) -> AssetId {
        match self {
            Self::Store { asset, .. } => *asset,
            Self::Run { version, .. } => version.asset,
        }
    }

    /// Where its releases are kept, if that is a store.
    pub(super) fn store(&self) -> Option<&ReleaseStore> {
        match self {
            Self::Store { store, .. } => Some(store),
            Self::Run { .. } => None,
        }
    }

    /// One version, if it can be served from here.
    pub(super) async fn of(&self, chain: &Chain, version: u32) -> Result<Option<Found>, OpenError> {
        match self {
            Self::Run { release, version: only } if only.version == version => {
                let published_at = assets::version(chain, only.asset, version).await?.publishedAt;
                Ok(Some(Found { folder: release.clone(), version: *only, published_at }))
            }
            Self::Run { .. } => Ok(None),
            Self::Store { store, asset } => find(chain, store, VersionRef { asset: *asset, version }).await,
        }
    }

    /// The numbers of the newest versions that may be here, the newest first.
    pub(super) async fn numbers(&self, chain: &Chain) -> Result<Vec<u32>, OpenError> {
        match self {
            Self::Run { version, .. } => Ok(vec![version.version]),
            Self::Store { asset, .. } => {
                let newest = assets::asset(chain, *asset).await?.versions;
                Ok((1..=newest).rev().take(LOOKED_AT).collect())
            }
        }
    }

    /// The newest version here. What is on chain and not here is passed over: its files may still come.
    pub(super) async fn newest(&self, chain: &Chain) -> Result<Found, OpenError> {
        for number in self.numbers(chain).await? {
            if let Some(found) = self.of(chain, number).await? {
                return Ok(found);
            }
        }
        Err(OpenError::NoRelease(self.asset()))
    }
}

/// A version, if the store has it.
async fn find(chain: &Chain, store: &ReleaseStore, version: VersionRef) -> Result<Option<Found>, OpenError> {
    let published = assets::version(chain, version.asset, version.version).await?;
    let folder = store.find(published.manifestHash).await?;
    Ok(folder.map(|folder| Found { folder, version, published_at: published.publishedAt }))
}
