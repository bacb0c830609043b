//! A dataset's host: it takes contributions, keeps them sealed, and opens them for nobody without a grant and a line in the
//! log.
//!
//! | file | what it does |
//! |---|---|
//! | `intake` | a consent is admitted, its parts come, a receipt leaves |
//! | `kept` | what is on disk of each contribution |
//! | `reading` | contributions come back out, by purpose |
//! | `correcting` | what buyers say of answers: corrections, flags |
//! | `review` | appeals, rulings, and what is erased |
//! | `validating` | what validators read and say |
//! | `refusal` | why not |

mod correcting;
mod intake;
mod kept;
pub(crate) mod reading;
mod refusal;
mod review;
mod validating;

use std::fs::File;

use tributary_chain::Chain;
use tributary_dataset::{
    Charter,
    store::{DatasetKey, Store},
};
use tributary_sdk::{AssetId, B256, keccak256, release::Manifest};

pub use correcting::{Corrected, Flagged};
pub use intake::{Expected, MOST_BYTES, Taken};
pub use kept::Kept;
pub use reading::{Collected, Reading};
pub use refusal::DatasetRefusal;
pub use review::{Appealed, Review};
pub use validating::Reviewed;

use crate::steps::{DataFolder, StepError, data::DatasetState};

/// The charter, as its bytes were committed to.
pub(crate) const CHARTER_FILE: &str = "charter.json";
const KEY_FILE: &str = "dataset.key";
const BLOBS: &str = "records";
const LOG_FILE: &str = "access.jsonl";
const LOCK_FILE: &str = "dataset.lock";

/// A dataset's records and rules, where its steward keeps them.
#[derive(Debug)]
pub struct Collection {
    chain: Chain,
    data: DataFolder,
    state: DatasetState,
    charter: Charter,
    store: Store,
}

impl Collection {
    /// Makes the dataset's key and keeps its charter, before anything is registered.
    ///
    /// # Errors
    /// [`StepError::DatasetExists`] where a dataset was registered from this folder.
    pub(crate) fn found(data: &DataFolder, charter: &Charter) -> Result<B256, StepError> {
        if data.dataset().is_ok() {
            return Err(StepError::DatasetExists { path: data.join("") });
        }
        let bytes = charter.to_bytes()?;
        data.keep_bytes(CHARTER_FILE, &bytes)?;
        let key = data.join(KEY_FILE);
        if !key.exists() {
            DatasetKey::create(&key)?;
        }
        Ok(keccak256(&bytes))
    }

    /// Opens the registered dataset of a data folder.
    ///
    /// # Errors
    /// [`StepError::Missing`] where none was registered here, [`StepError::Manifest`] if the charter is not the one that was
    /// registered, [`StepError::Dataset`] without the dataset's key.
    pub fn open(chain: &Chain, data: &DataFolder) -> Result<Self, StepError> {
        let state = data.dataset()?;
        let charter = Charter::from_committed(&data.charter()?, state.terms_hash)?;
        let key = DatasetKey::read(&data.join(KEY_FILE))?;
        let store = match &state.store {
            Some(location) => Store::open(location, key)?,
            None => Store::folder(&data.join(BLOBS), key)?,
        };
        Ok(Self { chain: chain.clone(), data: data.clone(), state, charter, store })
    }

    /// The chain it is registered on.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The rules.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// The dataset.
    pub fn asset(&self) -> AssetId {
        self.state.asset
    }

    /// The hash that contributors sign: the charter's.
    pub fn terms_hash(&self) -> B256 {
        self.state.terms_hash
    }

    /// Waits until nobody else changes the folder, in this process or another, and keeps them from it until what is returned
    /// is dropped.
    pub(crate) async fn alone(&self) -> Result<File, StepError> {
        self.locked(LOCK_FILE).await
    }

    /// The same for one of the folder's locks.
    pub(crate) async fn locked(&self, name: &str) -> Result<File, StepError> {
        let path = self.data.join(name);
        let lock = move || {
            let file = |source| StepError::File { path: path.clone(), source };
            let handle = File::options().create(true).append(true).open(&path).map_err(file)?;
            handle.lock().map_err(file)?;
            Ok(handle)
        };
        tokio::task::spawn_blocking(lock).await.map_err(|_| StepError::Interrupted)?
    }

    /// The folder.
    pub fn data(&self) -> &DataFolder {
        &self.data
    }
}
