//! Whether a ledger that nobody has open is whole: redb's own check, then everything that one table says of another.

mod finding;
mod walk;

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTableMetadata};

pub use finding::{Finding, Place, Problem};

use crate::{
    ChainBinding, FILE_NAME, LedgerError, migrate,
    open::{self, unreadable},
    tables::{self, Snapshot},
};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose ledger it is.
    pub binding: ChainBinding,
    /// Sealed epochs.
    pub epochs: u64,
    /// Earned rows in sealed epochs.
    pub sealed: u64,
    /// Earned rows in none.
    pub open: u64,
    /// Rows that a crash left reserved; opening the ledger voids them.
    pub reserved: u64,
    /// Sign-ins.
    pub accesses: u64,
    /// What is wrong; nothing if the ledger is whole.
    pub findings: Vec<Finding>,
}

/// Checks the ledger in a data folder. Takes as long as reading the whole file takes.
///
/// If the server did not stop cleanly, redb first brings the file to its last commit, as opening the ledger would.
///
/// # Errors
/// [`LedgerError::InUse`] while a server has it open; [`LedgerError::NoLedger`]; [`LedgerError::Unreadable`] if even its
/// tables do not read; [`LedgerError::OtherFormat`], [`LedgerError::NotMigrated`], [`LedgerError::NotWritable`],
/// [`LedgerError::Storage`].
pub fn check(folder: &Path) -> Result<Report, LedgerError> {
    let path = folder.join(FILE_NAME);
    check_file(&path, &path)
}

/// Checks a file and calls it by another name where an error says which file.
pub(crate) fn check_file(path: &Path, name: &Path) -> Result<Report, LedgerError> {
    let (database, is_whole) = open::guarded(name, || {
        let mut database = Database::open(path)?;
        let is_whole = database.check_integrity()?;
        Ok((database, is_whole))
    })?;
    let transaction = database.begin_read()?;
    let meta = transaction.open_table(tables::META);
    let meta = meta.map_err(|_| unreadable(name, "it is a database of something else".into()))?;
    let format = meta.get("format")?.map(|format| format.value().to_vec()).unwrap_or_default();
    match format.as_slice() {
        open::FORMAT => {}
        migrate::FORMAT => return Err(LedgerError::NotMigrated { path: name.to_owned() }),
        other => return Err(open::other_format(name, other)),
    }
    let binding = open::read_binding(&meta, name)?;
    let tables = Snapshot::open(&transaction).map_err(|error| unreadable(name, error.to_string()))?;

    let mut findings = Vec::new();
    if !is_whole {
        findings.push(Finding { table: "redb", place: Place::File, problem: Problem::Repaired });
    }
    for table in tables::foreign(&transaction)? {
        findings.push(Finding { table: "redb", place: Place::Table(table), problem: Problem::Stray });
    }
    findings.extend(walk::walk(&tables)?);
    Ok(Report {
        binding,
        epochs: tables.epochs.len()?,
        sealed: tables.epoch_rows.len()?,
        open: tables.open.len()?,
        reserved: tables.reserved.len()?,
        accesses: tables.accesses.len()?,
        findings,
    })
}
