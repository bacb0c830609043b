use std::path::{Path, PathBuf};

use tributary_sdk::{Address, B256, merkle::MerkleError, snapshot::SnapshotError};

use crate::{
    access::{Head, LogFault, Purposes},
    field::FieldFault,
    read::{FaultyRows, FileFault},
};

/// Why data is not taken, kept or given out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A file or folder could not be read or written.
    #[error("cannot use {path}: check that it exists and may be read and written")]
    File {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The schema does not read or contradicts itself.
    #[error("the schema cannot be used: {0}")]
    Schema(String),
    /// A record is not as the schema says.
    #[error("record {row}: {fault}")]
    Record {
        /// Which, from 1.
        row: usize,
        /// What is wrong with it.
        fault: FieldFault,
    },
    /// The parts of a split do not add up.
    #[error("{records} records cannot be split into {wanted}: make the parts add up to at most the records")]
    SplitSize {
        /// Records there are.
        records: usize,
        /// Sum of the parts.
        wanted: usize,
    },
    /// Too few records for so many contributors.
    #[error("{records} records cannot be divided among {contributors} contributors with {least} or more each")]
    TooManyContributors {
        /// Records there are.
        records: usize,
        /// Contributors asked for.
        contributors: usize,
        /// Least records each.
        least: usize,
    },
    /// A file of this program's own does not read.
    #[error("{path} does not read: {reason}")]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A contribution was prepared here before.
    #[error("{path} holds a prepared contribution: send that one, or prepare another in an empty folder")]
    BundleExists {
        /// Where.
        path: PathBuf,
    },
    /// Bytes that are no part of a contribution.
    #[error("the part does not read: {0}; send the part again as it was prepared")]
    Part(&'static str),
    /// The charter makes no sense.
    #[error("the charter cannot be used: {0}")]
    Charter(String),
    /// Somebody whom the charter does not let contribute.
    #[error("{account} may not contribute: {rule}")]
    NotAMember {
        /// Who.
        account: Address,
        /// The charter's rule, in words.
        rule: String,
    },
    /// The chain commits to another snapshot.
    #[error("the snapshot's root is {found}, the chain's version says {expected}: use the registered snapshot")]
    SnapshotRoot {
        /// Of the snapshot at hand.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// Records that their contributor took back.
    #[error(
        "contribution {contribution} of {contributor} is withdrawn, or records of it: take a snapshot without them first"
    )]
    Withdrawn {
        /// The contribution.
        contribution: B256,
        /// Whose it was.
        contributor: Address,
    },
    /// Nothing passed screening.
    #[error("no record passed screening: a snapshot needs at least one")]
    EmptySnapshot,
    /// Records cannot be committed to.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
    /// A snapshot cannot be committed to.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A key is made once.
    #[error("{path} exists already: use it, or give another place; without it, what it sealed cannot be read")]
    KeyExists {
        /// Where.
        path: PathBuf,
    },
    /// There is no key.
    #[error("there is no key at {path}: put the dataset's key back there, or create one for a new dataset")]
    KeyMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is not a dataset's key, one line of 64 hexadecimal digits: put it back from its backup")]
    KeyMalformed {
        /// Where.
        path: PathBuf,
    },
    /// Other accounts of this machine may use the file.
    #[error(
        "others may use the key {path} (its mode is {mode:o}): chmod 600 it, and if they could read it, seal the records under a new one"
    )]
    KeyExposed {
        /// Where.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes ({reason}): nothing is sealed without them; restart when it does")]
    NoRandomness {
        /// What the system says.
        reason: String,
    },
    /// Records cannot be kept there.
    #[error(
        "this is no place for records: name a folder, or s3://bucket/prefix with AWS_REGION and what else AWS_* says ({reason})"
    )]
    NoStore {
        /// What is wrong with it.
        reason: String,
    },
    /// This program knows no buckets.
    #[error("this program keeps records in folders only: build it with --features s3 for a bucket")]
    NoS3,
    /// There is no such blob.
    #[error("blob {name} is not in the store: check that this is the dataset's store, or copy it back from a backup")]
    BlobMissing {
        /// The blob's.
        name: B256,
    },
    /// What is kept is not what was put.
    #[error("blob {name} was altered or cut, its bytes are those of {found}: copy it back from a backup")]
    BlobAltered {
        /// The blob's.
        name: B256,
        /// Of the bytes that are there.
        found: B256,
    },
    /// It was sealed otherwise.
    #[error(
        "blob {name} was sealed under another key or as another part: open it with its dataset's key, as what it was put as"
    )]
    BlobLocked {
        /// The blob's.
        name: B256,
    },
    /// It was never sealed here.
    #[error("blob {name} has a form that is not known here: use the program that put it")]
    BlobUnknown {
        /// The blob's.
        name: B256,
    },
    /// It does not go into memory.
    #[error("a blob of {length} bytes is too long, {longest} is the most: divide it into parts")]
    BlobTooLong {
        /// Its length, sealed.
        length: u64,
        /// The longest there may be, sealed.
        longest: u64,
    },
    /// The store has no room.
    #[error("the store is full ({reason}): make room there, then try again; what was put before is whole")]
    StoreFull {
        /// What it says.
        reason: String,
    },
    /// The store does not answer, or not to this account.
    #[error(
        "the store cannot be used ({reason}): check that it is there and that this account may use it, then try again"
    )]
    StoreUnreachable {
        /// What it says.
        reason: String,
    },
    /// A purpose that the consent registry may know and this program does not.
    #[error(
        "{found} is no purpose known here: name train, evaluate, curate, audit or contribute, or use a newer program"
    )]
    UnknownPurpose {
        /// What stands there.
        found: String,
    },
    /// Nothing was granted, or it was revoked.
    #[error("{grantee} has no grant for these records, or it was revoked: ask the dataset's owner for one")]
    NoGrant {
        /// Who would read.
        grantee: Address,
    },
    /// The grant has run out.
    #[error("the grant of {grantee} ran out at {until}, now is {now}: ask the dataset's owner to renew it")]
    GrantExpired {
        /// Who would read.
        grantee: Address,
        /// The first second at which it was no longer good.
        until: u64,
        /// The chain's time.
        now: u64,
    },
    /// The grant is for something else.
    #[error("the grant of {grantee} is for {granted}, not for {missing}: ask the dataset's owner for that purpose")]
    PurposeMissing {
        /// Who would read.
        grantee: Address,
        /// What was asked for and is not granted.
        missing: Purposes,
        /// What is granted.
        granted: Purposes,
    },
    /// Another process has the log.
    #[error("the access log {path} is in use: stop the other program, or let it do the reading")]
    LogInUse {
        /// Where.
        path: PathBuf,
    },
    /// A line is not what was appended.
    #[error("the access log is broken at line {line}: {fault}; nothing is appended to it: compare it with a copy")]
    LogBroken {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        fault: LogFault,
    },
    /// It is another log, or entries were taken back.
    #[error(
        "the access log does not go on from entry {} with hash {}, {}: ask its keeper for the log that has it",
        earlier.index, earlier.hash, instead(*found)
    )]
    LogNotExtended {
        /// The head that was noted.
        earlier: Head,
        /// The hash of the entry in its place.
        found: Option<B256>,
    },
    /// The log's bytes do not come.
    #[error("the access log cannot be read: fetch it again")]
    LogUnreadable {
        /// What the system says.
        source: std::io::Error,
    },
    /// What is on disk is not known.
    #[error("a write to the access log {path} has failed: check its disk, then open the log anew")]
    LogStopped {
        /// Where.
        path: PathBuf,
    },
    /// Entries cannot be counted further.
    #[error("the access log has as many entries as can be counted: begin another")]
    LogFull,
    /// The screening rules contradict themselves.
    #[error("the screening rules cannot be used: {0}")]
    Rules(String),
    /// A file is none of those that are read.
    #[error("{path} is of no kind that is read: give a .csv, .jsonl, .ndjson, .npy, .npz or .parquet file")]
    Format {
        /// Where.
        path: PathBuf,
    },
    /// A file as a whole is not as its kind or the schema says.
    #[error("{path} cannot be read: {fault}")]
    Contents {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<FileFault>,
    },
    /// Rows of a file are not as the schema says. None of the file's records is of use.
    #[error("{path}: {rows}")]
    Rows {
        /// Where.
        path: PathBuf,
        /// Which, and what is wrong with them.
        rows: Box<FaultyRows>,
    },
}

fn instead(found: Option<B256>) -> String {
    found.map_or_else(|| "it ends before".to_owned(), |found| format!("it has {found} there"))
}

/// What the system says of a file.
pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> DatasetError {
    let path = path.to_owned();
    move |source| DatasetError::File { path, source }
}
