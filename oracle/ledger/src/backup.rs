//! A second file with everything in it, taken while the ledger is written, and the way back.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::Path,
};

use redb::{Database, ReadableDatabase};

use crate::{
    FILE_NAME, Ledger, LedgerError, Report,
    check::check_file,
    open::{self, refusal, sync_folder},
    tables::{self, Snapshot},
};

/// What a restored file is called until it has been checked.
const STAGED: &str = "ledger.redb.restoring";

impl Ledger {
    /// Copies everything that is committed now into a new file, which is on disk when this returns. Writers go on
    /// meanwhile; it takes as long as writing the file takes, so call it where blocking is allowed.
    ///
    /// The new file holds one transaction: cut off half-way, it is no ledger at all and nothing takes it for one.
    ///
    /// # Errors
    /// [`LedgerError::Exists`], [`LedgerError::Backup`].
    pub fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(to);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => LedgerError::Exists { path: to.to_owned() },
            _ => failed(to, &error),
        })?;
        let copied = self.copy(file, to);
        if copied.is_err() {
            // Left in place it would only be in the way of the next try.
            let _ = fs::remove_file(to);
        }
        copied.map_err(|error| failed(to, &error))
    }

    fn copy(&self, file: File, to: &Path) -> Result<(), LedgerError> {
        let snapshot = self.database.begin_read()?;
        if let Some(table) = tables::foreign(&snapshot)?.first() {
            return Err(open::unreadable(to, format!("the ledger has a table `{table}` that is not known here")));
        }
        let copy = Database::builder().create_file(file).map_err(|error| refusal(to, error))?;
        let mut transaction = copy.begin_write()?;
        transaction.set_two_phase_commit(true);
        Snapshot::open(&snapshot)?.copy(&transaction)?;
        transaction.commit()?;
        drop(copy);
        let synced = File::open(to).and_then(|file| file.sync_all()).and_then(|()| sync_folder(folder_of(to)));
        synced.map_err(|error| refusal(to, error.into()))
    }
}

/// Checks a backup and makes it the ledger of a data folder that has none. The backup itself is only read.
///
/// # Errors
/// [`LedgerError::Exists`] if the folder has a ledger; [`LedgerError::NoLedger`], [`LedgerError::Unreadable`],
/// [`LedgerError::OtherFormat`], [`LedgerError::NotMigrated`] or [`LedgerError::Damaged`] if the backup is none;
/// [`LedgerError::NotWritable`], [`LedgerError::Storage`].
pub fn restore(from: &Path, folder: &Path) -> Result<Report, LedgerError> {
    let (staged, target) = (folder.join(STAGED), folder.join(FILE_NAME));
    if fs::symlink_metadata(&target).is_ok() {
        return Err(LedgerError::Exists { path: target });
    }
    let mut source = File::open(from).map_err(|error| refusal(from, error.into()))?;
    fs::create_dir_all(folder).map_err(|error| refusal(folder, error.into()))?;
    let restored = stage(&mut source, &staged).and_then(|()| {
        let report = check_file(&staged, from)?;
        if let Some(first) = report.findings.first() {
            let (path, findings) = (from.to_owned(), report.findings.len());
            return Err(LedgerError::Damaged { path, findings, first: Box::new(first.clone()) });
        }
        // A link, unlike a rename, never replaces a ledger that somebody has made meanwhile.
        fs::hard_link(&staged, &target).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => LedgerError::Exists { path: target.clone() },
            _ => refusal(&target, error.into()),
        })?;
        Ok(report)
    });
    let _ = fs::remove_file(&staged);
    let report = restored?;
    sync_folder(folder).map_err(|error| refusal(folder, error.into()))?;
    Ok(report)
}

fn stage(source: &mut File, staged: &Path) -> Result<(), LedgerError> {
    let copied = File::create(staged).and_then(|mut file| {
        io::copy(source, &mut file)?;
        file.sync_all()
    });
    copied.map_err(|error| refusal(staged, error.into()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed(path: &Path, error: &dyn std::error::Error) -> LedgerError {
    LedgerError::Backup { path: path.to_owned(), reason: error.to_string() }
}
