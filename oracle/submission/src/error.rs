//! Why submission refused, and what to do next.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, U256};

use crate::Class;

/// Whom and which chain a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Binding {
    /// The chain's id.
    pub chain_id: u64,
    /// Hash of its first block.
    pub genesis: B256,
    /// The account whose nonces the file owns.
    pub signer: Address,
}

/// What a node says its chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainIdentity {
    /// The chain's id.
    pub chain_id: u64,
    /// Hash of its first block; none where only the id was asked for.
    pub genesis: Option<B256>,
}

/// An error leaves every intent where it was on disk. No variant carries a URL or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// Another process, or another submitter of this one, has the file open.
    #[error("{} is in use: stop the other submitter, or wait for it as a standby", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The account that runs this may not write there.
    #[error("{} cannot be written: give this account the right to, or use another folder", path.display())]
    NotWritable {
        /// The folder or the file.
        path: PathBuf,
    },
    /// The file is not one of this program's, or is damaged.
    #[error(
        "{} cannot be read ({reason}): restore it; with an empty folder, intents start from what their contracts have",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file belongs to another chain or signer.
    #[error(
        "{} is for signer {} on chain {} ({}), this is {} on chain {} ({}): use the folder of this signer and chain",
        path.display(), found.signer, found.chain_id, found.genesis, expected.signer, expected.chain_id, expected.genesis
    )]
    OtherBinding {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: Box<Binding>,
        /// For whom it was opened.
        expected: Box<Binding>,
    },
    /// The disk failed.
    #[error("the file could not be read or written ({reason}): check the disk's space and health, then open it again")]
    Storage {
        /// The storage's words.
        reason: String,
    },
    /// No node was named.
    #[error("there is no endpoint: name at least one")]
    NoEndpoint,
    /// A node is on another chain than the file. Nothing is sent any more.
    #[error(
        "endpoint {endpoint} is on chain {} ({}), not on {expected}: everything stopped; repair the endpoint, then open \
         the submitter again",
        found.chain_id, found.genesis.map_or_else(|| "first block not asked for".into(), |hash| hash.to_string())
    )]
    ChainChanged {
        /// The endpoint's name.
        endpoint: String,
        /// The file's chain.
        expected: u64,
        /// What the node says.
        found: ChainIdentity,
    },
    /// A node did not answer as it should.
    #[error("{endpoint} on {method}: {reason}; it is asked again later")]
    Node {
        /// The endpoint's name.
        endpoint: String,
        /// What it was asked.
        method: &'static str,
        /// What is to be done about it.
        class: Class,
        /// Its words.
        reason: String,
    },
    /// Nodes contradict each other.
    #[error("the endpoints do not agree on {what}: nothing is decided until they do; find out which one is wrong")]
    Disagreement {
        /// About what.
        what: String,
    },
    /// The chain offers no EIP-1559 fees.
    #[error(
        "the chain's blocks have no base fee: it does not support EIP-1559 transactions, which are the only ones sent"
    )]
    NoBaseFee,
    /// The target could not be asked.
    #[error("whether the effect is there could not be told: {reason}; it is asked again later")]
    Unclear {
        /// Its words.
        reason: String,
    },
    /// The key stands for something else already.
    #[error(
        "intent {key} was submitted before with other content: find out why the same effect was computed twice differently"
    )]
    Conflict {
        /// The intent.
        key: B256,
    },
    /// There is no such intent.
    #[error("there is no intent {key}: submit it first")]
    Unknown {
        /// What was asked for.
        key: B256,
    },
    /// The intent is not in a state for what was asked.
    #[error("intent {key} is {state}: {remedy}")]
    WrongState {
        /// The intent.
        key: B256,
        /// Its state.
        state: &'static str,
        /// What can be done instead.
        remedy: &'static str,
    },
    /// A transaction would touch what the signer must keep.
    #[error("signer {signer} has {have} wei and the next transaction could need {need}: send it more")]
    Funds {
        /// Who pays.
        signer: Address,
        /// Its balance.
        have: U256,
        /// What the transaction could cost, with the reserve.
        need: U256,
    },
    /// The nonces do not fit together.
    #[error(
        "nonce {nonce} of signer {signer} is not explained by this file ({reason}): find out who else uses the key"
    )]
    Nonce {
        /// Whose.
        signer: Address,
        /// Which.
        nonce: u64,
        /// What was found.
        reason: String,
    },
    /// Signing failed.
    #[error("signer {signer} did not sign: {reason}")]
    Signer {
        /// Who.
        signer: Address,
        /// Its words.
        reason: String,
    },
    /// A crash that a test asked for.
    #[cfg(test)]
    #[error("stopped at {0}")]
    Crash(&'static str),
}

impl SubmissionError {
    /// What is to be done about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Node { class, .. } => *class,
            Self::Disagreement { .. } | Self::Unclear { .. } | Self::Signer { .. } => Class::Infra,
            Self::Funds { .. } => Class::Funds,
            Self::Nonce { .. } => Class::Nonce,
            _ => Class::Fatal,
        }
    }

    /// Whether trying later can help, without an operator.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        // What a node says of one call is no reason to leave the others.
        matches!(self, Self::Node { .. }) || self.class() != Class::Fatal
    }
}

macro_rules! storage {
    ($($source:ty),+) => {
        $(impl From<$source> for SubmissionError {
            fn from(error: $source) -> Self {
                Self::Storage { reason: error.to_string() }
            }
        })+
    };
}

storage!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError, serde_json::Error);
