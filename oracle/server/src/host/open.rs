//! Opening a host: everything is checked before the first request.

use std::{path::PathBuf, time::Duration};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use tokio::sync::{Mutex, RwLock};
use tributary_chain::{
    Chain, ChainError, assets, deploy, epoch, revenue,
    verify::{Fault, check_published},
};
use tributary_factory::{FactoryError, Release};
use tributary_ledger::{ChainBinding, Ledger, LedgerError};
use tributary_runtime::{ExecutionProvider, Model, ModelOptions, OnnxRuntime, RuntimeError};
use tributary_sdk::release::VersionRef;

use super::{Batches, Host, admission::Licenses, clock::Clock};

/// What to open.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The data folder: ledger and batches.
    pub data: PathBuf,
    /// The run folder of the release.
    pub release: PathBuf,
    /// Which release the run folder must be.
    pub version: VersionRef,
    /// The token whose revenue is divided.
    pub token: Address,
    /// The host's key: it signs receipts and must be the one in the model's share table.
    pub key: PrivateKeySigner,
    /// Where ONNX Runtime is, if not in node_modules.
    pub onnxruntime: Option<PathBuf>,
    /// Where the model computes.
    pub provider: ExecutionProvider,
    /// How long a valid license is trusted.
    pub license_cache: Duration,
}

/// A host could not be opened; nothing was served.
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
    /// The data folder.
    #[error("the data folder cannot be used: {0}")]
    Data(#[from] std::io::Error),
}

impl Host {
    /// Opens ledger, release and model, each checked against the chain.
    pub async fn open(chain: &Chain, opening: Opening) -> Result<Self, OpenError> {
        deploy::present(chain).await?;
        let asset = assets::asset(chain, opening.version.asset).await?;
        if asset.shares.host != opening.key.address() {
            return Err(OpenError::NotTheHost { found: opening.key.address(), expected: asset.shares.host });
        }
        let version = assets::version(chain, opening.version.asset, opening.version.version).await?;
        let release = Release::open(&opening.release, version.contentHash, version.manifestHash)?;
        let runtime = OnnxRuntime::load(opening.onnxruntime.as_deref())?;
        let options = ModelOptions { provider: opening.provider, ..ModelOptions::default() };
        let model = Model::load(&runtime, release.onnx().to_vec(), options)?;
        std::fs::create_dir_all(&opening.data)?;
        let binding = ChainBinding {
            chain_id: chain.id(),
            genesis: chain.genesis(),
            ledger: chain.deployment().ledger,
            model: opening.version.asset,
            token: opening.token,
        };
        let ledger = Ledger::open(&opening.data, binding)?;
        let on = revenue::Account { vault: asset.vault, token: opening.token };
        let sealed = ledger.last_epoch()?.map_or(0, |epoch| epoch.period_end);
        let ended = epoch::standing(chain, on).await?.period_end.max(sealed);
        check_published(opening.version.version, version.publishedAt, ended)?;
        let open = ledger.first_open()?.and_then(|row| row.receipt).map(|row| row.receipt.version);
        if let Some(found) = open.filter(|found| *found != opening.version.version) {
            return Err(OpenError::EpochOfAnotherVersion { found, asked: opening.version.version });
        }
        Ok(Self {
            account: chain.account(&opening.key)?,
            key: opening.key,
            release,
            version: opening.version,
            on,
            model,
            ledger,
            batches: Batches::open(&opening.data)?,
            licenses: Licenses::new(opening.license_cache),
            clock: Clock::new(chain.clone(), ended.saturating_add(1)),
            gate: RwLock::new(()),
            closing: Mutex::new(()),
        })
    }
}
