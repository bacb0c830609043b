//! One line of the log.

use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, AssetId, B256, keccak256};

use super::Purposes;

/// What every line says it is.
pub const FORMAT: &str = "tributary-access/1";

/// What precedes the hash at the end of a line.
const BEFORE_HASH: &[u8] = b",\"hash\":\"";
/// `0x`, 64 digits, `"}`.
const FROM_HASH: usize = 2 + 64 + 2;

/// Somebody's reading of a dataset's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// When, in seconds of the chain's time.
    pub at: u64,
    /// Who: a grantee, or the dataset's owner.
    pub by: Address,
    /// What for.
    pub purposes: Purposes,
    /// The dataset.
    pub dataset: AssetId,
    /// Which version of it; none for what is no version yet.
    pub version: Option<u32>,
    /// Until when the grant was good, in seconds of the chain's time.
    pub valid_until: u64,
    /// How many blobs were opened.
    pub blobs: u64,
    /// How many records that was.
    pub records: u64,
    /// keccak-256 of what shows the purpose: a training manifest, a report.
    pub evidence: Option<B256>,
}

/// An access as the log has it.
///
/// Its line is JSON without blanks, with the fields in this order: `format` ([`FORMAT`]), `index`, `previous`, `at`, `by`,
/// `purposes`, `dataset`, `version`, `validUntil`, `blobs`, `records`, `evidence`, `hash`; hashes and addresses in lower
/// case. `hash` is keccak-256 of the line's bytes from the first `{` up to and without `,"hash":`, and then `}`: the same
/// object without its hash. The end of the line, `\n`, is not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 0.
    pub index: u64,
    /// The hash of the entry before; zero for the first.
    pub previous: B256,
    /// What it says.
    pub access: Access,
    /// Its own hash.
    pub hash: B256,
}

/// The last entry of a log, and with it all before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Head {
    /// Its place, from 0.
    pub index: u64,
    /// Its hash.
    pub hash: B256,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// It is longer than any entry.
    #[error("it is longer than any entry")]
    TooLong,
    /// It has no end.
    #[error("the file ends within it")]
    Unfinished,
    /// It is no entry, or not written as one.
    #[error("it is not an entry of {FORMAT}, byte by byte")]
    NotAnEntry,
    /// It was altered.
    #[error("its hash is {found}, it says {written}")]
    Hash {
        /// Of its bytes.
        found: B256,
        /// By the line.
        written: B256,
    },
    /// Entries are missing or were put in.
    #[error("it is entry {found}, {expected} is due")]
    Index {
        /// By the line.
        found: u64,
        /// The one after the entry before.
        expected: u64,
    },
    /// It follows another entry than the one before it.
    #[error("it follows {found}, before it is {expected}")]
    Previous {
        /// By the line.
        found: B256,
        /// The hash of the entry before.
        expected: B256,
    },
}

/// A line without its hash.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    format: String,
    index: u64,
    previous: B256,
    at: u64,
    by: Address,
    purposes: Purposes,
    dataset: AssetId,
    version: Option<u32>,
    valid_until: u64,
    blobs: u64,
    records: u64,
    evidence: Option<B256>,
}

impl Entry {
    /// The one after `head`, and its line with the end of it. None where there is no further index.
    pub(crate) fn after(head: Option<Head>, access: &Access) -> Option<(Self, Vec<u8>)> {
        let (index, previous) = due(head)?;
        let body = body(index, previous, access)?;
        let hash = keccak256(&body);
        let mut line = body.strip_suffix(b"}")?.to_vec();
        line.extend_from_slice(BEFORE_HASH);
        line.extend_from_slice(format!("{hash}\"}}\n").as_bytes());
        Some((Self { index, previous, access: *access, hash }, line))
    }

    /// The entry of a line, without the end of it, that follows `head`.
    pub(crate) fn read(line: &[u8], head: Option<Head>) -> Result<Self, LogFault> {
        let not_an_entry = || LogFault::NotAnEntry;
        let (rest, end) = line.split_at_checked(line.len().saturating_sub(FROM_HASH)).ok_or_else(not_an_entry)?;
        let mut bytes = rest.strip_suffix(BEFORE_HASH).ok_or_else(not_an_entry)?.to_vec();
        bytes.push(b'}');
        let written = std::str::from_utf8(end).ok().and_then(|end| end.strip_suffix("\"}")?.parse::<B256>().ok());
        // Written in another way, as in capitals, it would be the same hash and another line.
        let written = written.filter(|hash| end.starts_with(hash.to_string().as_bytes())).ok_or_else(not_an_entry)?;
        let found = keccak256(&bytes);
        if found != written {
            return Err(LogFault::Hash { found, written });
        }
        let line: Line = serde_json::from_slice(&bytes).map_err(|_| not_an_entry())?;
        let Line { index, previous, at, by, purposes, dataset, version, valid_until, blobs, records, evidence, .. } =
            line;
        let access = Access { at, by, purposes, dataset, version, valid_until, blobs, records, evidence };
        // Also says that the format is ours.
        if body(index, previous, &access).is_none_or(|canonical| canonical != bytes) {
            return Err(not_an_entry());
        }
        let (expected, before) = due(head).ok_or_else(not_an_entry)?;
        if index != expected {
            return Err(LogFault::Index { found: index, expected });
        }
        if previous != before {
            return Err(LogFault::Previous { found: previous, expected: before });
        }
        Ok(Self { index, previous, access, hash: found })
    }

    /// What it makes the log's head.
    pub fn head(&self) -> Head {
        Head { index: self.index, hash: self.hash }
    }
}

/// Index and previous hash of the entry after `head`.
fn due(head: Option<Head>) -> Option<(u64, B256)> {
    match head {
        None => Some((0, B256::ZERO)),
        Some(head) => Some((head.index.checked_add(1)?, head.hash)),
    }
}

/// The hashed bytes. Nothing in them can fail to be JSON.
fn body(index: u64, previous: B256, access: &Access) -> Option<Vec<u8>> {
    let Access { at, by, purposes, dataset, version, valid_until, blobs, records, evidence } = *access;
    let format = FORMAT.to_owned();
    let line =
        Line { format, index, previous, at, by, purposes, dataset, version, valid_until, blobs, records, evidence };
    serde_json::to_vec(&line).ok()
}
