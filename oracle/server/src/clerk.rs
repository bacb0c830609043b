//! The clerk closes epochs when they are due and posts their roots once enough attestors have signed, unattended.
//!
//! It decides nothing: closing makes the attestors' checks, attestors recompute, and `tributary-submission` sees to it that
//! a root is posted once, whatever crashes or reorganises, and that no other root is written over.

mod roots;

use std::{
    collections::BTreeSet,
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::{
    providers::DynProvider,
    signers::{Signer, local::PrivateKeySigner},
};
use tributary_chain::{ChainError, assets, epoch, root};
use tributary_sdk::{Address, B256};
use tributary_submission::{Endpoint, Finality, Policy, Record, State, SubmissionError, Submitter};

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
    /// More nodes of the same chain, beside the host's. One that does not answer keeps nobody from working.
    pub more: Vec<DynProvider>,
    /// How it posts; on development chains, which finalise nothing, a block is final at once.
    pub policy: Policy,
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
    /// Refused batches and failed postings that were looked into.
    looked_into: Mutex<BTreeSet<B256>>,
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
            Policy { finality: Finality::Depth(0), poll: Duration::from_millis(50), ..duties.policy }
        } else {
            duties.policy
        };
        let nodes = std::iter::once(chain.provider()).chain(&duties.more).zip(1..);
        let endpoints = nodes.map(|(node, place)| Endpoint::new(format!("node {place}"), node.clone()));
        let signer = duties.key.clone().with_chain_id(Some(chain.id()));
        let poster = signer.address();
        let target = roots::Roots::new(Arc::clone(&host));
        let submitter = Submitter::open(&duties.folder, endpoints.collect(), signer, target, policy).await?;
        Moment::ClerkOpened.reached();
        Ok(Self { host, submitter, poster, epoch: duties.epoch, every: duties.every, looked_into: Mutex::default() })
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

    /// Closes again, once, what an attestor or the contract refuses: what the batch divides may have been reorganised away,
    /// and one that does not hold any more is made again.
    async fn look_into(&self, service: &Service, refused: B256) -> Result<(), ClerkError> {
        if self.looked_into.lock().unwrap_or_else(PoisonError::into_inner).contains(&refused) {
            return Ok(());
        }
        service.close_epoch().await?;
        self.looked_into.lock().unwrap_or_else(PoisonError::into_inner).insert(refused);
        Ok(())
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
        if quorum.statement.attempt != standing.attempt {
            // The same once more would cost another bond: whether it is right is for people to find out.
            tracing::warn!(
                epoch = standing.index,
                "its root was rejected: find out why, then close the epoch again by hand"
            );
            return Ok(());
        }
        let policy = root::policy(chain, service.on().vault).await?;
        if quorum.attested.len() < usize::from(policy.threshold) {
            let (attested, needed) = (quorum.attested.len(), policy.threshold);
            tracing::debug!(epoch = standing.index, attested, needed, "waiting for attestors");
            if !quorum.refused.is_empty() {
                self.look_into(service, quorum.statement.dataHash).await?;
            }
            return Ok(());
        }
        let same_root = |record: &Record| roots::posts(&record.intent, &quorum.statement);
        let same_root: Vec<Record> = self.submitter.records()?.into_iter().filter(same_root).collect();
        // Once it is taken it stays as it was: more may have signed by now, and the bond to send along may differ.
        if same_root.iter().any(|record| !matches!(record.state, State::Failed { .. })) {
            return Ok(());
        }
        let intent = roots::intent(chain, self.poster, &quorum).await?;
        if same_root.iter().any(|record| record.intent.key == intent.key) {
            // It would fail again: it waits for other signatures, another bond, or an operator.
            return self.look_into(service, intent.key).await;
        }
        if !service.still_states(&quorum.statement).await? {
            tracing::warn!(epoch = standing.index, "the batch is not what was signed any more: closing again");
            service.close_epoch().await?;
            return Ok(());
        }
        Moment::Quorate.reached();
        let state: State = self.submitter.submit(intent)?;
        Moment::Submitted.reached();
        tracing::info!(epoch = standing.index, state = state.label(), "a root is to be posted");
        Ok(())
    }
}
