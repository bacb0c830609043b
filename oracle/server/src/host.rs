//! What serving means: who may ask, how an answer becomes a receipt, how an epoch is closed.

mod admission;
mod answer;
mod batches;
mod clock;
mod closing;
mod open;
mod refusal;

use alloy::signers::local::PrivateKeySigner;
use tokio::sync::{Mutex, RwLock};
use tributary_chain::{Account, Chain};
use tributary_factory::Release;
use tributary_ledger::Ledger;
use tributary_runtime::Model;
use tributary_sdk::{
    api::{HostInfo, ModelInfo},
    release::VersionRef,
};

pub use batches::Batches;
pub use open::{OpenError, Opening};
pub use refusal::Refusal;

use admission::Licenses;
use clock::Clock;

/// One model with its ledger, on one chain.
///
/// A data folder belongs to one host of one model: its ledger's epochs are that model's roots.
#[derive(Debug)]
pub struct Host {
    account: Account,
    key: PrivateKeySigner,
    release: Release,
    version: VersionRef,
    on: tributary_chain::revenue::Account,
    model: Model,
    ledger: Ledger,
    batches: Batches,
    licenses: Licenses,
    clock: Clock,
    /// Held for reading from the moment a receipt takes its time until it is durable, and for writing while an epoch is
    /// sealed: so every receipt is in the epoch that its time says.
    gate: RwLock<()>,
    /// Epochs are closed one after the other.
    closing: Mutex<()>,
}

impl Host {
    /// The chain the accounts are kept on.
    pub fn chain(&self) -> &Chain {
        self.account.chain()
    }

    /// Its ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its published batches.
    pub fn batches(&self) -> &Batches {
        &self.batches
    }

    /// Who serves, and what.
    pub fn info(&self) -> HostInfo {
        let manifest = self.release.manifest();
        HostInfo {
            chain_id: self.chain().id(),
            ledger: self.chain().deployment().ledger,
            host: self.key.address(),
            models: vec![ModelInfo {
                asset: self.version.asset,
                version: self.version.version,
                weights_hash: manifest.weights_hash,
                input_width: manifest.input_width,
                classes: manifest.classes,
                execution_provider: self.model.provider().name().into(),
            }],
        }
    }
}
