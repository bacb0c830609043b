//! Opening a host: everything is checked before the first request. Loading and unloading its models while it serves.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use tributary_chain::{
    Chain, ChainError, assets, deploy, epoch, revenue,
    verify::{Fault, check_published},
};
use tributary_factory::{FactoryError, Release};
use tributary_ledger::{ChainBinding, Ledger, LedgerError};
use tributary_runtime::{Model, ModelOptions, OnnxRuntime, RuntimeError};
use tributary_sdk::{AssetId, release::VersionRef};

use super::{
    Batches, Host, Refusal, Service,
    attesting::Quorums,
    clock::Clock,
    licenses::{Freshness, Licenses},
    service::Served,
    sign_in::Doors,
};
use crate::{
    moment::Moment,
    steps::{DataFolder, StepError},
};

/// What to open.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The host's key: it signs receipts and must be the one in each model's share table.
    pub key: PrivateKeySigner,
    /// Where ONNX Runtime is, if not in node_modules.
    pub onnxruntime: Option<PathBuf>,
    /// How old what is known of licenses may be.
    pub license_age: Duration,
    /// How old the newest block may be.
    pub block_age: Duration,
    /// How long a question may take.
    pub request_timeout: Duration,
    /// In how many closed epochs inputs are kept for those who ask the model again; 0: none is kept at all.
    pub keeps_inputs: u64,
    /// The authority that sign-in messages must name, such as `models.example:8443`; else what the client asked at.
    pub authority: Option<String>,
    /// The models.
    pub shelves: Vec<Shelf>,
}

/// One model that can be served.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The data folder: ledger and batches.
    pub data: PathBuf,
    /// Which release.
    pub source: Source,
    /// The token whose revenue is divided.
    pub token: Address,
    /// How it computes.
    pub options: ModelOptions,
}

/// Where a release comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The data folder's newest published one.
    Folder(PathBuf),
    /// A run folder, which must be this release.
    Run {
        /// The run folder.
        release: PathBuf,
        /// The release.
        version: VersionRef,
    },
}

impl Source {
    fn find(&self, chain: &Chain) -> Result<(PathBuf, VersionRef), OpenError> {
        match self {
            Self::Run { release, version } => Ok((release.clone(), *version)),
            Self::Folder(path) => {
                let folder = DataFolder::open(path, chain).map_err(Box::new)?;
                Ok((folder.release(), folder.model().map_err(Box::new)?.version))
            }
        }
    }
}

