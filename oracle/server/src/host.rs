//! What serving means: who may ask, how an answer becomes a receipt, how an epoch is closed.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Host`] | one key on one chain, and the models it serves |
//! | `service` | one model: its release in memory, its ledger, its clock |
//! | `open` | opening a service: everything is checked before the first request |
//! | `source` | which release of a model is served, and where its files are |
//! | `following` | new releases, and new models, are served as the chain names them |
//! | `sign_in`, `licenses` | who may ask: sign-ins, keys and their tokens; what the chain says of licenses |
//! | `admission`, `answer` | from a question to an answer with a durable receipt |
//! | `closing`, `batches`, `attesting` | epochs, and what attestors say of them |
//! | `readers` | who may read inputs that are kept, and sketches that are withheld |
//! | `records` | the operator's: export, backup |
//! | `accounts` | what contributors are paid |
//! | `pages` | what a model is, where it comes from, and its terms |
//! | `refusal` | why nothing was served |

mod accounts;
mod admission;
mod answer;
mod attesting;
mod batches;
mod clock;
mod closing;
mod following;
mod licenses;
mod open;
mod pages;
mod readers;
mod records;
mod refusal;
mod service;
mod sign_in;
mod source;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use tributary_chain::{Account, Chain};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{AssetId, api::HostInfo};

pub(crate) use answer::deadline;
pub use answer::{Asked, Question, Reply};
pub use batches::Batches;
pub use following::{Following, Library};
pub use open::{OpenError, Opening, Shelf};
pub use refusal::Refusal;
pub use service::Service;
pub use source::Source;

use licenses::Licenses;
use sign_in::Doors;

/// Who serves: one key on one chain, with models that each have a ledger of their own.
#[derive(Debug)]
pub struct Host {
    account: Account,
    key: PrivateKeySigner,
    runtime: OnnxRuntime,
    /// What can be served.
    shelves: RwLock<BTreeMap<AssetId, Shelf>>,
    /// Where more of it comes from.
    library: Option<Library>,
    /// What is.
    services: RwLock<BTreeMap<AssetId, Arc<Service>>>,
    /// Models are loaded and unloaded one after the other.
    moving: tokio::sync::Mutex<()>,
    licenses: Arc<Licenses>,
    doors: Doors,
    authority: Option<String>,
    keeps_inputs: u64,
    request_timeout: Duration,
    draining: AtomicBool,
}

impl Host {
    /// The chain the accounts are kept on.
    pub fn chain(&self) -> &Chain {
        self.account.chain()
    }

    /// Who serves, and what.
    pub fn info(&self) -> HostInfo {
        HostInfo {
            chain_id: self.chain().id(),
            ledger: self.chain().deployment().ledger,
            host: self.key.address(),
            keeps_inputs: self.keeps_inputs,
            models: self.services().iter().map(|service| service.info()).collect(),
        }
    }

    /// Everything that is served now.
    pub fn services(&self) -> Vec<Arc<Service>> {
        self.services.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Every model that this host knows, and whether it is served now.
    pub fn shelves(&self) -> Vec<(AssetId, Option<Arc<Service>>)> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
        shelves.keys().map(|asset| (*asset, services.get(asset).cloned())).collect()
    }

    /// How a model is served, if this host knows it.
    fn shelf(&self, asset: AssetId) -> Option<Shelf> {
        self.shelves.read().unwrap_or_else(PoisonError::into_inner).get(&asset).cloned()
    }

    /// A served model.
    pub fn service(&self, asset: AssetId) -> Result<Arc<Service>, Refusal> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        match services.get(&asset) {
            Some(service) => Ok(Arc::clone(service)),
            None if self.shelf(asset).is_some() => Err(Refusal::Unloaded(asset)),
            None => Err(Refusal::UnknownModel(asset)),
        }
    }

    /// A batch's bytes.
    pub fn batch(&self, hash: B256) -> Result<Vec<u8>, Refusal> {
        self.publisher(hash)?.batches().bytes(hash)
    }

    /// A license's legal text, by its hash, which the chain has.
    pub async fn text(&self, hash: B256) -> Result<String, Refusal> {
        let shelves: Vec<Source> = {
            let shelves = self.shelves.read().unwrap_or_else(PoisonError::into_inner);
            shelves.values().map(|shelf| shelf.source.clone()).collect()
        };
        for source in shelves {
            if let Some(store) = source.store()
                && let Some(text) = store.text(hash).await?
            {
                return Ok(text);
            }
        }
        Err(Refusal::UnknownText(hash))
    }

    /// Whose epoch a batch is.
    fn publisher(&self, hash: B256) -> Result<Arc<Service>, Refusal> {
        for service in self.services() {
            if service.batches().has(hash)? {
                return Ok(service);
            }
        }
        Err(Refusal::UnknownBatch(hash))
    }

    /// How long a question may take, unless it says less.
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// From now on nothing new is served; what is being served is finished.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether questions are taken: a model is served, and the host is not about to stop.
    pub fn check_ready(&self) -> Result<(), Refusal> {
        match self.services().is_empty() {
            _ if self.is_draining() => Err(Refusal::Draining),
            true => Err(Refusal::NothingServed),
            false => Ok(()),
        }
    }

    /// Whether the host is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
