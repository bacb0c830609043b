//! One model as it is served.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use alloy::signers::local::PrivateKeySigner;
use tokio::sync::{Mutex, RwLock};
use tributary_chain::{Account, Chain};
use tributary_factory::Release;
use tributary_ledger::Ledger;
use tributary_runtime::{Histogram, Model};
use tributary_sdk::{AssetId, api::ModelInfo, release::VersionRef};

use super::{Batches, Refusal, Source, attesting::Quorums, clock::Clock, licenses::Licenses};

/// One model with its ledger.
///
/// A data folder belongs to one host of one model: its ledger's epochs are that model's roots. Its release may change
/// between two epochs.
#[derive(Debug)]
pub struct Service {
    pub(super) asset: AssetId,
    pub(super) data: PathBuf,
    pub(super) source: Source,
    pub(super) account: Account,
    pub(super) key: PrivateKeySigner,
    pub(super) on: tributary_chain::revenue::Account,
    pub(super) served: std::sync::RwLock<Arc<Served>>,
    /// A newer release, loaded and waiting for the next epoch.
    pub(super) coming: std::sync::Mutex<Option<Arc<Served>>>,
    pub(super) ledger: Ledger,
    pub(super) batches: Batches,
    pub(super) quorums: Quorums,
    pub(super) licenses: Arc<Licenses>,
    pub(super) clock: Clock,
    /// In how many closed epochs inputs are kept; 0: none is kept at all.
    pub(super) keeps_inputs: u64,
    /// Held for reading from the moment a receipt takes its time until it is durable, and for writing while an epoch is
    /// sealed: so every receipt is in the epoch that its time says.
    pub(super) gate: RwLock<()>,
    /// Held for reading by every question from its admission to its answer, and for writing while the release changes or
    /// the model is taken away: so nothing that was taken is dropped.
    pub(super) at_work: Arc<RwLock<()>>,
    /// Epochs are closed one after the other.
    pub(super) closing: Mutex<()>,
    /// What attestors say is taken down one after the other.
    pub(super) attesting: Mutex<()>,
    /// How long sketches take.
    pub(super) sketch_seconds: Histogram,
}

/// Upper bounds, in seconds.
const SKETCH_BOUNDS: &[f64] = &[0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1];

/// A release in memory.
#[derive(Debug)]
pub struct Served {
    pub(super) release: Arc<Release>,
    pub(super) version: VersionRef,
    /// In seconds since 1970.
    pub(super) published_at: u64,
    /// Where its files are.
    pub(super) folder: PathBuf,
    pub(super) model: Model,
}

impl Served {
    /// The release.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Which version of which model.
    pub fn version(&self) -> VersionRef {
        self.version
    }

    /// Its sessions.
    pub fn model(&self) -> &Model {
        &self.model
    }
}

impl Service {
    /// The chain the accounts are kept on.
    pub fn chain(&self) -> &Chain {
        self.account.chain()
    }

    /// The model.
    pub fn asset(&self) -> AssetId {
        self.asset
    }

    /// Its ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How long it takes to sum and quantise an answer's sketch and to score all contributors by it.
    pub fn sketch_seconds(&self) -> &Histogram {
        &self.sketch_seconds
    }

    pub(super) fn histogram_of_sketches() -> Histogram {
        Histogram::new(SKETCH_BOUNDS)
    }

    /// The vault and the token that are divided.
    pub fn on(&self) -> tributary_chain::revenue::Account {
        self.on
    }

    /// Its published batches.
    pub fn batches(&self) -> &Batches {
        &self.batches
    }

    /// The release that is served now.
    pub fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The release that is served now, if it is this version.
    pub fn served_as(&self, version: u32) -> Result<Arc<Served>, Refusal> {
        let served = self.served();
        match served.version.version {
            now if now == version => Ok(served),
            now => Err(Refusal::WrongVersion { asked: version, served: now }),
        }
    }

    /// What is served, for clients.
    pub fn info(&self) -> ModelInfo {
        let served = self.served();
        let manifest = served.release.manifest();
        let providers = served.model.provider();
        ModelInfo {
            asset: self.asset,
            version: served.version.version,
            vault: self.on.vault,
            token: self.on.token,
            weights_hash: manifest.weights_hash,
            input_width: manifest.input_width,
            classes: manifest.classes,
            max_records: u32::try_from(served.model.max_batch()).unwrap_or(u32::MAX),
            asked_provider: providers.asked.to_string(),
            execution_provider: providers.running.to_string(),
        }
    }
}
