//! Opening a data folder: whose it is, whether it is whole, and what a crash left behind.

use std::{
    io::ErrorKind,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{Database, DatabaseError, ReadableTable, StorageError, WriteTransaction};

use crate::{
    ChainBinding, LedgerError, migrate,
    moment::{Moment, Write},
    requests, tables,
    tables::Tables,
};

/// The ledger's file inside the data folder.
pub const FILE_NAME: &str = "ledger.redb";

/// What a file says it is.
pub(crate) const FORMAT: &[u8] = b"tributary-ledger/2";

/// What of the file redb may keep in memory, in bytes. By default it would keep a gigabyte for every model; what is not
/// kept here the system caches as memory allows.
const CACHE: usize = 64 << 20;

/// Opens or creates the file, checks that it is for this chain, and voids what a crash left reserved; how many.
pub(crate) fn open(folder: &Path, binding: ChainBinding) -> Result<(Database, u64), LedgerError> {
    std::fs::create_dir_all(folder).map_err(|error| refusal(folder, error.into()))?;
    let path = folder.join(FILE_NAME);
    let length = std::fs::metadata(&path).map(|file| file.len()).ok();
    if length == Some(0) {
        // redb would begin a new ledger in it; but a disk that lost the old one may have left the same.
        return Err(unreadable(&path, "it is empty; if this ledger was never used, delete it".into()));
    }
    let database = whole(&path, |builder| builder.create(&path))?;
    let voided = prepare(&database, &path, binding)?;
    if length.is_none() {
        sync_folder(folder).map_err(|error| refusal(folder, error.into()))?;
    }
    Ok((database, voided))
}

/// Whether a process has the ledger in `folder` open. Nothing is opened or made; by the time the caller acts on it, it may
/// be otherwise.
///
/// # Errors
/// What the system says of the file.
pub fn in_use(folder: &Path) -> std::io::Result<bool> {
    match std::fs::File::open(folder.join(FILE_NAME)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        // Closing the file gives the lock back.
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(false),
            Err(std::fs::TryLockError::WouldBlock) => Ok(true),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        },
    }
}

/// Makes an opened file this chain's ledger, at rest.
pub(crate) fn prepare(database: &Database, path: &Path, binding: ChainBinding) -> Result<u64, LedgerError> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    let is_new = transaction.list_tables()?.next().is_none();
    if !is_new {
        let format = format_of(&transaction, path)?;
        if format == FORMAT || format == migrate::FORMAT {
            compare(&transaction, path, binding)?;
        }
        match format.as_slice() {
            FORMAT => {}
            migrate::FORMAT => migrate::migrate(&transaction, path)?,
            other => return Err(other_format(path, other)),
        }
    }
    let voided = {
        let mut tables = Tables::open(&transaction)?;
        if is_new {
            let json = serde_json::to_vec(&binding).map_err(|error| unreadable(path, error.to_string()))?;
            tables.meta.insert("format", FORMAT)?;
            tables.meta.insert("binding", json.as_slice())?;
        }
        requests::recover(&mut tables)?
    };
    Moment::Decided(Write::Recovery).reached();
    transaction.commit()?;
    Moment::Durable(Write::Recovery).reached();
    Ok(voided)
}

fn format_of(transaction: &WriteTransaction, path: &Path) -> Result<Vec<u8>, LedgerError> {
    let foreign = || unreadable(path, "it is a database of something else".into());
    let meta = transaction.open_table(tables::META).map_err(|_| foreign())?;
    let format = meta.get("format")?.map(|format| format.value().to_vec());
    format.ok_or_else(foreign)
}

fn compare(transaction: &WriteTransaction, path: &Path, expected: ChainBinding) -> Result<(), LedgerError> {
    let found = read_binding(&transaction.open_table(tables::META)?, path)?;
    if found == expected {
        return Ok(());
    }
    Err(LedgerError::WrongChain { path: path.to_owned(), found: Box::new(found), expected: Box::new(expected) })
}

/// Whose a file is.
pub(crate) fn read_binding(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    path: &Path,
) -> Result<ChainBinding, LedgerError> {
    let json = meta.get("binding")?.map(|json| json.value().to_vec()).unwrap_or_default();
    serde_json::from_slice(&json).map_err(|error| unreadable(path, format!("its binding does not read: {error}")))
}

/// Opens a file and verifies every page's checksum.
///
/// redb verifies them by itself only after a crash. A file that was stopped cleanly and then cut, overwritten or copied
/// badly would otherwise be believed.
pub(crate) fn whole(
    path: &Path,
    open: impl FnOnce(&mut redb::Builder) -> Result<Database, DatabaseError>,
) -> Result<Database, LedgerError> {
    let verified = Arc::new(AtomicBool::new(false));
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE).set_repair_callback({
        let verified = Arc::clone(&verified);
        move |_| verified.store(true, Ordering::Relaxed)
    });
    let (database, is_sound) = guarded(path, || {
        let mut database = open(&mut builder)?;
        let is_sound = verified.load(Ordering::Relaxed) || database.check_integrity()?;
        Ok((database, is_sound))
    })?;
    if !is_sound {
        tracing::warn!(path = %path.display(), "repaired the file's records of free pages; its rows are whole");
    }
    Ok(database)
}

/// Runs redb over a file that may be damaged. It panics on some pages that it finds overwritten before it has come to
/// their checksums; that too is a damaged file, not a reason to stop the program.
pub(crate) fn guarded<T>(path: &Path, open: impl FnOnce() -> Result<T, DatabaseError>) -> Result<T, LedgerError> {
    match std::panic::catch_unwind(AssertUnwindSafe(open)) {
        Ok(result) => result.map_err(|error| refusal(path, error)),
        Err(_) => Err(unreadable(path, "its pages contradict each other".into())),
    }
}

/// Makes a name in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Only Unix lets a folder be opened, and needs it to be.
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The refusal of a format that is not read here.
pub(crate) fn other_format(path: &Path, format: &[u8]) -> LedgerError {
    let found = String::from_utf8_lossy(format).chars().take(64).collect();
    LedgerError::OtherFormat { path: path.to_owned(), found }
}

pub(crate) fn unreadable(path: &Path, reason: String) -> LedgerError {
    LedgerError::Unreadable { path: path.to_owned(), reason }
}

/// What an error of opening means to the operator.
pub(crate) fn refusal(path: &Path, error: DatabaseError) -> LedgerError {
    let owned = || PathBuf::from(path);
    match error {
        DatabaseError::DatabaseAlreadyOpen => LedgerError::InUse { path: owned() },
        DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => unreadable(path, error.to_string()),
        DatabaseError::Storage(StorageError::Corrupted(reason)) => unreadable(path, reason),
        DatabaseError::Storage(StorageError::Io(error)) => match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => unreadable(path, error.to_string()),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => LedgerError::NotWritable { path: owned() },
            ErrorKind::NotFound => LedgerError::NoLedger { path: owned() },
            _ => LedgerError::Storage { reason: format!("{}: {error}", path.display()) },
        },
        other => LedgerError::Storage { reason: format!("{}: {other}", path.display()) },
    }
}
