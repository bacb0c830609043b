//! The log as a file, and its one writer.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{BufReader, Write},
    path::{Path, PathBuf},
};

use super::{Access, Entries, Entry, Head, LogFault};
use crate::{
    DatasetError,
    durable::{folder_of, refused, sync_folder},
};

/// A log of accesses: a file of lines to which lines are added and from which nothing is taken.
///
/// [`Entry`] says what a line is. An access is on disk before [`AccessLog::append`] returns, so whoever opens the records
/// only after that leaves no access out, whatever happens to the machine. One `AccessLog` at a time has the file; anybody
/// may read it meanwhile, and finds the last line unfinished at worst.
///
/// The lock is the system's (`flock` on Unix): it ends with the process and holds among processes that ask for it. It
/// assumes a local disk that keeps what it says it has synced.
#[derive(Debug)]
pub struct AccessLog {
    path: PathBuf,
    /// None once a write has failed: what is on disk is known again only when the log is opened anew.
    file: Option<File>,
    head: Option<Head>,
    torn: Option<Torn>,
}

/// What was found after the last entry and cut off: a crash came before the line was whole, and before its access was
/// allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The line's number, from 1.
    pub line: u64,
    /// What there was of it.
    pub bytes: Vec<u8>,
}

impl AccessLog {
    /// Opens a log, or begins one, and checks all of it.
    ///
    /// A last line without its end is what a crash leaves. If it begins with the whole next entry, that entry is kept and
    /// given its end; what else there is of it is cut off, and [`AccessLog::torn`] says so. Whoever notes heads elsewhere
    /// compares them after that.
    ///
    /// # Errors
    /// [`DatasetError::LogInUse`]; [`DatasetError::LogBroken`] with the first line that is wrong, and nothing is changed;
    /// [`DatasetError::File`].
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let io = refused(path);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(&io)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DatasetError::LogInUse { path: path.to_owned() },
            TryLockError::Error(source) => io(source),
        })?;
        // It may just have been made, or its maker may have been killed before this.
        sync_folder(folder_of(path)).map_err(&io)?;
        let mut entries = Entries::new(BufReader::new(&file));
        let unfinished = loop {
            match entries.next() {
                None => break false,
                Some(Ok(_)) => {}
                Some(Err(DatasetError::LogBroken { fault: LogFault::Unfinished, .. })) => break true,
                Some(Err(DatasetError::LogUnreadable { source })) => return Err(io(source)),
                Some(Err(other)) => return Err(other),
            }
        };
        let (mut head, mut length) = (entries.head(), entries.length());
        let mut torn = None;
        if unfinished {
            let tail = entries.last_line().to_vec();
            drop(entries);
            // An entry has one closing bracket, at its end.
            let end = tail.iter().position(|byte| *byte == b'}').map_or(tail.len(), |place| place + 1);
            let (whole, rest) = tail.split_at_checked(end).unwrap_or((&tail, &[]));
            let kept = Entry::read(whole, head).ok();
            let cut = if kept.is_some() { rest } else { &tail };
            if let Some(entry) = kept {
                (head, length) = (Some(entry.head()), length.saturating_add(whole.len() as u64));
            }
            if !cut.is_empty() {
                let line = head.map_or(1, |head| head.index.saturating_add(2));
                torn = Some(Torn { line, bytes: cut.to_vec() });
            }
            file.set_len(length).map_err(&io)?;
            if kept.is_some() {
                file.write_all(b"\n").map_err(&io)?;
            }
        }
        // An entry that the last process wrote and did not live to sync is one of the log's now.
        file.sync_all().map_err(&io)?;
        Ok(Self { path: path.to_owned(), file: Some(file), head, torn })
    }

    /// Adds an access, which is on disk when this returns: only then may the records be opened. The new head.
    ///
    /// # Errors
    /// [`DatasetError::File`]: the access may be in the log or not. From then on [`DatasetError::LogStopped`], until the
    /// log is opened anew; [`DatasetError::LogFull`].
    pub fn append(&mut self, access: &Access) -> Result<Head, DatasetError> {
        let (entry, line) = Entry::after(self.head, access).ok_or(DatasetError::LogFull)?;
        // Taken out, and put back when all went well.
        let mut file = self.file.take().ok_or_else(|| DatasetError::LogStopped { path: self.path.clone() })?;
        file.write_all(&line).and_then(|()| file.sync_all()).map_err(refused(&self.path))?;
        self.file = Some(file);
        self.head = Some(entry.head());
        Ok(entry.head())
    }

    /// The last entry; none if there is none.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// What was cut off when this was opened.
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// The entries from an index on, checked as they are read, from the file's beginning, and up to the present head.
    ///
    /// The iterator's errors are [`DatasetError::LogBroken`] and [`DatasetError::LogUnreadable`], and
    /// [`DatasetError::LogNotExtended`] at its end if somebody has altered the file since it was opened.
    ///
    /// # Errors
    /// [`DatasetError::File`].
    pub fn entries(
        &self,
        from: u64,
    ) -> Result<impl Iterator<Item = Result<Entry, DatasetError>> + use<>, DatasetError> {
        let file = File::open(&self.path).map_err(refused(&self.path))?;
        let entries = UpTo { entries: Entries::new(BufReader::new(file)), last: self.head };
        Ok(entries.filter(move |entry| !entry.as_ref().is_ok_and(|entry| entry.index < from)))
    }
}

#[cfg(all(test, target_os = "linux"))]
impl AccessLog {
    /// As if the disk were full.
    pub(super) fn failing(mut self) -> Self {
        self.file = Some(OpenOptions::new().append(true).open("/dev/full").unwrap());
        self
    }
}

/// Entries up to a head that must be among them.
struct UpTo {
    entries: Entries<BufReader<File>>,
    /// None when it was met, or there is nothing to meet.
    last: Option<Head>,
}

impl Iterator for UpTo {
    type Item = Result<Entry, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let last = self.last?;
        let other = |found| Some(Err(DatasetError::LogNotExtended { earlier: last, found }));
        match self.entries.next() {
            Some(Ok(entry)) if entry.index < last.index => Some(Ok(entry)),
            next => {
                self.last = None;
                match next {
                    Some(Ok(entry)) if entry.head() == last => Some(Ok(entry)),
                    Some(Ok(entry)) => other(Some(entry.hash)),
                    Some(Err(error)) => Some(Err(error)),
                    None => other(None),
                }
            }
        }
    }
}