/// A host or a model could not be opened; nothing was served.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key is not the host that the model pays.
    #[error("the model's host is {expected}, this key is {found}: serve with the host's key")]
    NotTheHost {
        /// This key's address.
        found: Address,
        /// In the share table.
        expected: Address,
    },
    /// The open epoch has receipts of another release.
    #[error(
        "the open epoch has receipts of version {found}: serve that version and close the epoch before serving {asked}"
    )]
    EpochOfAnotherVersion {
        /// In the ledger.
        found: u32,
        /// Asked for.
        asked: u32,
    },
    /// One model twice.
    #[error("model {0} is given twice: serve it from one data folder")]
    GivenTwice(AssetId),
    /// A data folder is of another model than before.
    #[error("the data folder {} is of model {found}, it was of {expected}: give each model its own folder", path.display())]
    OtherModel {
        /// The folder.
        path: PathBuf,
        /// Its model now.
        found: AssetId,
        /// Its model before.
        expected: AssetId,
    },
    /// The release cannot serve the open epoch.
    #[error(transparent)]
    TooNew(#[from] Fault),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The release: most often, weights that are not the ones on chain.
    #[error(transparent)]
    Release(#[from] FactoryError),
    /// ONNX Runtime or the model.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The data folder does not say what to serve.
    #[error(transparent)]
    Folder(#[from] Box<StepError>),
    /// The data folder.
    #[error("the data folder cannot be used: {0}")]
    Data(#[from] std::io::Error),
}

impl Host {
    /// Opens every model, each checked against the chain.
    pub async fn open(chain: &Chain, opening: Opening) -> Result<Self, OpenError> {
        deploy::present(chain).await?;
        let freshness = Freshness { asked: opening.license_age, block: opening.block_age };
        let mut shelves = BTreeMap::new();
        for shelf in opening.shelves {
            let asset = shelf.source.find(chain)?.1.asset;
            if shelves.insert(asset, shelf).is_some() {
                return Err(OpenError::GivenTwice(asset));
            }
        }
        let host = Self {
            account: chain.account(&opening.key)?,
            key: opening.key,
            runtime: OnnxRuntime::load(opening.onnxruntime.as_deref())?,
            shelves,
            services: RwLock::default(),
            moving: tokio::sync::Mutex::new(()),
            licenses: Arc::new(Licenses::follow(chain, freshness).await?),
            doors: Doors::default(),
            authority: opening.authority,
            keeps_inputs: opening.keeps_inputs,
            request_timeout: opening.request_timeout,
            draining: false.into(),
        };
        for asset in host.shelves.keys() {
            let service = host.service_of(*asset).await?;
            host.services.write().unwrap_or_else(PoisonError::into_inner).insert(*asset, Arc::new(service));
        }
        Moment::HostOpened.reached();
        Ok(host)
    }

    /// Serves a model, or the newest release of a model that is served already. What is being asked of it is answered
    /// first, by the release it was asked of; nothing is dropped.
    pub async fn load(&self, asset: AssetId) -> Result<(), Refusal> {
        let _one_at_a_time = self.moving.lock().await;
        let shelf = self.shelves.get(&asset).ok_or(Refusal::UnknownModel(asset))?;
        let failed = |error: OpenError| Refusal::CannotLoad(Box::new(error));
        match self.service(asset) {
            Ok(service) => {
                let (release, version) = shelf.source.find(self.chain()).map_err(failed)?;
                if version.asset != asset {
                    let (path, found) = (shelf.data.clone(), version.asset);
                    return Err(failed(OpenError::OtherModel { path, found, expected: asset }));
                }
                if service.served().version == version {
                    return Ok(());
                }
                let served = self.read(&release, version, shelf).await.map_err(failed)?;
                let _no_epoch_closes = service.closing.lock().await;
                let _all_answered = service.at_work.write().await;
                let next = epoch::standing(self.chain(), service.on).await?.index;
                check_epoch(&service.ledger, next, version.version).map_err(failed)?;
                let ended = service.clock.floor().await.saturating_sub(1);
                self.check_age(version, ended).await.map_err(failed)?;
                *service.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
                Ok(())
            }
            Err(_) => {
                let service = self.service_of(asset).await.map_err(failed)?;
                self.services.write().unwrap_or_else(PoisonError::into_inner).insert(asset, Arc::new(service));
                Ok(())
            }
        }
    }

    /// Serves a model no longer. What is being asked of it is answered first.
    pub async fn unload(&self, asset: AssetId) -> Result<(), Refusal> {
        let _one_at_a_time = self.moving.lock().await;
        let service = self.service(asset)?;
        self.services.write().unwrap_or_else(PoisonError::into_inner).remove(&asset);
        drop(service.at_work.write().await);
        // Whoever reads an epoch or a proof of it holds it for a moment longer; the folder is free when they are done.
        while Arc::strong_count(&service) > 1 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// The release in memory, if it is the one on chain.
    async fn read(&self, folder: &Path, version: VersionRef, shelf: &Shelf) -> Result<Served, OpenError> {
        let published = assets::version(self.chain(), version.asset, version.version).await?;
        let release = Release::open(folder, published.contentHash, published.manifestHash)?;
        let (runtime, options, onnx) = (self.runtime.clone(), shelf.options.clone(), release.onnx().to_vec());
        let loading = tokio::task::spawn_blocking(move || Model::load(&runtime, onnx, options));
        let model = loading.await.map_err(std::io::Error::other)??;
        Ok(Served { release, version, model })
    }

    /// Only a release that is older than the epoch may serve in it.
    async fn check_age(&self, version: VersionRef, ended: u64) -> Result<(), OpenError> {
        let published = assets::version(self.chain(), version.asset, version.version).await?;
        Ok(check_published(version.version, published.publishedAt, ended)?)
    }

    async fn service_of(&self, asset: AssetId) -> Result<Service, OpenError> {
        let shelf = self.shelves.get(&asset).ok_or(ChainError::UnknownAsset(asset))?;
        let chain = self.chain();
        let (release, version) = shelf.source.find(chain)?;
        let registered = assets::asset(chain, version.asset).await?;
        if registered.shares.host != self.key.address() {
            return Err(OpenError::NotTheHost { found: self.key.address(), expected: registered.shares.host });
        }
        let served = self.read(&release, version, shelf).await?;
        std::fs::create_dir_all(&shelf.data)?;
        let binding = ChainBinding {
            chain_id: chain.id(),
            genesis: chain.genesis(),
            ledger: chain.deployment().ledger,
            model: version.asset,
            token: shelf.token,
        };
        let ledger = Ledger::open(&shelf.data, binding)?;
        let on = revenue::Account { vault: registered.vault, token: shelf.token };
        let sealed = ledger.last_epoch()?.map_or(0, |epoch| epoch.period_end);
        let standing = epoch::standing(chain, on).await?;
        let ended = standing.period_end.max(sealed);
        self.check_age(version, ended).await?;
        check_epoch(&ledger, standing.index, version.version)?;
        Ok(Service {
            asset: version.asset,
            data: shelf.data.clone(),
            account: self.account.clone(),
            key: self.key.clone(),
            on,
            served: RwLock::new(Arc::new(served)),
            ledger,
            batches: Batches::open(&shelf.data)?,
            quorums: Quorums::open(&shelf.data)?,
            licenses: Arc::clone(&self.licenses),
            clock: Clock::new(chain.clone(), ended.saturating_add(1)),
            keeps_inputs: self.keeps_inputs,
            gate: tokio::sync::RwLock::default(),
            at_work: Arc::default(),
            closing: tokio::sync::Mutex::default(),
            attesting: tokio::sync::Mutex::default(),
            sketch_seconds: Service::histogram_of_sketches(),
        })
    }
}

/// An epoch is of one release: the open one, and one that is sealed and whose root, number `next`, is not posted yet.
fn check_epoch(ledger: &Ledger, next: u64, asked: u32) -> Result<(), OpenError> {
    let open = ledger.first_open()?.and_then(|row| row.receipt);
    let sealed = ledger.rows_of(next)?.into_iter().next();
    let versions = open.into_iter().chain(sealed).map(|row| row.receipt.version);
    match versions.into_iter().find(|found| *found != asked) {
        Some(found) => Err(OpenError::EpochOfAnotherVersion { found, asked }),
        None => Ok(()),
    }
}
