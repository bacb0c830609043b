//! What a record of a dataset looks like.
//!
//! A schema is written by a steward as TOML:
//!
//! ```toml
//! task = "classification"
//!
//! [features]
//! kind = "image"
//! channels = 1
//! height = 8
//! width = 8
//! largest = 16
//!
//! [label]
//! kind = "class"
//! names = ["0", "1", "2"]
//! ```
//!
//! A table's features are columns, each a `number`, a `whole` number or a `category`:
//!
//! ```toml
//! [features]
//! kind = "table"
//! columns = [
//!   { name = "age", kind = "whole", least = 0, most = 130 },
//!   { name = "dose", kind = "number", least = 0.0 },
//!   { name = "ward", kind = "category", names = ["north", "south"] },
//! ]
//! ```
//!
//! Other features are `{ kind = "text", longest = 4000 }` (bytes of UTF-8) and
//! `{ kind = "tokens", vocabulary = 32000, longest = 512 }`; other labels `{ kind = "number", least = …, most = … }` and
//! `{ kind = "none" }`.

mod features;
mod label;

use serde::{Deserialize, Serialize};

pub use features::{Column, ColumnKind, Features};
pub use label::{Label, LabelValue};

use crate::{
    DatasetError, Record,
    field::{Fault, Field, FieldFault},
};

/// What a model of the records is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Say which class; the label is one.
    Classification,
    /// Say a number; the label is one.
    Regression,
    /// Go on with what was begun; there is no label.
    Continuation,
}

/// What a record of a dataset looks like: what is known, what is to be said, and what for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// What a model of the records is for.
    pub task: Task,
    /// What is known of each record.
    pub features: Features,
    /// What is to be said of it.
    pub label: Label,
}

impl Schema {
    /// The handwritten digits under `demo/`: 8 × 8 images of 17 grey levels, ten classes.
    pub fn digits() -> Self {
        Self {
            task: Task::Classification,
            features: Features::Image { channels: 1, height: 8, width: 8, largest: 16 },
            label: Label::Class { names: (0..10).map(|digit: u8| digit.to_string()).collect() },
        }
    }

    /// Records of so many numbers in so many classes, both without names of their own: for whoever has only a model.
    pub fn of_numbers(width: usize, classes: usize) -> Self {
        let column =
            |place| Column { name: format!("value{place}"), kind: ColumnKind::Number { least: None, most: None } };
        Self {
            task: Task::Classification,
            features: Features::Table { columns: (0..width).map(column).collect() },
            label: Label::Class { names: (0..classes).map(|class| class.to_string()).collect() },
        }
    }

    /// Reads a schema as a steward writes it.
    ///
    /// # Errors
    /// [`DatasetError::Schema`]: it does not read, or contradicts itself.
    pub fn from_toml(text: &str) -> Result<Self, DatasetError> {
        let schema: Self = toml::from_str(text).map_err(|error| DatasetError::Schema(error.to_string()))?;
        schema.checked()
    }

    /// The schema, if it makes sense.
    ///
    /// # Errors
    /// [`DatasetError::Schema`].
    pub fn checked(self) -> Result<Self, DatasetError> {
        self.features.check().map_err(DatasetError::Schema)?;
        self.label.check().map_err(DatasetError::Schema)?;
        let (needs, fits) = match self.task {
            Task::Classification => ("class", matches!(self.label, Label::Class { .. })),
            Task::Regression => ("number", matches!(self.label, Label::Number { .. })),
            Task::Continuation => ("none", self.label == Label::None),
        };
        let is_sequence = matches!(self.features, Features::Text { .. } | Features::Tokens { .. });
        if !fits {
            return Err(DatasetError::Schema(format!("this task needs a label of kind `{needs}`")));
        }
        if self.task == Task::Continuation && !is_sequence {
            return Err(DatasetError::Schema("only text and tokens can be continued: choose another task".to_owned()));
        }
        if self.columns().iter().filter(|name| *name == label::NAME).count() > usize::from(self.label != Label::None) {
            return Err(DatasetError::Schema("a column is called `label` as the label is: rename it".to_owned()));
        }
        Ok(self)
    }

