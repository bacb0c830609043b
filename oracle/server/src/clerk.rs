//! The clerk closes epochs when they are due and posts their roots once enough attestors have signed, unattended.
//!
//! It decides nothing: closing makes the attestors' checks, attestors recompute, and `tributary-submission` sees to it that
//! a root is posted once, whatever crashes or reorganises, and that no other root is written over.

mod roots;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use alloy::signers::{Signer, local::PrivateKeySigner};
use tributary_chain::{Chain, ChainError, assets, epoch, root};
use tributary_sdk::Address;
use tributary_submission::{Endpoint, Finality, Policy, State, SubmissionError, Submitter};

use crate::{
    host::{Host, Refusal, Service},
    moment::Moment,
};

/// How the clerk works.
#[derive(Clone, Debug)]
pub struct Duties {
    /// The folder of what it submits.
    pub folder: PathBuf,
    /// Who pays for posting and stakes the bond.
    pub key: PrivateKeySigner,
    /// More nodes of the same chain, beside the host's.
    pub more: Vec<Chain>,
    /// How long an epoch is, in seconds of the chain's time.
    pub epoch: u64,
    /// How often it looks.
    pub every: Duration,
}

/// Closes and posts for every model of a host.
#[derive(Debug)]
pub struct Clerk {
    host: Arc<Host>,
    submitter: Submitter,
    poster: Address,
    epoch: u64,
    every: Duration,
}

/// The clerk cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ClerkError {
    /// What it submits.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The host.
    #[error(transparent)]
    Host(#[from] Refusal),
}

impl Clerk {
    /// Opens what was being submitted and looks at the chain first.
    pub async fn open(host: Arc<Host>, duties: Duties) -> Result<Self, ClerkError> {
        let chain = host.chain();
        let policy = if chain.is_development() {
            // It mines at once and finalises nothing.
            let poll = Duration::from_millis(50);
            Policy { finality: Finality::Depth(0), poll, ..Policy::default() }
        } else {
            Policy::default()
        };
        let nodes = std::iter::once(chain).chain(&duties.more).zip(1..);
        let endpoints = nodes.map(|(chain, place)| Endpoint::new(format!("node {place}"), chain.provider().clone()));
        let signer = duties.key.clone().with_chain_id(Some(chain.id()));
        let poster = signer.address();
        let target = roots::Roots::new(Arc::clone(&host));
        let submitter = Submitter::open(&duties.folder, endpoints.collect(), signer, target, policy).await?;
        Moment::ClerkOpened.reached();
        Ok(Self { host, submitter, poster, epoch: duties.epoch, every: duties.every })
    }

    /// What it submits.
    pub fn submitter(&self) -> &Submitter {
        &self.submitter
    }

    /// Works until `stop` ends. What fails is logged and tried again; what was begun is gone on with at the next start.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = self.look() => {}
                () = &mut stop => return,
            }
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = &mut stop => return,
            }
        }
    }

    /// Looks once at every model, and moves what was submitted as far as it goes.
    pub async fn look(&self) {
        if let Err(error) = self.host.chain().check_identity().await {
            tracing::warn!(%error, "the clerk waits for the chain");
            return;
        }
        for service in self.host.services() {
            let asset = service.asset();
            if let Err(error) = self.look_at(&service).await {
                tracing::warn!(model = %asset, %error, "nothing was closed or posted");
            }
        }
        if let Err(error) = self.submitter.advance().await {
            tracing::warn!(%error, "submission waits");
        }
    }

    async fn look_at(&self, service: &Arc<Service>) -> Result<(), ClerkError> {
        let chain = self.host.chain();
        let standing = epoch::standing(chain, service.on()).await?;
        if !standing.is_open {
            return Ok(());
        }
        if service.batches().hash_of(standing.index).map_err(Refusal::from)?.is_none() {
            let now = chain.head().await?.timestamp;
            // The first epoch begins with the model.
            let published = assets::version(chain, service.asset(), 1).await?.publishedAt;
            if now < standing.period_end.max(published).saturating_add(self.epoch) {
                return Ok(());
            }
            match service.close_epoch().await {
                Ok(info) => tracing::info!(epoch = info.index, receipts = info.receipts, "closed"),
                // An epoch in which nobody was credited anything goes on.
                Err(Refusal::NothingToDivide) => return Ok(()),
                Err(other) => return Err(other.into()),
            }
        }
        let quorum = service.quorum(standing.index).await?;
        let policy = root::policy(chain, service.on().vault).await?;
        if quorum.attested.len() < usize::from(policy.threshold) {
            tracing::debug!(
                epoch = standing.index,
                attested = quorum.attested.len(),
                needed = policy.threshold,
                "waiting for attestors"
            );
            return Ok(());
        }
        let intent = roots::intent(chain, self.poster, &quorum).await?;
        // Once it is taken it stays as it was: the bond to send along may look different by now.
        if let Ok(record) = self.submitter.record(intent.key) {
            if matches!(record.state, State::Failed { .. }) {
                // What the batch divides may have been reorganised away: one that does not hold any more is made again.
                service.close_epoch().await?;
            }
            return Ok(());
        }
        Moment::Quorate.reached();
        let state: State = self.submitter.submit(intent)?;
        Moment::Submitted.reached();
        tracing::info!(epoch = standing.index, state = state.label(), "a root is to be posted");
        Ok(())
    }
}
