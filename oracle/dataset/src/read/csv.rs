//! Comma-separated values.

mod lines;

use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

use super::{
    fault::{FileFault, RowFault},
    rows::{Rows, Stop},
    text,
};
use crate::{
    Record, Schema,
    field::{Fault, Field, FieldFault},
};
use lines::{Lines, Torn};

pub(super) fn read(file: impl Read, rows: &mut Rows<'_>) -> Result<(), Stop> {
    let names = rows.schema.columns();
    let mut lines = Lines::new(text::start(file)?, text::longest_row(rows.schema));
    let mut order: Option<Vec<usize>> = None;
    let mut is_first = true;
    loop {
        match lines.advance() {
            Ok(true) => (),
            Ok(false) => return Ok(()),
            Err(Torn::System(error)) => return Err(error.into()),
            Err(Torn::Row(fault)) => return Err(rows.last(Some(lines.line()), fault)),
        }
        if std::mem::take(&mut is_first) {
            order = header(&lines.fields().collect::<Vec<_>>(), &names)?;
            if order.is_some() {
                continue;
            }
        }
        let fields: Vec<&[u8]> = lines.fields().collect();
        rows.push(Some(lines.line()), record(rows.schema, &names, order.as_deref(), &fields))?;
    }
}

fn record(schema: &Schema, names: &[String], order: Option<&[usize]>, found: &[&[u8]]) -> Result<Record, RowFault> {
    if found.len() != names.len() {
        let fault = Fault::Count { found: found.len(), wanted: names.len() };
        return Err(FieldFault { field: None, fault }.into());
    }
    let fields: Vec<Field<'_>> = names
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let place = order.and_then(|order| order.get(column)).copied().unwrap_or(column);
            let bytes = found.get(place).copied().unwrap_or_default();
            text::utf8(bytes, || Some(name.clone())).map(Field::Text)
        })
        .collect::<Result<_, _>>()?;
    Ok(schema.record(&fields)?)
}

/// For each of the schema's columns its place in the file, if the first row is a header. It is none if it has no name of
/// the schema's.
fn header(first: &[&[u8]], names: &[String]) -> Result<Option<Vec<usize>>, FileFault> {
    let first: Vec<String> = first.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let places: HashMap<&str, usize> = first.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    let order: Vec<usize> = names.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
    if order.is_empty() {
        return Ok(None);
    }
    if order.len() == names.len() && first.len() == names.len() {
        return Ok(Some(order));
    }
    let known: HashSet<&str> = names.iter().map(String::as_str).collect();
    let missing = names.iter().filter(|name| !places.contains_key(name.as_str())).cloned().collect();
    let twice = first.iter().enumerate().filter(|(place, name)| places.get(name.as_str()) != Some(place));
    let twice = twice.map(|(_, name)| name.clone()).collect();
    let unknown = first.iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
    Err(FileFault::Columns { missing, unknown, twice })
}
