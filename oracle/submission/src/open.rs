//! Opening a folder: nobody else has it, it is whole, and it is this signer's on this chain.

use std::{io::ErrorKind, panic::AssertUnwindSafe, path::Path};

use redb::{Database, DatabaseError, ReadableTable, StorageError};

use crate::{
    SubmissionError,
    error::Binding,
    store::{META, create_tables},
};

/// The file inside the folder.
pub const FILE_NAME: &str = "submission.redb";

const FORMAT: &[u8] = b"tributary-submission/1";

/// Opens or makes the file and holds its lock. Every page's checksum is verified.
pub(crate) fn open(folder: &Path) -> Result<Database, SubmissionError> {
    std::fs::create_dir_all(folder).map_err(|error| refusal(folder, error.into()))?;
    let path = folder.join(FILE_NAME);
    let length = std::fs::metadata(&path).map(|file| file.len()).ok();
    if length == Some(0) {
        return Err(unreadable(&path, "it is empty; if nothing was ever sent from here, delete it"));
    }
    // redb asserts what its own files always fulfil; a file of something else must not end the program.
    let opened = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut database = Database::create(&path)?;
        database.check_integrity()?;
        Ok::<_, DatabaseError>(database)
    }));
    let database = match opened {
        Ok(Ok(database)) => database,
        Ok(Err(error)) => return Err(refusal(&path, error)),
        Err(_) => return Err(unreadable(&path, "it is damaged")),
    };
    if length.is_none() {
        // The file's name must be as durable as its content.
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| refusal(folder, error.into()))?;
    }
    Ok(database)
}

/// Binds a new file, or checks whose an old one is. `next` is the first nonce that a new file owns.
pub(crate) fn bind(database: &Database, path: &Path, binding: Binding, next: u64) -> Result<(), SubmissionError> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    let is_new = transaction.list_tables()?.next().is_none();
    create_tables(&transaction)?;
    {
        let mut meta = transaction.open_table(META)?;
        if is_new {
            meta.insert("format", FORMAT)?;
            meta.insert("binding", serde_json::to_vec(&binding)?.as_slice())?;
            meta.insert("next", serde_json::to_vec(&next)?.as_slice())?;
        }
        if meta.get("format")?.is_none_or(|format| format.value() != FORMAT) {
            return Err(unreadable(path, "it is of something else, or of another version of this program"));
        }
        let json = meta.get("binding")?.map(|json| json.value().to_vec()).unwrap_or_default();
        let found: Binding = serde_json::from_slice(&json).map_err(|error| unreadable(path, &error.to_string()))?;
        if found != binding {
            let (found, expected) = (Box::new(found), Box::new(binding));
            return Err(SubmissionError::OtherBinding { path: path.to_owned(), found, expected });
        }
    }
    Ok(transaction.commit()?)
}

fn unreadable(path: &Path, reason: &str) -> SubmissionError {
    SubmissionError::Unreadable { path: path.to_owned(), reason: reason.into() }
}

fn refusal(path: &Path, error: DatabaseError) -> SubmissionError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => SubmissionError::InUse { path: path.to_owned() },
        DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => unreadable(path, &error.to_string()),
        DatabaseError::Storage(StorageError::Corrupted(reason)) => unreadable(path, &reason),
        DatabaseError::Storage(StorageError::Io(error)) => match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => unreadable(path, &error.to_string()),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                SubmissionError::NotWritable { path: path.to_owned() }
            }
            _ => SubmissionError::Storage { reason: format!("{}: {error}", path.display()) },
        },
        other => SubmissionError::Storage { reason: format!("{}: {other}", path.display()) },
    }
}
