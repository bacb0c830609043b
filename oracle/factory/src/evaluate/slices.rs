//! How a model does on parts of the records: a mean hides whom it fails.

use serde::{Deserialize, Serialize};
use tributary_dataset::{
    LabelValue, Record, Schema,
    schema::{Column, ColumnKind, Features, Label},
};

use super::{answers::Answers, digits::rounded, interval::Estimate, metric::Metric};

/// Columns of a table that slices are made of; those behind them are left out.
pub const MOST_COLUMNS: usize = 12;
/// Of fewer records nothing is said.
pub const LEAST_RECORDS: usize = 10;

/// Some of the records, by what they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// What that is.
    pub name: String,
    /// Places of the records, ascending.
    pub places: Vec<usize>,
}

/// How a model does on a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SliceResult {
    /// What the records have in common.
    pub name: String,
    /// How many there are.
    pub records: u32,
    /// What was measured.
    pub metric: Metric,
    /// What was found; nothing below [`LEAST_RECORDS`] records.
    pub found: Option<Estimate>,
}

/// The slices of some records: each class, or each third of a label that is a number; of the first [`MOST_COLUMNS`]
/// columns of a table each name of a category and each third of a number. Thirds that values in common leave empty, thirds
/// of too few records, and numbers that do not vary, make no slice; names round to six digits.
pub fn slices(schema: &Schema, records: &[Record]) -> Vec<Slice> {
    let labels: Vec<Option<LabelValue>> = records.iter().map(|record| schema.label(record)).collect();
    let mut slices = match &schema.label {
        Label::Class { names } => {
            let is = |name: usize| {
                move |label: &Option<LabelValue>| *label == u32::try_from(name).ok().map(LabelValue::Class)
            };
            names.iter().enumerate().map(|(place, name)| of(format!("class: {name}"), &labels, is(place))).collect()
        }
        Label::Number { .. } => {
            let number = |label: &Option<LabelValue>| match label {
                Some(LabelValue::Number(value)) => Some(*value),
                _ => None,
            };
            large_thirds("label", &labels.iter().filter_map(number).collect::<Vec<f64>>())
        }
        Label::None => Vec::new(),
    };
    if let Features::Table { columns } = &schema.features {
        let numbers: Vec<Vec<f64>> = records.iter().map(|record| schema.numbers(record)).collect();
        for (place, column) in columns.iter().take(MOST_COLUMNS).enumerate() {
            let values: Vec<f64> = numbers.iter().filter_map(|row| row.get(place).copied()).collect();
            slices.extend(of_column(column, &values));
        }
    }
    slices
}

/// A model on each slice, by accuracy or mean absolute error.
pub fn on_slices(answers: &Answers, slices: &[Slice]) -> Vec<SliceResult> {
    let metric = Metric::first(answers);
    let of = |slice: &Slice| {
        let part = answers.select(&slice.places);
        let found = if part.len() < LEAST_RECORDS { None } else { metric.estimate(&part) };
        SliceResult { name: slice.name.clone(), records: part.len() as u32, metric, found }
    };
    slices.iter().map(of).collect()
}

fn of_column(column: &Column, values: &[f64]) -> Vec<Slice> {
    match &column.kind {
        ColumnKind::Category { names } => {
            let is = |place: usize| move |value: &f64| *value == place as f64;
            let name = |name: &String| format!("{}: {name}", column.name);
            names.iter().enumerate().map(|(place, category)| of(name(category), values, is(place))).collect()
        }
        ColumnKind::Number { .. } | ColumnKind::Whole { .. } => large_thirds(&column.name, values),
    }
}

