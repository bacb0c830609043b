//! How far an intent has come: what the file remembers of it.

use std::fmt;

use alloy::primitives::{B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::{Fees, Intent};

/// Where an intent stands. Every change is on disk before anything is done because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted; nothing is signed.
    Built,
    /// A nonce is taken and a signed transaction is on disk; perhaps no node has seen it.
    Signed,
    /// A node took it, or may have.
    Sent,
    /// One of its transactions is in a block that may still be reorganised away.
    Included,
    /// It is done, in a block that will not go away.
    Final,
    /// Somebody else brought about the same effect, in a block that will not go away.
    Adopted,
    /// Somebody else brought about another effect. Nothing more is sent until an operator says so.
    Halted {
        /// What the chain has instead.
        reason: String,
    },
    /// The contract refused it, or an operator gave it up.
    Failed {
        /// Why.
        reason: String,
    },
}

impl State {
    /// Whether nothing more will happen by itself.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Final | Self::Adopted | Self::Halted { .. } | Self::Failed { .. })
    }

    /// The state's name, as metrics label it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Signed => "signed",
            Self::Sent => "sent",
            Self::Included => "included",
            Self::Final => "final",
            Self::Adopted => "adopted",
            Self::Halted { .. } => "halted",
            Self::Failed { .. } => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted { reason } | Self::Failed { reason } => write!(f, "{}: {reason}", self.label()),
            _ => f.write_str(self.label()),
        }
    }
}

/// What a signed transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What the intent says.
    Call,
    /// Nothing: the signer sends itself nothing, so that the nonce is used and the call can never be mined.
    Cancel,
}

/// One signed transaction. Written once, before any node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What it does.
    pub kind: Kind,
    /// Its hash.
    pub hash: B256,
    /// Its bytes (EIP-2718), as they are broadcast.
    pub raw: Bytes,
    /// Its nonce.
    pub nonce: u64,
    /// What it pays per gas.
    pub fees: Fees,
    /// Most gas it can use.
    pub gas_limit: u64,
    /// When it was signed, in seconds since 1970.
    pub at: u64,
}

/// Where one of the transactions was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// Which transaction.
    pub hash: B256,
    /// The block's number.
    pub block: u64,
    /// The block's hash: a receipt counts only as long as this block is the chain's at its number.
    pub block_hash: B256,
    /// Whether it did not revert.
    pub success: bool,
    /// What it cost, in wei.
    pub cost: U256,
}

/// Why the call of an intent must not be sent any more although its nonce is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenUp {
    /// The effect is there, by somebody else.
    Superseded,
    /// An operator said so.
    Abandoned,
}

/// What is known of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What is to be done.
    pub intent: Intent,
    /// How far it has come.
    pub state: State,
    /// Its place in the queue.
    pub place: u64,
    /// The nonce that its transactions compete for.
    pub nonce: Option<u64>,
    /// Where one of them was found.
    pub inclusion: Option<Inclusion>,
    /// Why its nonce is being used up by a transaction that does nothing.
    pub given_up: Option<GivenUp>,
    /// Whether it only closes a gap in the nonces.
    pub fills_gap: bool,
    /// Every transaction that was signed for it, oldest first.
    #[serde(skip)]
    pub attempts: Vec<Attempt>,
}

impl Record {
    /// An intent for which nothing was done yet.
    pub(crate) fn new(intent: Intent) -> Self {
        Self {
            intent,
            state: State::Built,
            place: 0,
            nonce: None,
            inclusion: None,
            given_up: None,
            fills_gap: false,
            attempts: Vec::new(),
        }
    }

    /// Whether there is something left to do: also a halted intent's nonce must be used up.
    pub(crate) fn is_open(&self) -> bool {
        !self.state.is_terminal() || self.nonce.is_some()
    }

    /// Whether its transactions compete for a nonce and none of them is known to be in a block.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.nonce.is_some() && self.inclusion.is_none()
    }

    /// The transactions that compete for the present nonce.
    pub(crate) fn competing(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| Some(attempt.nonce) == self.nonce)
    }

    /// What was signed last for the present nonce.
    pub(crate) fn last_attempt(&self) -> Option<&Attempt> {
        self.competing().next_back()
    }

    /// The included transaction.
    pub(crate) fn included_attempt(&self) -> Option<&Attempt> {
        let hash = self.inclusion.as_ref()?.hash;
        self.attempts.iter().find(|attempt| attempt.hash == hash)
    }
}
