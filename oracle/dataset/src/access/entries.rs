//! Reading a log and checking it on the way. It takes the file and nothing else.

use std::io::{BufRead, Read};

use super::{Entry, Head, LogFault};
use crate::DatasetError;

/// No line is as long; the longest that can be written has some 700 bytes.
const LONGEST: u64 = 4096;

/// A log's entries, each compared with the one before as it is read. It ends at the first that is wrong.
#[derive(Debug)]
pub struct Entries<R> {
    reader: R,
    head: Option<Head>,
    /// How many bytes the entries so far have taken.
    length: u64,
    line: Vec<u8>,
    is_over: bool,
}

impl<R: BufRead> Entries<R> {
    /// Reads from the beginning of a log.
    pub fn new(reader: R) -> Self {
        Self { reader, head: None, length: 0, line: Vec::new(), is_over: false }
    }

    /// The last entry so far; none before the first.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// How many bytes of the log the entries so far have taken.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// What there is of the line that was read last.
    pub(super) fn last_line(&self) -> &[u8] {
        &self.line
    }

    fn read(&mut self) -> Result<Option<Entry>, DatasetError> {
        self.line.clear();
        let taken = (&mut self.reader).take(LONGEST).read_until(b'\n', &mut self.line);
        let taken = taken.map_err(|source| DatasetError::LogUnreadable { source })?;
        if taken == 0 {
            return Ok(None);
        }
        let entry = match self.line.strip_suffix(b"\n") {
            Some(line) => Entry::read(line, self.head),
            None if taken as u64 >= LONGEST => Err(LogFault::TooLong),
            None => Err(LogFault::Unfinished),
        };
        let number = self.head.map_or(1, |head| head.index.saturating_add(2));
        let entry = entry.map_err(|fault| DatasetError::LogBroken { line: number, fault })?;
        self.head = Some(entry.head());
        self.length = self.length.saturating_add(taken as u64);
        Ok(Some(entry))
    }
}

impl<R: BufRead> Iterator for Entries<R> {
    type Item = Result<Entry, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.read().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Checks a whole log: that every line is an entry, and follows from the one before. Its head; none if it is empty.
///
/// # Errors
/// [`DatasetError::LogBroken`] with the first line that is wrong, a last one without its end among them;
/// [`DatasetError::LogUnreadable`].
pub fn verify(reader: impl BufRead) -> Result<Option<Head>, DatasetError> {
    let mut entries = Entries::new(reader);
    for entry in entries.by_ref() {
        entry?;
    }
    Ok(entries.head())
}