    /// The names of a record's fields, in order: the features', then `label` if there is one.
    pub fn columns(&self) -> Vec<String> {
        let mut names = self.features.columns();
        if self.label != Label::None {
            names.push(label::NAME.to_owned());
        }
        names
    }

    /// How many classes there are; none where the label is no class.
    pub fn classes(&self) -> Option<usize> {
        match &self.label {
            Label::Class { names } => Some(names.len()),
            _ => None,
        }
    }

    /// A record of these fields, in the order of [`Schema::columns`].
    ///
    /// # Errors
    /// The first field that is not as the schema says.
    pub fn record(&self, fields: &[Field<'_>]) -> Result<Record, FieldFault> {
        let features = self.features.fields();
        let wanted = features + usize::from(self.label != Label::None);
        if fields.len() != wanted {
            return Err(FieldFault { field: None, fault: Fault::Count { found: fields.len(), wanted } });
        }
        let (known, said) = fields.split_at(features);
        let mut bytes = Vec::with_capacity(self.features.usual_size() + 8);
        self.features.encode(known, &mut bytes).map_err(|(place, fault)| self.at(place, fault))?;
        if let Some(said) = said.first() {
            self.label.encode(said, &mut bytes).map_err(|fault| self.at(features, fault))?;
        }
        Ok(Record::of_checked(bytes))
    }

    /// A record of canonical bytes that came from elsewhere.
    ///
    /// # Errors
    /// The first field that is not as the schema says.
    pub fn check(&self, bytes: &[u8]) -> Result<Record, FieldFault> {
        let mut rest = bytes;
        self.features.check_bytes(&mut rest).map_err(|(place, fault)| self.at(place, fault))?;
        self.label.check_bytes(&mut rest).map_err(|fault| self.at(self.features.fields(), fault))?;
        if !rest.is_empty() {
            return Err(FieldFault { field: None, fault: Fault::Bytes });
        }
        Ok(Record::of_checked(bytes.to_vec()))
    }

    /// What a record's label says; nothing where there is none.
    pub fn label(&self, record: &Record) -> Option<LabelValue> {
        self.label.decode(record.bytes())
    }

    /// The class of a record by its place in the schema's list; nothing where the label is no class.
    pub fn class(&self, record: &Record) -> Option<usize> {
        match self.label(record) {
            Some(LabelValue::Class(class)) => Some(class as usize),
            _ => None,
        }
    }

    /// A record's fields as a file would spell them, in the order of [`Schema::columns`].
    pub fn spell(&self, record: &Record) -> Vec<String> {
        let mut fields = match self.text(record) {
            Some(text) => vec![text.to_owned()],
            None => self.features.spell(record.bytes()),
        };
        fields.extend(match (self.label(record), &self.label) {
            (Some(LabelValue::Class(class)), Label::Class { names }) => names.get(class as usize).cloned(),
            (Some(LabelValue::Number(value)), _) => Some(value.to_string()),
            _ => None,
        });
        fields
    }

    /// The features of a table or an image as numbers, one a field; a category is its place in the schema's list. Text has
    /// none, and of tokens they are the tokens.
    pub fn numbers(&self, record: &Record) -> Vec<f64> {
        self.features.numbers(record.bytes())
    }

    /// What a record of text says; nothing of other features.
    pub fn text<'r>(&self, record: &'r Record) -> Option<&'r str> {
        match self.features {
            Features::Text { .. } => std::str::from_utf8(features::counted(record.bytes())?).ok(),
            _ => None,
        }
    }

    /// The features' canonical bytes, without the label's.
    pub(crate) fn feature_bytes<'r>(&self, record: &'r Record) -> &'r [u8] {
        let bytes = record.bytes();
        &bytes[..bytes.len().saturating_sub(self.label.size())]
    }

    fn at(&self, place: usize, fault: Fault) -> FieldFault {
        FieldFault { field: self.columns().into_iter().nth(place), fault }
    }
}

#[cfg(test)]
mod tests;
