//! What an operator must know of.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use alloy::primitives::{B256, U256};

/// A condition that somebody must look at. It lasts until the condition ends or an operator ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alarm {
    /// The chain has another effect than the intent's.
    Halted {
        /// The intent.
        key: B256,
        /// What the chain has.
        reason: String,
    },
    /// Somebody else sends transactions with the signer's key.
    ForeignUse {
        /// The nonce.
        nonce: u64,
        /// The transaction; none if it is only known to wait.
        hash: Option<B256>,
    },
    /// A transaction waits, offers the most that the policy allows, and is broadcast again and again.
    FeeCeiling {
        /// The intent.
        key: B256,
    },
    /// The signer cannot pay for the next transaction without touching its reserve.
    Funds {
        /// Its balance, in wei.
        have: U256,
        /// What is needed, in wei.
        need: U256,
    },
    /// The signer can pay for few more transactions.
    Runway {
        /// How many, at present fees.
        transactions: u64,
    },
    /// A node is on another chain. Everything stopped.
    ChainChanged {
        /// The endpoint's name.
        endpoint: String,
    },
    /// Nodes contradict each other.
    Disagreement {
        /// About what.
        what: String,
    },
    /// A node refuses a signed transaction for a reason that waiting does not change.
    Rejected {
        /// The intent.
        key: B256,
        /// The node's words.
        reason: String,
    },
    /// Nonces do not fit together in a way that is not repaired by itself.
    Nonce {
        /// The nonce.
        nonce: u64,
        /// What was found.
        reason: String,
    },
}

impl Alarm {
    /// Its name in metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Halted { .. } => "halted",
            Self::ForeignUse { .. } => "foreign_use",
            Self::FeeCeiling { .. } => "fee_ceiling",
            Self::Funds { .. } => "funds",
            Self::Runway { .. } => "runway",
            Self::ChainChanged { .. } => "chain_changed",
            Self::Disagreement { .. } => "disagreement",
            Self::Rejected { .. } => "rejected",
            Self::Nonce { .. } => "nonce",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted { key, reason } => {
                write!(f, "intent {key} is halted: {reason}; nothing more is sent for it until it is retried")
            }
            Self::ForeignUse { nonce, hash: Some(hash) } => write!(
                f,
                "nonce {nonce} was used by transaction {hash}, which was not sent from here: somebody else has the key"
            ),
            Self::ForeignUse { nonce, hash: None } => write!(
                f,
                "a transaction with nonce {nonce} waits, which was not sent from here: somebody else has the key"
            ),
            Self::FeeCeiling { key } => {
                write!(
                    f,
                    "intent {key} waits and offers the most the policy allows: raise the ceiling, or wait for lower fees"
                )
            }
            Self::Funds { have, need } => {
                write!(f, "the signer has {have} wei and needs {need}: send it more")
            }
            Self::Runway { transactions } => {
                write!(f, "the signer can pay for {transactions} more transactions: send it more")
            }
            Self::ChainChanged { endpoint } => {
                write!(f, "endpoint {endpoint} is on another chain; everything stopped: repair it, then open again")
            }
            Self::Disagreement { what } => {
                write!(f, "the endpoints do not agree on {what}: find out which one is wrong")
            }
            Self::Rejected { key, reason } => {
                write!(f, "a node refuses the transaction of intent {key} ({reason}): give it up, or ask another node")
            }
            Self::Nonce { nonce, reason } => write!(f, "nonce {nonce}: {reason}"),
        }
    }
}

/// The alarms that are on.
#[derive(Debug, Default)]
pub(crate) struct Alarms(Mutex<Vec<Alarm>>);

impl Alarms {
    pub(crate) fn raise(&self, alarm: Alarm) {
        let mut on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !on.contains(&alarm) {
            tracing::error!(alarm = alarm.label(), "{alarm}");
            on.push(alarm);
        }
    }

    /// Ends those that `ended` says have ended.
    pub(crate) fn end(&self, ended: impl Fn(&Alarm) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|alarm| !ended(alarm));
    }

    pub(crate) fn on(&self) -> Vec<Alarm> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
