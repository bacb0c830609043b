//! Records from files, row by row.
//!
//! | file | what a row is | features | label |
//! |---|---|---|---|
//! | `.csv` | a row | a field a column, tokens separated by blanks | a field |
//! | `.jsonl`, `.ndjson` | an object on a line | a key a column; an image also as `image`, nested or flat; tokens as a list | the key `label` |
//! | `.npy` | a row of `[rows, columns]` | its first values | its last value |
//! | `.npz` | a row of two arrays | `features` (or `image`, `tokens`) `[rows, …]` | `label` `[rows]` |
//! | `.parquet` | a row | a column each; an image also as a list `image`; tokens as a list | the column `label` |
//!
//! CSV is UTF-8 with line ends of any kind (LF, CRLF, CR, mixed) and fields in quotes where needed. Its first line is a
//! header if it names the schema's columns, in any order; without a header, fields stand in the schema's order. Rows count
//! from 1 without the header, lines from 1 with everything; a line ends with LF, as editors count. Truth values are read as
//! `true` and `false`.
//!
//! Files come from strangers. A reader holds a few rows in memory (of Parquet, a page of each column), however long the
//! file; a row longer than any of the schema can be, and [`MOST_FAULTS`] faulty rows, end the reading.

mod cells;
mod csv;
mod fault;
mod jsonl;
mod numpy;
#[cfg(feature = "parquet")]
mod parquet;
mod rows;
mod text;

use std::{fs::File, path::Path};

pub use fault::{FaultyRow, FaultyRows, FileFault, RowFault};
pub use rows::{MOST_FAULTS, NAMED_FAULTS};

use crate::{DatasetError, Record, Schema};
use rows::{Rows, Stop};

/// A kind of file that records are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// A NumPy array, or an archive of some.
    Numpy,
    /// Parquet, where the crate is built with the feature `parquet`.
    Parquet,
}

impl Format {
    /// What a file is by the end of its name.
    ///
    /// # Errors
    /// [`DatasetError::Format`]: nothing that is read.
    pub fn of(path: &Path) -> Result<Self, DatasetError> {
        let end = path.extension().map(|end| end.to_string_lossy().to_lowercase());
        match end.as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("npy" | "npz") => Ok(Self::Numpy),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(DatasetError::Format { path: path.to_owned() }),
        }
    }
}

/// Gives each record of a file to `take`, with its row from 1, and says how many there were; an empty file has none.
///
/// Records are given as they are read, up to the first faulty row: if this fails, `take` has seen records of a file that is
/// of no use, and whatever it made of them is to be thrown away.
///
/// # Errors
/// What `take` says, at once; [`DatasetError::Rows`] with every faulty row counted and the first of them named;
/// [`DatasetError::Contents`] if the file as a whole is not as its kind or the schema says; [`DatasetError::Format`];
/// [`DatasetError::File`].
pub fn read(
    path: &Path,
    schema: &Schema,
    take: &mut dyn FnMut(usize, Record) -> Result<(), DatasetError>,
) -> Result<usize, DatasetError> {
    let format = Format::of(path)?;
    let mut rows = Rows::new(schema, take);
    let ended = File::open(path).map_err(Stop::System).and_then(|file| match format {
        Format::Csv => csv::read(file, &mut rows),
        Format::Jsonl => jsonl::read(file, &mut rows),
        Format::Numpy => numpy::read(path, file, &mut rows),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::read(file, &mut rows),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(FileFault::WithoutParquet.into()),
    });
    rows.end(path, ended)
}

/// All records of a file, in memory.
///
/// # Errors
/// As [`read`].
pub fn all(path: &Path, schema: &Schema) -> Result<Vec<Record>, DatasetError> {
    let mut records = Vec::new();
    read(path, schema, &mut |_, record| {
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}

#[cfg(test)]
mod tests;
