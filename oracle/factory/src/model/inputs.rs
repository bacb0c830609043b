use std::collections::BTreeMap;

use tributary_attribution::graph::{Attribute, Builder, Element, Shape, Signature};

use super::{FEATURES, InputScaling};
use crate::FactoryError;

/// How a record's numbers become what the first layer takes: each scaled, and a category, which comes as its place in a list,
/// as one number for each name in the list, 1 for its own and 0 for the others. It is part of the model and of its graph, so
/// that a record is served as it was contributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// One for all numbers, or one for each.
    scaling: Vec<InputScaling>,
    /// How many names a category has, by its column.
    categories: BTreeMap<usize, usize>,
}

impl From<InputScaling> for Inputs {
    fn from(scaling: InputScaling) -> Self {
        Self { scaling: vec![scaling], categories: BTreeMap::new() }
    }
}

impl Inputs {
    /// Each column with a scaling of its own; those in `categories`, which are not scaled, with how many names they have.
    #[must_use]
    pub fn columns(scaling: Vec<InputScaling>, categories: BTreeMap<usize, usize>) -> Self {
        Self { scaling, categories }
    }

    /// Numbers that the first layer takes, of records of `width`.
    pub(super) fn width(&self, width: usize) -> usize {
        width.saturating_sub(self.categories.len()) + self.categories.values().sum::<usize>()
    }

    /// Begins a graph with [`FEATURES`], `[batch, width]`; the value that the first layer takes.
    pub(super) fn append(&self, builder: &mut Builder, width: usize) -> Result<String, FactoryError> {
        let refused = |found: usize| FactoryError::Recipe {
            what: "scaling",
            found: format!("{found} columns of {width}"),
            instead: "give one for all columns, or one for each",
        };
        if ![1, width].contains(&self.scaling.len()) || self.categories.keys().any(|column| *column >= width) {
            return Err(refused(self.scaling.len()));
        }
        let features = Signature { name: FEATURES.to_owned(), element: Element::F32, shape: Shape::batched(&[width]) };
        let features = builder.input(features)?;
        let mut numbers = |part: fn(&InputScaling) -> f64, otherwise: f64| match self.scaling.as_slice() {
            [one] if self.categories.is_empty() => Ok(builder.scalar(part(one) as f32)),
            scaling => {
                let of = |column: usize| match (self.categories.contains_key(&column), scaling) {
                    (true, _) => otherwise,
                    (false, [one]) => part(one),
                    (false, each) => each.get(column).map_or(otherwise, part),
                };
                let values = (0..width).map(|column| of(column) as f32).collect();
                builder.floats("scaling", &[width], values).ok_or_else(|| refused(scaling.len()))
            }
        };
        let (shift, scale) = (numbers(|scaling| scaling.shift, 0.0)?, numbers(|scaling| scaling.scale, 1.0)?);
        let centred = builder.node("Sub", "centred", &[&features, &shift], Vec::new())?;
        let scaled = builder.node("Mul", "scaled", &[&centred, &scale], Vec::new())?;
        if self.categories.is_empty() {
            return Ok(scaled);
        }
        let mut parts = Vec::new();
        let numbers: Vec<i64> =
            (0..width).filter(|column| !self.categories.contains_key(column)).map(|column| column as i64).collect();
        if !numbers.is_empty() {
            let numbers = builder.integers(&numbers);
            parts.push(builder.node("Gather", "numbers", &[&scaled, &numbers], axis(1))?);
        }
        for (column, names) in &self.categories {
            let column = builder.integers(&[*column as i64]);
            let place = builder.node("Gather", "category", &[&scaled, &column], axis(1))?;
            let names: Vec<f32> = (0..*names).map(|place| place as f32).collect();
            let places = builder.floats("places", &[names.len()], names).ok_or_else(|| refused(0))?;
            let own = builder.node("Equal", "category", &[&place, &places], Vec::new())?;
            parts.push(builder.node("Cast", "category", &[&own], vec![("to", Attribute::Int(FLOAT))])?);
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Ok(builder.node("Concat", "columns", &parts, axis(1))?)
    }
}

/// ONNX's number for `f32`.
const FLOAT: i64 = 1;

fn axis(axis: i64) -> Vec<(&'static str, Attribute)> {
    vec![("axis", Attribute::Int(axis))]
}
