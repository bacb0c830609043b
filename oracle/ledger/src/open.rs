//! Opening a data folder: whose it is, and what a crash left behind.

use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableTable, StorageError};

use crate::{ChainBinding, LedgerError, requests, tables, tables::Tables};

/// The ledger's file inside the data folder.
pub const FILE_NAME: &str = "ledger.redb";

const FORMAT: &[u8] = b"tributary-ledger/1";

/// Opens or creates the file, checks that it is for this chain, and voids what a crash left reserved; how many.
pub(crate) fn open(folder: &Path, binding: ChainBinding) -> Result<(Database, u64), LedgerError> {
    std::fs::create_dir_all(folder).map_err(|error| LedgerError::Storage {
        reason: format!("the folder {} cannot be made: {error}", folder.display()),
    })?;
    let path = folder.join(FILE_NAME);
    let database = Database::create(&path).map_err(|error| refusal(path.clone(), error))?;
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    bind(&transaction, path, binding)?;
    let voided = {
        let mut tables = Tables::open(&transaction)?;
        requests::recover(&mut tables)?
    };
    transaction.commit()?;
    Ok((database, voided))
}

/// Writes the binding into a new file, or compares it with the one there.
fn bind(transaction: &redb::WriteTransaction, path: PathBuf, expected: ChainBinding) -> Result<(), LedgerError> {
    let unreadable = |reason: String| LedgerError::Unreadable { path: path.clone(), reason };
    let mut meta = transaction.open_table(tables::META)?;
    let stored = meta.get("format")?.map(|format| format.value().to_vec());
    let Some(format) = stored else {
        let json = serde_json::to_vec(&expected).map_err(|error| unreadable(error.to_string()))?;
        meta.insert("format", FORMAT)?;
        meta.insert("binding", json.as_slice())?;
        return Ok(());
    };
    if format != FORMAT {
        let found = String::from_utf8_lossy(&format).chars().take(64).collect::<String>();
        return Err(unreadable(format!("its format is `{found}`")));
    }
    let json = meta.get("binding")?.map(|json| json.value().to_vec()).unwrap_or_default();
    let found: ChainBinding = serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))?;
    if found == expected {
        Ok(())
    } else {
        Err(LedgerError::WrongChain { path, found: Box::new(found), expected: Box::new(expected) })
    }
}

fn refusal(path: PathBuf, error: DatabaseError) -> LedgerError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => LedgerError::InUse { path },
        DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => {
            LedgerError::Unreadable { path, reason: error.to_string() }
        }
        DatabaseError::Storage(StorageError::Corrupted(reason)) => LedgerError::Unreadable { path, reason },
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            LedgerError::Unreadable { path, reason: error.to_string() }
        }
        other => LedgerError::Storage { reason: format!("{}: {other}", path.display()) },
    }
}
