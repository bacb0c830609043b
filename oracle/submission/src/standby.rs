//! A second process for the same folder: it watches the chain, and goes on where the first one ended.

use std::path::{Path, PathBuf};

use alloy::signers::Signer;

use crate::{
    ChainIdentity, Endpoint, Policy, SubmissionError, Submitter, Target, endpoint::Nodes, identity, open, view::View,
};

/// Waits for a folder's lock. The operating system frees it when the process that holds it ends, however it ends.
///
/// Both must see the same file system, and it must support file locks. On two machines with folders of their own the
/// contract is the only guard: see [`Target::effect`].
#[derive(Debug)]
pub struct Standby<S, T> {
    folder: PathBuf,
    endpoints: Vec<Endpoint>,
    signer: S,
    target: T,
    policy: Policy,
}

impl<S: Signer + Send + Sync + 'static, T: Target + 'static> Standby<S, T> {
    /// What [`Submitter::open`] will be given.
    pub fn new(folder: &Path, endpoints: Vec<Endpoint>, signer: S, target: T, policy: Policy) -> Self {
        Self { folder: folder.to_owned(), endpoints, signer, target, policy }
    }

    /// Whether this process could take over: its nodes answer and are on one chain. Returns which.
    ///
    /// # Errors
    /// [`SubmissionError::ChainChanged`], [`SubmissionError::Node`], [`SubmissionError::NoEndpoint`].
    pub async fn verify(&self) -> Result<ChainIdentity, SubmissionError> {
        let policy = self.policy.clone().in_range();
        let nodes = Nodes::new(self.endpoints.clone(), &policy)?;
        let (chain_id, genesis) = identity::agreed(&View::new(nodes, self.signer.address(), &policy)).await?;
        Ok(ChainIdentity { chain_id, genesis: Some(genesis) })
    }

    /// Waits until nobody has the folder, then goes on with it. While it waits it verifies, and warns in the log of what
    /// would stand in its way.
    ///
    /// # Errors
    /// As [`Submitter::open`], but [`SubmissionError::InUse`].
    pub async fn take_over(self) -> Result<Submitter, SubmissionError> {
        let database = loop {
            match open::open(&self.folder) {
                Err(SubmissionError::InUse { .. }) => {}
                other => break other?,
            }
            if let Err(error) = self.verify().await {
                tracing::warn!(%error, "a standby could not take over now");
            }
            tokio::time::sleep(self.policy.poll).await;
        };
        tracing::warn!(folder = %self.folder.display(), "a standby takes over");
        Submitter::start(database, &self.folder, self.endpoints, self.signer, self.target, self.policy).await
    }
}
