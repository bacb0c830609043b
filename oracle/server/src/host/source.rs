//! Which release of a model is served, and where its files are.

use std::path::{Path, PathBuf};

use tributary_chain::{Chain, assets};
use tributary_sdk::{AssetId, release::VersionRef};

use super::OpenError;
use crate::{releases::ReleaseStore, steps::DataFolder};

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

    /// Every version that can be served from here, the newest first. What is on chain and not here is passed over: its files
    /// may still come.
    pub(super) async fn all(&self, chain: &Chain) -> Result<Vec<Found>, OpenError> {
        let (store, asset) = match self {
            Self::Run { release, version } => {
                let published_at = assets::version(chain, version.asset, version.version).await?.publishedAt;
                return Ok(vec![Found { folder: release.clone(), version: *version, published_at }]);
            }
            Self::Store { store, asset } => (store, *asset),
        };
        let mut all = Vec::new();
        for number in (1..=assets::asset(chain, asset).await?.versions).rev() {
            all.extend(find(chain, store, VersionRef { asset, version: number }).await?);
        }
        Ok(all)
    }

    /// The newest version here.
    pub(super) async fn newest(&self, chain: &Chain) -> Result<Found, OpenError> {
        let newest = match self {
            Self::Run { .. } => self.all(chain).await?.into_iter().next(),
            Self::Store { store, asset } => {
                let mut version = VersionRef { asset: *asset, version: assets::asset(chain, *asset).await?.versions };
                loop {
                    match version.version {
                        0 => break None,
                        _ => match find(chain, store, version).await? {
                            None => version.version -= 1,
                            found => break found,
                        },
                    }
                }
            }
        };
        newest.ok_or(OpenError::NoRelease(self.asset()))
    }
}

/// A version, if the store has it.
async fn find(chain: &Chain, store: &ReleaseStore, version: VersionRef) -> Result<Option<Found>, OpenError> {
    let published = assets::version(chain, version.asset, version.version).await?;
    let folder = store.find(published.manifestHash).await?;
    Ok(folder.map(|folder| Found { folder, version, published_at: published.publishedAt }))
}
