//! Rows of CSV with the line that each begins on, none longer than some bound.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

use super::super::fault::RowFault;

/// Why there is no next row.
pub(super) enum Torn {
    /// The file cannot be read.
    System(io::Error),
    /// It has no end, or none within bounds.
    Row(RowFault),
}

/// `csv_core` alone, as the `csv` crate neither bounds a row nor tells its line exactly: it counts an empty line before a
/// row to the row.
pub(super) struct Lines<R> {
    input: R,
    parser: csv_core::Reader,
    /// The most bytes a row may have.
    most: usize,
    /// The row's fields, one after another.
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// How many there are.
    fields: usize,
    /// The line that the row begins on.
    line: u64,
    /// The line that the next byte is on.
    next: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R, most: usize) -> Self {
        let parser = csv_core::Reader::new();
        Self { input, parser, most, bytes: vec![0; 1 << 10], ends: vec![0; 1 << 7], fields: 0, line: 1, next: 1 }
    }

    /// The line that the row begins on, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.ends.get(..self.fields).unwrap_or_default();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    /// Goes to the next row, if there is one.
    pub(super) fn advance(&mut self) -> Result<bool, Torn> {
        let has_row = self.skip_empty().map_err(Torn::System)?;
        self.line = self.next;
        self.fields = 0;
        if !has_row {
            return Ok(false);
        }
        let (mut taken, mut written) = (0, 0);
        loop {
            let input = self.input.fill_buf().map_err(Torn::System)?;
            let at_end = input.is_empty();
            // At the end, the line end that the last row may lack: an open quote alone wants more after it.
            let given = if at_end { b"\n" } else { input };
            let (bytes, ends) = (&mut self.bytes[written..], &mut self.ends[self.fields..]);
            let (result, read, wrote, ended) = self.parser.read_record(given, bytes, ends);
            if !at_end {
                self.next += given[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
                self.input.consume(read);
                taken += read;
            }
            written += wrote;
            self.fields += ended;
            if taken > self.most {
                return Err(Torn::Row(RowFault::TooLong { most: self.most }));
            }
            match result {
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::InputEmpty if at_end => return Err(Torn::Row(RowFault::OpenQuote)),
                ReadRecordResult::InputEmpty => (),
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Goes to the next byte that ends no line, if there is one.
    fn skip_empty(&mut self) -> io::Result<bool> {
        loop {
            let input = self.input.fill_buf()?;
            let Some(first) = input.first().copied() else { return Ok(false) };
            match first {
                b'\n' => self.next += 1,
                b'\r' => (),
                _ => return Ok(true),
            }
            self.input.consume(1);
        }
    }
}
