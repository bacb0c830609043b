//! What CSV and JSONL have in common.

use std::io::{BufRead, BufReader, Cursor, Read};

use super::{
    fault::{FileFault, RowFault},
    rows::Stop,
};
use crate::schema::{ColumnKind, Features, Label, Schema};

/// The text of a file, without the mark of its encoding that some programs put first.
pub(super) fn start(file: impl Read) -> Result<impl BufRead, Stop> {
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut first = Vec::with_capacity(3);
    input.by_ref().take(3).read_to_end(&mut first)?;
    match first.as_slice() {
        [0xEF, 0xBB, 0xBF] => first.clear(),
        [0xFF, 0xFE, ..] => return Err(FileFault::Encoding { encoding: "UTF-16 (little-endian)" }.into()),
        [0xFE, 0xFF, ..] => return Err(FileFault::Encoding { encoding: "UTF-16 (big-endian)" }.into()),
        _ => (),
    }
    Ok(Cursor::new(first).chain(input))
}

/// UTF-8, or the byte that is none.
pub(super) fn utf8(bytes: &[u8], field: impl FnOnce() -> Option<String>) -> Result<&str, RowFault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        RowFault::Encoding { field: field(), at: at + 1, byte: bytes.get(at).copied().unwrap_or_default() }
    })
}

/// The most bytes that a row of the schema takes, as CSV or JSON, however it is spelled.
pub(super) fn longest_row(schema: &Schema) -> usize {
    /// For what is between fields, and for blanks.
    const SLACK: usize = 1 << 16;
    /// For a number, with the quotes, colons and commas around it.
    const NUMBER: usize = 256;
    /// The same of an image or a token, which are whole and small.
    const SMALL: usize = 48;
    /// JSON may spell a byte as `\u0041`.
    const SPELLED: usize = 6;
    let longest = |names: &[String]| names.iter().map(String::len).max().unwrap_or_default();
    let features = match &schema.features {
        Features::Table { columns } => columns
            .iter()
            .map(|column| {
                let name = match &column.kind {
                    ColumnKind::Category { names } => longest(names),
                    ColumnKind::Number { .. } | ColumnKind::Whole { .. } => 0,
                };
                NUMBER + (column.name.len() + name) * SPELLED
            })
            .sum(),
        Features::Image { .. } => schema.features.fields().saturating_mul(SMALL),
        Features::Text { longest } => (*longest as usize).saturating_mul(SPELLED),
        Features::Tokens { longest, .. } => (*longest as usize).saturating_mul(SMALL),
    };
    let label = match &schema.label {
        Label::Class { names } => longest(names) * SPELLED,
        Label::Number { .. } | Label::None => 0,
    };
    features.saturating_add(label).saturating_add(SLACK)
}
