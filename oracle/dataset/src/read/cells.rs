//! Rows whose fields have names and may be lists, as those of JSONL and Parquet.

use std::collections::HashMap;

use super::fault::RowFault;
use crate::{
    Record, Schema,
    field::{Fault, Field, FieldFault, whole},
    schema::{Features, Label},
};

/// What an image is called where it is one list.
const IMAGE: &str = "image";

/// What stands in a field.
pub(super) enum Cell {
    Missing,
    Text(String),
    Number(f64),
    Whole(i64),
    List(Vec<Cell>),
    /// What is not read, by its name.
    Other(&'static str),
}

impl Cell {
    /// Whole as long as nothing is lost.
    pub(super) fn unsigned(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Number(value as f64), Self::Whole)
    }
}

/// The fields of a row, each at its place.
pub(super) type Cells = Vec<Option<Cell>>;

/// Where the fields of a schema have their place in a row.
pub(super) struct Layout<'s> {
    schema: &'s Schema,
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// `[channels, height, width]`
    image: Option<[usize; 3]>,
}

impl<'s> Layout<'s> {
    pub(super) fn of(schema: &'s Schema) -> Self {
        let mut names = schema.columns();
        let image = match schema.features {
            Features::Image { channels, height, width, .. } => {
                names.push(IMAGE.to_owned());
                Some([channels, height, width].map(|size| size as usize))
            }
            _ => None,
        };
        let places = names.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        Self { schema, names, places, image }
    }

    /// Where a field has its place.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// What the field at a place is called.
    pub(super) fn name(&self, place: usize) -> String {
        self.names.get(place).cloned().unwrap_or_default()
    }

    /// A row with nothing in it.
    pub(super) fn empty(&self) -> Cells {
        self.names.iter().map(|_| None).collect()
    }

    /// The names of those fields that a row needs and has not: either an image or its values.
    pub(super) fn missing(&self, has: impl Fn(usize) -> bool) -> impl Iterator<Item = &String> {
        let values = self.schema.features.fields();
        let is_image = self.image.is_some() && (has(self.names.len() - 1) || !(0..values).any(&has));
        let needed = move |place: usize| match self.image {
            Some(_) if place == self.names.len() - 1 => is_image,
            Some(_) if place < values => !is_image,
            _ => true,
        };
        self.names.iter().enumerate().filter(move |(place, _)| needed(*place) && !has(*place)).map(|(_, name)| name)
    }

    pub(super) fn record(&self, cells: &Cells) -> Result<Record, RowFault> {
        let at = |place: usize| cells.get(place).and_then(Option::as_ref);
        if let Some(name) = self.missing(|place| at(place).is_some()).next() {
            return Err(FieldFault { field: Some(name.clone()), fault: Fault::Missing }.into());
        }
        for (place, cell) in cells.iter().enumerate() {
            let fault = match cell {
                Some(Cell::Missing) => FieldFault { field: Some(self.name(place)), fault: Fault::Missing }.into(),
                Some(Cell::Other(found)) => RowFault::Kind { field: self.name(place), found },
                _ => continue,
            };
            return Err(fault);
        }
        let image = self.image.and_then(|shape| Some((shape, at(self.names.len() - 1)?)));
        let values = self.schema.features.fields();
        let columns = values + usize::from(self.schema.label != Label::None);
        let mut tokens = Vec::new();
        let mut fields = Vec::with_capacity(columns);
        match (image, &self.schema.features, at(0)) {
            (Some((shape, list)), ..) => {
                if (0..values).any(|place| at(place).is_some()) {
                    return Err(RowFault::Twice { field: IMAGE.to_owned() });
                }
                flatten(list, shape, &mut fields).map_err(|()| shape_fault(shape))?;
                fields.extend(at(values).map(field));
            }
            (None, Features::Tokens { .. }, Some(Cell::List(list))) => {
                for token in list {
                    let token = whole(&field(token), None, None);
                    tokens.push(token.map_err(|fault| FieldFault { field: Some(self.name(0)), fault })?);
                }
                fields.push(Field::Tokens(&tokens));
                fields.extend((values..columns).filter_map(at).map(field));
            }
            _ => fields.extend((0..columns).filter_map(at).map(field)),
        }
        Ok(self.schema.record(&fields)?)
    }
}

fn field(cell: &Cell) -> Field<'_> {
    match cell {
        Cell::Text(text) => Field::Text(text),
        Cell::Number(value) => Field::Number(*value),
        Cell::Whole(value) => Field::Whole(*value),
        // No field is a list but those that are asked for before: it names itself as one in the fault that follows.
        Cell::List(_) => Field::Tokens(&[]),
        Cell::Missing | Cell::Other(_) => Field::Missing,
    }
}

/// The values of `[channels][height][width]`, of `[height][width]` if there is one channel, or of a flat list.
fn flatten<'c>(image: &'c Cell, shape: [usize; 3], into: &mut Vec<Field<'c>>) -> Result<(), ()> {
    fn depth(cell: &Cell) -> usize {
        match cell {
            Cell::List(list) => 1 + list.first().map_or(0, depth),
            _ => 0,
        }
    }
    fn push<'c>(cell: &'c Cell, shape: &[usize], into: &mut Vec<Field<'c>>) -> Result<(), ()> {
        match (cell, shape) {
            (Cell::List(list), [size, rest @ ..]) if list.len() == *size => {
                list.iter().try_for_each(|cell| push(cell, rest, into))
            }
            (Cell::Text(_) | Cell::Number(_) | Cell::Whole(_) | Cell::Missing, []) => {
                into.push(field(cell));
                Ok(())
            }
            _ => Err(()),
        }
    }
    let [channels, height, width] = shape;
    match depth(image) {
        1 => push(image, &[channels * height * width], into),
        2 if channels == 1 => push(image, &[height, width], into),
        3 => push(image, &shape, into),
        _ => Err(()),
    }
}

fn shape_fault([channels, height, width]: [usize; 3]) -> RowFault {
    let planes = if channels == 1 { format!("[{height}][{width}], ") } else { String::new() };
    let wanted = format!("[{channels}][{height}][{width}], {planes}or [{}]", channels * height * width);
    RowFault::Shape { wanted }
}
