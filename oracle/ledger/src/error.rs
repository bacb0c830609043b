//! Why the ledger refused, and what to do next.

use std::{fmt, path::PathBuf};

use tributary_sdk::{B256, U256};

use crate::{ChainBinding, RowState, check::Finding};

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

    /// The account that runs this may not write there.
    #[error("{} cannot be written: give this account the right to, or use another data folder", path.display())]
    NotWritable {
        /// The folder or the file.
        path: PathBuf,
    },

    /// There is no file to read.
    #[error("there is no ledger at {}: name the folder that the server was given", path.display())]
    NoLedger {
        /// Where it should be.
        path: PathBuf,
    },

    /// Nothing is written over.
    #[error("{} exists already: move it away, or give another place", path.display())]
    Exists {
        /// What is there.
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

    /// The file was written by a program with another format.
    #[error("{} has the format `{found}`, which this program does not read: use the program that wrote it", path.display())]
    OtherFormat {
        /// The ledger file.
        path: PathBuf,
        /// What the file says it is.
        found: String,
    },

    /// A file of the first format can be migrated only while nothing is being served or waits for its epoch.
    #[error(
        "{} is of format 1 and has {reserved} reserved and {open} open rows: close the epoch with the program that wrote it, stop that, then open it here",
        path.display()
    )]
    NotAtRest {
        /// The ledger file.
        path: PathBuf,
        /// Reserved rows.
        reserved: u64,
        /// Earned rows without an epoch.
        open: u64,
    },

    /// A file of the first format, where only the present one will do.
    #[error(
        "{} is of format 1: put it into a data folder as {} and start the server on it once, which migrates it",
        path.display(), crate::FILE_NAME
    )]
    NotMigrated {
        /// The file.
        path: PathBuf,
    },

    /// The tables of a file contradict each other.
    #[error("{} is damaged in {} places, the first: {first}; use another backup", path.display(), findings)]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How many findings.
        findings: usize,
        /// The first of them.
        first: Box<Finding>,
    },

    /// A backup could not be written. The ledger is not affected.
    #[error("the backup {} could not be written ({reason}): check that disk, then try again; the ledger itself goes on", path.display())]
    Backup {
        /// The backup.
        path: PathBuf,
        /// The storage's words.
        reason: String,
    },

    /// There is no such epoch to export.
    #[error("epoch {epoch} is not sealed: name a sealed one, or the open one")]
    NotSealed {
        /// What was asked for.
        epoch: u64,
    },

    /// An export could not be written. The ledger is not affected.
    #[error("the export could not be written ({reason}): check where it goes, then try again")]
    Export {
        /// The writer's words.
        reason: String,
    },

    /// The file is not a ledger, or is damaged.
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

    /// One stored sign-in does not read.
    #[error("the stored sign-in {number} does not read ({reason}): restore the data folder from a backup")]
    UnreadableAccess {
        /// Its number.
        number: u64,
        /// What is wrong with it.
        reason: String,
    },

    /// The id is taken by another request.
    #[error("request id {request_id} was already used for another request: choose a new random id for a new request")]
    Conflict {
        /// The id.
        request_id: B256,
    },

    /// A request without records would count nothing.
    #[error("request {request_id} reserves no units: reserve at least one")]
    NoUnits {
        /// The request.
        request_id: B256,
    },

    /// The license has used up its units.
    #[error("license {license_id} has used {used} of {limit} units {period} and this request has {units}: {}",
        period.remedy(*limit, *retry_after))]
    QuotaExceeded {
        /// The license's token id.
        license_id: U256,
        /// Units reserved or earned so far.
        used: u64,
        /// Units of the request that was refused.
        units: u64,
        /// Units the terms allow.
        limit: u64,
        /// Over which time.
        period: Period,
        /// For a minute's quota: seconds from the request's time until these units have room. `None` if they never will.
        retry_after: Option<u64>,
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

/// The time over which a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// The license's whole life.
    Total,
    /// Any 60 consecutive seconds.
    Minute,
}

impl Period {
    fn remedy(self, limit: u64, retry_after: Option<u64>) -> String {
        match (self, retry_after) {
            (Self::Total, _) => "ask with fewer records, or buy another license".into(),
            (Self::Minute, Some(seconds)) => format!("ask again in {seconds} seconds"),
            (Self::Minute, None) => format!("ask with {limit} records at most"),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Total => "in all",
            Self::Minute => "in 60 seconds",
        })
    }
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

storage!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError, redb::CursorError);
