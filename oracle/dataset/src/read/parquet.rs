//! Parquet, a group of rows after another.

use std::{
    collections::HashSet,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

use parquet::{
    errors::ParquetError,
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::{Field, reader::RowIter},
    schema::types::Type,
};

use super::{
    cells::{Cell, Layout},
    fault::FileFault,
    rows::{Rows, Stop},
};

/// Deeper lists are no image: `image.list.element.list.element.list.element`.
const DEEPEST: usize = 7;

pub(super) fn read(file: File, rows: &mut Rows<'_>) -> Result<(), Stop> {
    let layout = Layout::of(rows.schema);
    let reader = checked(|| SerializedFileReader::new(file))?;
    let places = places(reader.metadata().file_metadata().schema(), &layout)?;
    for group in 0..reader.num_row_groups() {
        let group = checked(|| reader.get_row_group(group))?;
        let mut records = checked(|| RowIter::from_row_group(None, group.as_ref()))?;
        while let Some(row) = checked(|| records.next().transpose())? {
            let mut cells = layout.empty();
            for (place, (_, field)) in places.iter().zip(row.into_columns()) {
                if let Some(slot) = cells.get_mut(*place) {
                    *slot = Some(cell(field));
                }
            }
            rows.push(None, layout.record(&cells))?;
        }
    }
    Ok(())
}

/// The crate panics on some files that are not intact: to us, that is one more way to say so. What panicked is not used
/// again.
fn checked<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, FileFault> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(FileFault::Parquet { says: error.to_string() }),
        Err(_) => Err(FileFault::Parquet { says: "it is not intact".to_owned() }),
    }
}

/// For each of the file's columns its place in a row.
fn places(file: &Type, layout: &Layout<'_>) -> Result<Vec<usize>, FileFault> {
    let columns: Vec<&str> = file.get_fields().iter().map(|column| column.name()).collect();
    let places: Vec<usize> = columns.iter().filter_map(|name| layout.place(name)).collect();
    let owned = |name: &&str| (*name).to_owned();
    let has: HashSet<usize> = places.iter().copied().collect();
    let missing = layout.missing(|place| has.contains(&place)).cloned().collect::<Vec<_>>();
    let unknown = columns.iter().filter(|name| layout.place(name).is_none()).map(owned).collect::<Vec<_>>();
    let mut seen = HashSet::new();
    let twice = columns.iter().filter(|name| !seen.insert(**name)).map(owned).collect::<Vec<_>>();
    if !(missing.is_empty() && unknown.is_empty() && twice.is_empty()) {
        return Err(FileFault::Columns { missing, unknown, twice });
    }
    match file.get_fields().iter().find(|column| depth(column, DEEPEST).is_none()) {
        Some(deep) => Err(FileFault::Parquet { says: format!("the column `{}` is nested too deep", deep.name()) }),
        None => Ok(places),
    }
}

/// How deep a type is nested, if not deeper than allowed.
fn depth(of: &Type, most: usize) -> Option<usize> {
    if of.is_primitive() {
        return Some(0);
    }
    let deepest = of.get_fields().iter().map(|inner| depth(inner, most.checked_sub(1)?)).max();
    deepest.map_or(Some(1), |deepest| deepest.map(|deepest| deepest + 1))
}

fn cell(field: Field) -> Cell {
    match field {
        Field::Null => Cell::Missing,
        Field::Bool(value) => Cell::Text(value.to_string()),
        Field::Byte(value) => Cell::Whole(value.into()),
        Field::Short(value) => Cell::Whole(value.into()),
        Field::Int(value) => Cell::Whole(value.into()),
        Field::Long(value) => Cell::Whole(value),
        Field::UByte(value) => Cell::Whole(value.into()),
        Field::UShort(value) => Cell::Whole(value.into()),
        Field::UInt(value) => Cell::Whole(value.into()),
        Field::ULong(value) => Cell::unsigned(value),
        Field::Float16(value) => Cell::Number(value.to_f64()),
        Field::Float(value) => Cell::Number(value.into()),
        Field::Double(value) => Cell::Number(value),
        Field::Str(text) => Cell::Text(text),
        Field::ListInternal(list) => Cell::List(list.elements().iter().cloned().map(cell).collect()),
        Field::Bytes(_) => Cell::Other("binary data without a string type"),
        Field::Decimal(_) => Cell::Other("a decimal"),
        Field::Group(_) | Field::MapInternal(_) => Cell::Other("a structure"),
        _ => Cell::Other("a date or a time"),
    }
}
