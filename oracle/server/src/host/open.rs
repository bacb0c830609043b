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
use tributary_sdk::{AssetId, batch::ReceiptRow, release::VersionRef};

use super::{
    Batches, Host, Library, Refusal, Service, Source,
    attesting::Quorums,
    clock::Clock,
    licenses::{Freshness, Licenses},
    service::Served,
    sign_in::Doors,
    source::Found,
};
use crate::{moment::Moment, releases::StoreError, steps::StepError};

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
    /// Where models come from that the chain says this host is to serve.
    pub library: Option<Library>,
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
    /// The store has no version of the model.
    #[error(
        "no published version of model {0} is where releases are looked for: publish one with `tributary release`, or name the store that has it"
    )]
    NoRelease(AssetId),
    /// Where releases are looked for.
    #[error(transparent)]
    Store(#[from] StoreError),
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
            let asset = shelf.source.asset();
            if shelves.insert(asset, shelf).is_some() {
                return Err(OpenError::GivenTwice(asset));
            }
        }
        let host = Self {
            account: chain.account(&opening.key)?,
            key: opening.key,
            runtime: OnnxRuntime::load(opening.onnxruntime.as_deref())?,
            shelves: RwLock::new(shelves),
            library: opening.library,
            services: RwLock::default(),
            moving: tokio::sync::Mutex::new(()),
            licenses: Arc::new(Licenses::follow(chain, freshness).await?),
            doors: Doors::default(),
            authority: opening.authority,
            keeps_inputs: opening.keeps_inputs,
            request_timeout: opening.request_timeout,
            draining: false.into(),
        };
        for (asset, _) in host.shelves() {
            let shelf = host.shelf(asset).ok_or(ChainError::UnknownAsset(asset))?;
            host.open_service(&shelf).await?;
        }
        Moment::HostOpened.reached();
        Ok(host)
    }

    /// Serves a model, or of a model that is served already its newest release: at once if the open epoch has no receipts of
    /// another one and is younger than the release, else from the next epoch on. What is being asked is answered first, by the
    /// release it was asked of; nothing is dropped.
    pub async fn load(&self, asset: AssetId) -> Result<(), Refusal> {
        let _one_at_a_time = self.moving.lock().await;
        let shelf = self.shelf(asset).ok_or(Refusal::UnknownModel(asset))?;
        let failed = |error: OpenError| Refusal::CannotLoad(Box::new(error));
        match self.service(asset) {
            Ok(service) => self.renew(&service, &shelf).await.map_err(failed),
            Err(_) => self.open_service(&shelf).await.map_err(failed),
        }
    }

    /// As [`Self::load`] of a model that is served; one that was taken away stays away.
    pub(super) async fn renew_if_served(&self, asset: AssetId) -> Result<(), Refusal> {
        let _one_at_a_time = self.moving.lock().await;
        let (Ok(service), Some(shelf)) = (self.service(asset), self.shelf(asset)) else { return Ok(()) };
        self.renew(&service, &shelf).await.map_err(|error| Refusal::CannotLoad(Box::new(error)))
    }

    /// Has a served model's newest release serve, as soon as an epoch can begin with it.
    async fn renew(&self, service: &Service, shelf: &Shelf) -> Result<(), OpenError> {
        let newest = shelf.source.newest(self.chain()).await?;
        let prepared = service.coming.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|next| next.version);
        if [Some(service.served().version), prepared].contains(&Some(newest.version)) {
            return Ok(());
        }
        let next = Arc::new(self.read(newest, shelf).await?);
        let _no_epoch_closes = service.closing.lock().await;
        let _all_answered = service.at_work.write().await;
        let ended = service.clock.floor().await.saturating_sub(1);
        let asked = service.ledger.first_open()?.is_some_and(|row| row.receipt.is_some());
        match !asked && may_serve(&next, ended) {
            true => service.turn_to(next),
            false => {
                tracing::info!(model = %service.asset, version = next.version.version, "serves from the next epoch on");
                *service.coming.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
            }
        }
        Ok(())
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
    async fn read(&self, found: Found, shelf: &Shelf) -> Result<Served, OpenError> {
        let Found { folder, version, published_at } = found;
        let release = open(self.chain(), &folder, version).await?;
        let (runtime, options, onnx) = (self.runtime.clone(), shelf.options.clone(), release.onnx().to_vec());
        let loading = tokio::task::spawn_blocking(move || Model::load(&runtime, onnx, options));
        let model = loading.await.map_err(std::io::Error::other)??;
        Ok(Served { release: Arc::new(release), version, published_at, folder, model })
    }

    /// The newest of these releases that is whole and may serve an epoch that begins after `ended`.
    async fn first_that_serves(&self, ended: u64, shelf: &Shelf) -> Result<Served, OpenError> {
        let mut newest = None;
        for number in shelf.source.numbers(self.chain()).await? {
            let Some(found) = shelf.source.of(self.chain(), number).await? else { continue };
            let version = found.version;
            let read = self.read(found, shelf).await.and_then(|served| {
                check_published(version.version, served.published_at, ended)?;
                Ok(served)
            });
            match read {
                Ok(served) => return Ok(served),
                Err(error) => {
                    tracing::warn!(model = %version.asset, version = version.version, %error, "a release cannot be served now");
                    newest.get_or_insert(error);
                }
            }
        }
        Err(newest.unwrap_or(OpenError::NoRelease(shelf.source.asset())))
    }

    async fn open_service(&self, shelf: &Shelf) -> Result<(), OpenError> {
        let service = self.service_of(shelf).await?;
        tracing::info!(model = %service.asset, version = service.served().version.version, "a model is served");
        self.services.write().unwrap_or_else(PoisonError::into_inner).insert(service.asset, Arc::new(service));
        Ok(())
    }

    async fn service_of(&self, shelf: &Shelf) -> Result<Service, OpenError> {
        let (chain, asset) = (self.chain(), shelf.source.asset());
        let registered = assets::asset(chain, asset).await?;
        if registered.shares.host != self.key.address() {
            return Err(OpenError::NotTheHost { found: self.key.address(), expected: registered.shares.host });
        }
        let newest = shelf.source.newest(chain).await?;
        std::fs::create_dir_all(&shelf.data)?;
        let binding = ChainBinding {
            chain_id: chain.id(),
            genesis: chain.genesis(),
            ledger: chain.deployment().ledger,
            model: asset,
            token: shelf.token,
        };
        let ledger = Ledger::open(&shelf.data, binding)?;
        let on = revenue::Account { vault: registered.vault, token: shelf.token };
        let sealed = ledger.last_epoch()?.map_or(0, |epoch| epoch.period_end);
        let standing = epoch::standing(chain, on).await?;
        let ended = standing.period_end.max(sealed);
        let served = match ledger.first_open()?.and_then(|row| row.receipt) {
            // An epoch is of one release.
            Some(row) => {
                let (found, asked) = (row.receipt.version, newest.version.version);
                let same = shelf.source.of(chain, found).await?;
                self.read(same.ok_or(OpenError::EpochOfAnotherVersion { found, asked })?, shelf).await?
            }
            None => self.first_that_serves(ended, shelf).await?,
        };
        let coming = match served.version == newest.version {
            true => None,
            // What is wrong with it is no reason not to serve what is right.
            false => match self.read(newest, shelf).await {
                Ok(next) => Some(Arc::new(next)),
                Err(error) => {
                    tracing::warn!(model = %asset, %error, "the newest release cannot be served");
                    None
                }
            },
        };
        Ok(Service {
            asset,
            data: shelf.data.clone(),
            source: shelf.source.clone(),
            account: self.account.clone(),
            key: self.key.clone(),
            on,
            served: RwLock::new(Arc::new(served)),
            coming: std::sync::Mutex::new(coming),
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

fn may_serve(release: &Served, ended: u64) -> bool {
    check_published(release.version.version, release.published_at, ended).is_ok()
}

/// A release's files, if they are what the chain commits to.
async fn open(chain: &Chain, folder: &Path, version: VersionRef) -> Result<Release, OpenError> {
    let published = assets::version(chain, version.asset, version.version).await?;
    Ok(Release::open(folder, published.contentHash, published.manifestHash)?)
}

impl Service {
    /// What is asked from now on is answered by another release. Nothing may be being asked, and no epoch be open over two.
    pub(super) fn turn_to(&self, next: Arc<Served>) {
        tracing::info!(model = %self.asset, version = next.version.version, "another release serves now");
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = next;
        *self.coming.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The release that waits for the next epoch, if it may serve one that begins after `ended`.
    pub(super) fn next_after(&self, ended: u64) -> Option<Arc<Served>> {
        let coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        coming.as_ref().filter(|next| may_serve(next, ended)).map(Arc::clone)
    }

    /// The release of an epoch that is sealed: the one that served its receipts, and where there are none, one that is older
    /// than the epoch.
    pub(super) async fn released(
        &self,
        receipts: &[ReceiptRow],
        began: u64,
    ) -> Result<(VersionRef, Arc<Release>), Refusal> {
        let served = self.served();
        let asked = receipts.first().map(|row| row.receipt.version);
        let is_it = |version: u32, published_at| match asked {
            Some(asked) => version == asked,
            None => check_published(version, published_at, began).is_ok(),
        };
        if is_it(served.version.version, served.published_at) {
            return Ok((served.version, Arc::clone(&served.release)));
        }
        let missing = |error: OpenError| Refusal::Release(error.to_string());
        let numbers = match asked {
            Some(asked) => vec![asked],
            None => self.source.numbers(self.chain()).await.map_err(missing)?,
        };
        let mut found = None;
        for number in numbers {
            let here = self.source.of(self.chain(), number).await.map_err(missing)?;
            found = here.filter(|one| is_it(one.version.version, one.published_at));
            if found.is_some() {
                break;
            }
        }
        let found = found.ok_or_else(|| missing(OpenError::NoRelease(self.asset)))?;
        let release = open(self.chain(), &found.folder, found.version).await.map_err(missing)?;
        Ok((found.version, Arc::new(release)))
    }
}
