//! Why the ledger refused, and what to do next.

use std::path::PathBuf;

use tributary_sdk::{B256, U256};

use crate::{ChainBinding, RowState};

/// A refused write changes nothing. The same storage error reaches every caller whose write shared a failed commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process, or another `Ledger` of this one, has the file open.
    #[error("{} is in use: stop the other server, or give this one its own data folder", path.display())]
    InUse {
        /// The ledger file.
        path: PathBuf,
    },

    /// The data folder belongs to another chain or another deployment.
    #[error(
        "the data folder {} belongs to {found}, but this is {expected}: use the folder of this chain, or an empty one",
        path.display()
    )]
    WrongChain {
        /// The ledger file.
        path: PathBuf,
        /// What the folder was made for.
        found: Box<ChainBinding>,
        /// What it was opened for.
        expected: Box<ChainBinding>,
    },

    /// The file is not a ledger, was written by another version, or is damaged.
    #[error("{} cannot be read as a ledger ({reason}): restore it from a backup, or use an empty data folder", path.display())]
    Unreadable {
        /// The ledger file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The disk, or what the disk holds, failed.
    #[error(
        "the ledger's storage failed ({reason}): check the disk's space and health, then restart; writes that were not acknowledged may be missing"
    )]
    Storage {
        /// The storage's words.
        reason: String,
    },

    /// One stored row does not read.
    #[error("the stored row of request {request_id} does not read ({reason}): restore the data folder from a backup")]
    UnreadableRow {
        /// Whose row.
        request_id: B256,
        /// What is wrong with it.
        reason: String,
    },

    /// The id is taken by another request.
    #[error("request id {request_id} was already used for another request: choose a new random id for a new request")]
    Conflict {
        /// The id.
        request_id: B256,
    },

    /// The license has used up its calls.
    #[error(
        "license {license_id} has used {used} of {limit} calls {period}: wait for the next epoch, or buy another license"
    )]
    QuotaExceeded {
        /// The license's token id.
        license_id: U256,
        /// Calls reserved or earned so far.
        used: u64,
        /// Calls the terms allow.
        limit: u64,
        /// `in all` or `in this epoch`.
        period: &'static str,
    },

    /// There is no such reservation to earn or to void.
    #[error("request {request_id} is {}, not reserved: reserve it before the model runs", state.map_or("unknown", RowState::name))]
    NotReserved {
        /// The request.
        request_id: B256,
        /// Its state, if there is a row.
        state: Option<RowState>,
    },

    /// The receipt is not about what was reserved.
    #[error(
        "the receipt's {field} is not that of reservation {request_id}: sign the receipt of the request that was reserved"
    )]
    WrongReceipt {
        /// The request.
        request_id: B256,
        /// The receipt's field that differs.
        field: &'static str,
    },

    /// Epochs are sealed one after the other.
    #[error("epoch {asked} cannot be sealed now: the next one is {next}")]
    EpochOrder {
        /// What was asked for.
        asked: u64,
        /// The epoch that is open.
        next: u64,
    },

    /// Epochs do not overlap.
    #[error("an epoch cannot end at {asked}: the one before ended at {after}")]
    PeriodOrder {
        /// What was asked for, in seconds.
        asked: u64,
        /// The end of the last sealed epoch, in seconds.
        after: u64,
    },

    /// A count passed 2⁶⁴ − 1.
    #[error("the count of {what} is full: start a new data folder")]
    Overflow {
        /// What was counted.
        what: &'static str,
    },

    /// The writer thread could not be started.
    #[error("the ledger's thread could not be started ({reason}): free memory or raise the limit on threads")]
    NoThread {
        /// The operating system's words.
        reason: String,
    },

    /// The writer thread has ended.
    #[error("the ledger has stopped: open it again")]
    Stopped,
}

macro_rules! storage {
    ($($source:ty),+) => {
        $(impl From<$source> for LedgerError {
            fn from(error: $source) -> Self {
                Self::Storage { reason: error.to_string() }
            }
        })+
    };
}

storage!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);
