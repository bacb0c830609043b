//! Watching: recompute the root that is not active yet, and stop it if it is wrong.

use alloy::signers::local::PrivateKeySigner;
use tributary_chain::{
    Account, Chain,
    dispute::{self, Difference, Finding, Waiting},
    posted::Rejection,
    revenue,
    verify::Published,
};
use tributary_sdk::{
    client::{self, batch_url},
    faults::Fault,
};

use super::{
    StepError,
    published::{self, Sketches},
};

/// What a watcher does where a root is not what recomputing gives. A fault of the leaves is proven in any case: that
/// costs no bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolve {
    /// Say so.
    Prove,
    /// Challenge it, with the policy's bond.
    Challenge,
}

/// What a watcher saw or did.
#[derive(Debug)]
pub enum Watched {
    /// The newest root is active, or there is none.
    NothingWaits,
    /// Recomputing gives the same root.
    Holds {
        /// The root's index.
        index: u64,
        /// When claims on it become good if nobody stops it, in the chain's time.
        active_at: u64,
        /// Whether that was recomputed from the sketches: where only attestors may read them, others see all but who of
        /// the contributors got how much.
        divided: bool,
    },
    /// It had a fault, which was proven: it is rejected.
    Proven {
        /// The root's index.
        index: u64,
        /// Its fault.
        reason: Rejection,
    },
    /// It is not what recomputing gives, and was challenged.
    Challenged {
        /// The root's index.
        index: u64,
        /// What is to be shown to the arbiter: the challenge commits to its keccak-256.
        reason: String,
        /// The last second for a ruling, in the chain's time.
        until: u64,
    },
}

/// Examines the root of a vault that is not active yet, with the batches that its host publishes, and does something
/// about it if it is wrong. `key` is whose who may read sketches, where the release publishes none.
///
/// # Errors
/// [`StepError::RootIsWrong`] if it is wrong and was not stopped.
pub async fn watch(
    account: &Account,
    host_url: &str,
    on: revenue::Account,
    resolve: Resolve,
    key: Option<&PrivateKeySigner>,
) -> Result<Watched, StepError> {
    let Some(waiting) = dispute::waiting(account.chain(), on).await? else { return Ok(Watched::NothingWaits) };
    let index = waiting.posted.statement.index;
    match examine(account.chain(), host_url, &waiting, key).await? {
        Finding::Holds => Ok(Watched::Holds { index, active_at: waiting.active_at, divided: true }),
        Finding::HoldsButForDivision => Ok(Watched::Holds { index, active_at: waiting.active_at, divided: false }),
        Finding::Fault(fault) => {
            dispute::prove(account, on, &fault).await?;
            let reason = match *fault {
                Fault::Disorder { .. } => Rejection::Disorder,
                Fault::Decrease { .. } => Rejection::Decrease,
                Fault::Omission { .. } => Rejection::Omission,
            };
            Ok(Watched::Proven { index, reason })
        }
        Finding::Differs(difference) if resolve == Resolve::Challenge && !waiting.is_challenged => {
            let reason = difference.to_string();
            let until = dispute::challenge(account, on, &reason).await?;
            Ok(Watched::Challenged { index, reason, until })
        }
        Finding::Differs(difference) => Err(StepError::RootIsWrong {
            index,
            is_challenged: waiting.is_challenged,
            difference: Box::new(difference),
        }),
    }
}

/// What everybody may read is examined first: no host keeps a fault from being proven by what it says, or does not say, of
/// sketches. Those that an attestor is not given are a finding then, as a batch that is not published is.
async fn examine(
    chain: &Chain,
    host_url: &str,
    waiting: &Waiting,
    key: Option<&PrivateKeySigner>,
) -> Result<Finding, StepError> {
    let statement = &waiting.posted.statement;
    let url = batch_url(host_url, statement.dataHash);
    let batch = match client::fetch(&url).await {
        Ok(batch) => batch,
        Err(error) => return Ok(Finding::Differs(Difference::Withheld(error))),
    };
    let previous = match &waiting.previous {
        Some(posted) => client::fetch(&batch_url(host_url, posted.statement.dataHash)).await.ok(),
        None => None,
    };
    let previous = previous.as_ref().map(AsRef::as_ref);
    match waiting.examine(chain, &batch, previous).await? {
        Finding::HoldsButForDivision => {}
        finding => return Ok(finding),
    }
    match published::sketches(chain, &url, &batch, key).await? {
        Sketches::NotAsked => Ok(Finding::HoldsButForDivision),
        Sketches::Refused(error) => Ok(Finding::Differs(Difference::SketchesWithheld(error))),
        Sketches::Given(sketches) => {
            let published = Published { batch: &batch, sketches: Some(&sketches) };
            Ok(waiting.examine(chain, published, previous).await?)
        }
    }
}