/// Lower, middle and upper third by value; equal values are in the same.
fn thirds(name: &str, values: &[f64]) -> Vec<Slice> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // Where more than a third has the largest value, the others are still a part.
    let Some(below) = sorted.iter().rfind(|value| Some(*value) < sorted.last()) else { return Vec::new() };
    let cut = |third: usize| (third * sorted.len()).div_ceil(3).checked_sub(1).and_then(|place| sorted.get(place));
    let [first, second] = [1, 2].map(|third| cut(third).copied().unwrap_or(*below).min(*below));
    let [low, high] = [first, second].map(rounded);
    let slices = [
        of(format!("{name}: at most {low}"), values, |value| *value <= first),
        of(format!("{name}: above {low}, at most {high}"), values, |value| *value > first && *value <= second),
        of(format!("{name}: above {high}"), values, |value| *value > second),
    ];
    slices.into_iter().filter(|slice| !slice.places.is_empty()).collect()
}

/// Thirds of which something can be said; the names of smaller ones would tell single records' values.
fn large_thirds(name: &str, values: &[f64]) -> Vec<Slice> {
    let slices = thirds(name, values);
    if slices.iter().all(|slice| slice.places.len() >= LEAST_RECORDS) { slices } else { Vec::new() }
}

fn of<T>(name: String, values: &[T], is_in: impl Fn(&T) -> bool) -> Slice {
    let places = values.iter().enumerate().filter(|(_, value)| is_in(value)).map(|(place, _)| place).collect();
    Slice { name, places }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::testing::answered;
    use proptest::prelude::*;
    use tributary_dataset::field::Field;

    fn table() -> Schema {
        Schema::from_toml(
            r#"
            task = "classification"
            [features]
            kind = "table"
            columns = [
              { name = "age", kind = "whole" },
              { name = "ward", kind = "category", names = ["north", "south"] },
              { name = "constant", kind = "number" },
            ]
            [label]
            kind = "class"
            names = ["well", "ill"]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn classes_categories_and_thirds_are_slices() {
        let schema = table();
        let record = |age: i64, ward: &'static str, label: &'static str| {
            schema.record(&[Field::Whole(age), Field::Text(ward), Field::Number(1.0), Field::Text(label)]).unwrap()
        };
        // Nine ages, each four times over.
        let records: Vec<Record> =
            (0..36).map(|place| record(place % 9, "south", if place % 9 < 4 { "well" } else { "ill" })).collect();
        let found = slices(&schema, &records);
        let names: Vec<&str> = found.iter().map(|slice| slice.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "class: well",
                "class: ill",
                "age: at most 2",
                "age: above 2, at most 5",
                "age: above 5",
                "ward: north",
                "ward: south",
            ]
        );
        assert_eq!(found[0].places[..5], [0, 1, 2, 3, 9]);
        assert_eq!(found[3].places[..4], [3, 4, 5, 12]);
        assert!(found[5].places.is_empty(), "that nobody was in the north is worth knowing");
        let few = slices(&schema, &records[..27]);
        assert!(few.iter().all(|slice| !slice.name.starts_with("age")), "nine a third would tell single ages");
        assert_eq!(slices(&Schema::digits(), &[]).len(), 10);
    }

    #[test]
    fn few_records_say_nothing() {
        let answers = Answers::Classes { classes: 2, records: answered(&[(0, 0); 12]) };
        let slice = |count: usize| Slice { name: "some".to_owned(), places: (0..count).collect() };
        let found = on_slices(&answers, &[slice(9), slice(10), slice(99)]);
        assert_eq!((found[0].records, found[0].found), (9, None));
        assert_eq!(found[1].found.unwrap().value, 1.0);
        assert_eq!(found[2].records, 12);
    }

    proptest! {
        #[test]
        fn thirds_hold_every_record_once(values in prop::collection::vec(-3i32..3, 0..40)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let found = thirds("x", &values);
            let mut places: Vec<usize> = found.iter().flat_map(|slice| slice.places.clone()).collect();
            places.sort_unstable();
            prop_assert!(found.is_empty() || places == (0..values.len()).collect::<Vec<_>>());
            let varies = values.iter().any(|value| *value != values[0]);
            prop_assert_eq!(!found.is_empty(), varies);
        }
    }
}
