//! A JSON object a line.

use std::{
    borrow::Cow,
    io::{BufRead, Read},
};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    cells::{Cell, Cells, Layout},
    fault::RowFault,
    rows::{Rows, Stop},
    text,
};
use crate::{Record, field::short};

pub(super) fn read(file: impl Read, rows: &mut Rows<'_>) -> Result<(), Stop> {
    let layout = Layout::of(rows.schema);
    let most = text::longest_row(rows.schema);
    let mut input = text::start(file)?;
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        // One byte more than a line may have with its end, to tell one that is too long.
        let longest = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(2);
        if input.by_ref().take(longest).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.len() > most.saturating_add(1) {
            return Err(rows.last(Some(line), RowFault::TooLong { most }));
        }
        // Blanks at the end would count as a line of their own where the parser says what it misses.
        let trimmed = bytes.trim_ascii_end();
        if !trimmed.is_empty() {
            rows.push(Some(line), record(&layout, trimmed))?;
        }
    }
    Ok(())
}

fn record(layout: &Layout<'_>, line: &[u8]) -> Result<Record, RowFault> {
    let line = text::utf8(line, || None)?;
    let mut parser = serde_json::Deserializer::from_str(line);
    let cells = Object(layout).deserialize(&mut parser).map_err(|error| json(&error))?;
    parser.end().map_err(|error| json(&error))?;
    layout.record(&cells?)
}

/// What the parser says, without its count of lines: it sees one.
fn json(error: &serde_json::Error) -> RowFault {
    let says = error.to_string();
    let says = says.rsplit_once(" at line ").map_or(says.as_str(), |(says, _)| says).to_owned();
    RowFault::Json { column: error.column(), says }
}

/// An object's values at their places, each key once.
struct Object<'l>(&'l Layout<'l>);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Result<Cells, RowFault>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Result<Cells, RowFault>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with the schema's columns as keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut cells = self.0.empty();
        let mut fault = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let Some(place) = self.0.place(&key) else {
                fault.get_or_insert(RowFault::UnknownKey { key: short(&key) });
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = cell(map.next_value::<&RawValue>()?);
            if let Some(cell) = cells.get_mut(place)
                && cell.replace(value).is_some()
            {
                fault.get_or_insert(RowFault::Twice { field: self.0.name(place) });
            }
        }
        Ok(fault.map_or(Ok(cells), Err))
    }
}

fn cell(value: &RawValue) -> Cell {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'n') => Cell::Missing,
        Some(b't' | b'f') => Cell::Text(text.to_owned()),
        Some(b'"') => serde_json::from_str(text).map_or(Cell::Other("text with a broken escape"), Cell::Text),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text)
            .map_or(Cell::Other("a broken list"), |list| Cell::List(list.into_iter().map(cell).collect())),
        Some(b'{') => Cell::Other("an object"),
        _ => match (text.parse(), text.parse(), text.parse()) {
            (Ok(whole), ..) => Cell::Whole(whole),
            (_, Ok(whole), _) => Cell::unsigned(whole),
            (_, _, Ok(value)) => Cell::Number(value),
            _ => Cell::Other("a number beyond all bounds"),
        },
    }
}
