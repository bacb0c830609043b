//! The rows of a file as they come: records are given on, faults are kept.

use std::{io, path::Path};

use super::fault::{FaultyRow, FaultyRows, FileFault, RowFault};
use crate::{DatasetError, Record, Schema};

/// After so many faulty rows a file is read no further.
pub const MOST_FAULTS: usize = 1_000;

/// So many faulty rows are named; the others are counted.
pub const NAMED_FAULTS: usize = 20;

/// Why a file is read no further before its end.
pub(super) enum Stop {
    /// There are faulty rows enough, or what follows the last has no rows to tell.
    Faults,
    /// The file as a whole is at fault.
    File(FileFault),
    /// The file cannot be read.
    System(io::Error),
    /// Whoever takes the records wants no more.
    Taker(DatasetError),
}

impl From<FileFault> for Stop {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

pub(super) struct Rows<'a> {
    pub(super) schema: &'a Schema,
    take: &'a mut dyn FnMut(usize, Record) -> Result<(), DatasetError>,
    row: usize,
    faults: FaultyRows,
}

impl<'a> Rows<'a> {
    pub(super) fn new(schema: &'a Schema, take: &'a mut dyn FnMut(usize, Record) -> Result<(), DatasetError>) -> Self {
        Self { schema, take, row: 0, faults: FaultyRows::default() }
    }

    /// The next row, which begins on some line where the file has lines.
    pub(super) fn push(&mut self, line: Option<u64>, row: Result<Record, RowFault>) -> Result<(), Stop> {
        match row {
            Ok(record) => {
                self.row += 1;
                if self.faults.count > 0 {
                    return Ok(());
                }
                (self.take)(self.row, record).map_err(Stop::Taker)
            }
            Err(fault) => {
                self.fault(line, fault);
                if self.faults.count < MOST_FAULTS {
                    return Ok(());
                }
                self.faults.stopped = true;
                Err(Stop::Faults)
            }
        }
    }

    /// The next row is such that none can be told after it.
    pub(super) fn last(&mut self, line: Option<u64>, fault: RowFault) -> Stop {
        self.fault(line, fault);
        self.faults.stopped = true;
        Stop::Faults
    }

    fn fault(&mut self, line: Option<u64>, fault: RowFault) {
        self.row += 1;
        self.faults.count += 1;
        if self.faults.first.len() < NAMED_FAULTS {
            self.faults.first.push(FaultyRow { row: self.row, line, fault });
        }
    }

    /// How many records there were, if all rows of the file were read and none was faulty.
    pub(super) fn end(self, path: &Path, ended: Result<(), Stop>) -> Result<usize, DatasetError> {
        let path = path.to_owned();
        match ended {
            Ok(()) if self.faults.count == 0 => Ok(self.row),
            Ok(()) | Err(Stop::Faults) => Err(DatasetError::Rows { path, rows: Box::new(self.faults) }),
            Err(Stop::File(fault)) => Err(DatasetError::Contents { path, fault: Box::new(fault) }),
            Err(Stop::System(source)) => Err(DatasetError::File { path, source }),
            Err(Stop::Taker(error)) => Err(error),
        }
    }
}
