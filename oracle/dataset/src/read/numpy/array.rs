//! An array, row by row.

use std::io::{self, Read};

use super::{
    super::{fault::FileFault, rows::Stop},
    header::{Header, Number},
};
use crate::{Schema, field::Field};

/// Why an array is read no further.
pub(super) enum Broken {
    /// It ends too early.
    CutOff,
    /// It is not intact.
    Archive(String),
    /// It cannot be read.
    System(io::Error),
}

impl Broken {
    pub(super) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutOff,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                Self::Archive(error.to_string())
            }
            _ => Self::System(error),
        }
    }

    /// As of a file whose rows do not matter any more.
    pub(super) fn in_file(self) -> Stop {
        match self {
            Self::CutOff => FileFault::Archive { says: "it is cut off".to_owned() }.into(),
            Self::Archive(says) => FileFault::Archive { says }.into(),
            Self::System(error) => error.into(),
        }
    }
}

pub(super) struct Array<'a> {
    /// What faults call it.
    pub(super) name: String,
    pub(super) rows: u64,
    number: Number,
    /// The bytes of a row.
    row: Vec<u8>,
    from: Box<dyn Read + 'a>,
}

impl<'a> Array<'a> {
    /// An array of some bytes, whose shape `fits` a schema: it says how many values a row has. Only then is there memory
    /// for a row.
    pub(super) fn open(
        name: String,
        size: u64,
        mut from: Box<dyn Read + 'a>,
        schema: &Schema,
        fits: fn(&Schema, &[u64]) -> Result<usize, String>,
    ) -> Result<Self, Stop> {
        let header = Header::read(&mut from).map_err(|error| Broken::of(error).in_file())?;
        let Some(header) = header else { return Err(FileFault::NoArray { array: name }.into()) };
        let number = match header.number {
            Ok(number) => number,
            Err(found) => return Err(FileFault::ArrayType { array: name, found }.into()),
        };
        let values = match fits(schema, &header.shape) {
            Ok(values) => values,
            Err(wanted) => return Err(FileFault::ArrayShape { array: name, found: header.shape, wanted }.into()),
        };
        if header.is_fortran {
            return Err(FileFault::ArrayOrder { array: name }.into());
        }
        let rows = header.shape.first().copied().unwrap_or_default();
        let row = values.saturating_mul(number.size);
        let wanted = u128::from(rows) * row as u128;
        let found = size.saturating_sub(header.size);
        if u128::from(found) != wanted {
            return Err(FileFault::ArraySize { array: name, found, wanted }.into());
        }
        Ok(Self { name, rows, number, row: vec![0; row], from })
    }

    /// The values of the next row.
    pub(super) fn row(&mut self, into: &mut Vec<Field<'static>>) -> Result<(), Broken> {
        self.from.read_exact(&mut self.row).map_err(Broken::of)?;
        into.extend(self.row.chunks_exact(self.number.size).map(|bytes| self.number.value(bytes)));
        Ok(())
    }

    /// Nothing is to follow the last row. An archive checks its sums here.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(FileFault::Archive { says: format!("{} has more than its shape says", self.name) }.into()),
            Err(error) => Err(Broken::of(error).in_file()),
        }
    }
}
