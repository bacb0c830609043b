//! New releases, and new models, are served as the chain names them: nobody has to tell the host.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use tributary_chain::{Chain, ChainError, assets};
use tributary_runtime::ModelOptions;
use tributary_sdk::AssetId;

use super::{Host, OpenError, Refusal, Shelf, Source, source::Found};
use crate::releases::ReleaseStore;

/// How many blocks back a chain may be reorganised.
const REORGANISED: u64 = 64;

/// After how long a release that could not be loaded is tried again.
const AGAIN: Duration = Duration::from_secs(5 * 60);

/// Where models come from that the chain says this host is to serve.
#[derive(Clone, Debug)]
pub struct Library {
    /// Their releases.
    pub store: ReleaseStore,
    /// The folder in which each gets a data folder of its own.
    pub data: PathBuf,
    /// The token whose revenue is divided.
    pub token: Address,
    /// How they compute.
    pub options: ModelOptions,
}

/// Looks for what is published, beside a host that serves.
#[derive(Debug)]
pub struct Following {
    host: Arc<Host>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The block up to which versions are known.
    seen: Option<u64>,
    /// Models that name this host and are not served yet.
    wanted: BTreeSet<AssetId>,
    /// What was said of failures, so that it is said once.
    said: BTreeSet<(AssetId, String)>,
    /// When a model's release could not be loaded: reading a large one takes its time, so it is not tried at every look.
    failed: BTreeMap<AssetId, Instant>,
}

impl Following {
    /// Of a host that serves.
    pub fn new(host: Arc<Host>) -> Self {
        Self { host, state: Mutex::default() }
    }

    /// Looks until `stop` ends. What fails is logged once and tried again.
    pub async fn run(&self, every: Duration, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                looked = self.look() => {
                    if let Err(error) = looked {
                        tracing::warn!(%error, "new releases are not looked for");
                    }
                }
                () = &mut stop => return,
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = &mut stop => return,
            }
        }
    }

    /// Looks once: at every model that is served, whether there is a newer release, and at the chain, whether another model
    /// names this host.
    pub async fn look(&self) -> Result<(), ChainError> {
        let served: Vec<AssetId> = self.host.services().iter().map(|service| service.asset()).collect();
        for asset in served.into_iter().filter(|asset| self.is_due(*asset)) {
            self.say(asset, self.host.renew_if_served(asset).await);
        }
        self.find().await?;
        let wanted = self.lock().wanted.clone();
        for asset in wanted.into_iter().filter(|asset| self.is_due(*asset)) {
            if self.take_in(asset).await? {
                self.lock().wanted.remove(&asset);
            }
        }
        Ok(())
    }

    /// What was published since the last look, of models that are not known here.
    async fn find(&self) -> Result<(), ChainError> {
        if self.host.library.is_none() {
            return Ok(());
        }
        let chain = self.host.chain();
        let head = chain.head().await?.number;
        // Blocks that were reorganised since are looked at again.
        let from = self.lock().seen.map_or(0, |seen| seen.saturating_sub(REORGANISED));
        let published = assets::published_between(chain, from, head).await?;
        let mut state = self.lock();
        state.wanted.extend(published.into_iter().filter(|asset| self.host.shelf(*asset).is_none()));
        state.seen = Some(head);
        Ok(())
    }

    /// Serves a model that names this host; whether nothing is left to be done about it.
    async fn take_in(&self, asset: AssetId) -> Result<bool, ChainError> {
        let Some(library) = &self.host.library else { return Ok(true) };
        if assets::asset(self.host.chain(), asset).await?.shares.host != self.host.key.address() {
            return Ok(true);
        }
        let shelf = Shelf {
            data: library.data.join(asset.to_string()),
            source: Source::Store { store: library.store.clone(), asset },
            token: library.token,
            options: library.options.clone(),
        };
        // A version that nobody has put into the store yet may still come.
        match shelf.source.newest(self.host.chain()).await {
            // Anybody can name any host and publish any hash again: what is another's release is not served for them.
            Ok(found) if !is_its_own(self.host.chain(), &found).await? => return Ok(true),
            Ok(_) => {}
            Err(OpenError::Chain(error)) => return Err(error),
            // Looking whether it has come costs little.
            Err(_) => return Ok(false),
        }
        self.host.shelves.write().unwrap_or_else(PoisonError::into_inner).entry(asset).or_insert(shelf);
        let loaded = self.host.load(asset).await;
        let is_served = loaded.is_ok();
        self.say(asset, loaded);
        Ok(is_served)
    }

    fn say(&self, asset: AssetId, done: Result<(), Refusal>) {
        let Err(error) = done else { return };
        self.lock().failed.insert(asset, Instant::now());
        if self.lock().said.insert((asset, error.to_string())) {
            tracing::warn!(model = %asset, %error, "a release is not served");
        }
    }

    fn is_due(&self, asset: AssetId) -> bool {
        self.lock().failed.get(&asset).is_none_or(|failed| failed.elapsed() >= AGAIN)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a release's weights were published under this model before any other.
async fn is_its_own(chain: &Chain, found: &Found) -> Result<bool, ChainError> {
    let asset = found.version.asset;
    let published = assets::version(chain, asset, found.version.version).await?;
    Ok(assets::version_of(chain, published.contentHash).await?.is_none_or(|first| first.asset == asset))
}
