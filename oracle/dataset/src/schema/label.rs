//! What is to be said of a record.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::features::take;
use crate::field::{Fault, Field, number, one_of};

/// What a file calls the label's column.
pub(super) const NAME: &str = "label";

/// What is to be said of each record. Canonical bytes follow the features': a class's place in 4 bytes, a number in 8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Label {
    /// One of some classes.
    Class {
        /// All there are.
        names: Vec<String>,
    },
    /// A finite number.
    Number {
        /// The least there may be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        least: Option<f64>,
        /// The most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<f64>,
    },
    /// Nothing.
    None,
}

/// What a record's label says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LabelValue {
    /// A class, by its place in the schema's list.
    Class(u32),
    /// A number.
    Number(f64),
}

impl Label {
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Class { names } if !distinct(names) => Err("classes need names, each its own".to_owned()),
            Self::Number { least: Some(least), most: Some(most) } if least > most => {
                Err("the label's `least` is above its `most`".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn encode(&self, field: &Field<'_>, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Class { names } => bytes.extend(one_of(field, names)?.to_le_bytes()),
            Self::Number { least, most } => bytes.extend(number(field, *least, *most)?.to_le_bytes()),
            Self::None => (),
        }
        Ok(())
    }

    pub(super) fn check_bytes(&self, rest: &mut &[u8]) -> Result<(), Fault> {
        match self {
            Self::Class { names } => {
                let place = take(rest, 4)?.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                if (place as usize) < names.len() { Ok(()) } else { Err(Fault::Bytes) }
            }
            Self::Number { least, most } => {
                let value = take(rest, 8)?.first_chunk().map_or(0.0, |bytes| f64::from_le_bytes(*bytes));
                let canonical = number(&Field::Number(value), *least, *most)?;
                if canonical.to_bits() == value.to_bits() { Ok(()) } else { Err(Fault::Bytes) }
            }
            Self::None => Ok(()),
        }
    }

    /// Bytes of a label.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Class { .. } => 4,
            Self::Number { .. } => 8,
            Self::None => 0,
        }
    }

    pub(super) fn decode(&self, bytes: &[u8]) -> Option<LabelValue> {
        match self {
            Self::Class { .. } => bytes.last_chunk().map(|bytes| LabelValue::Class(u32::from_le_bytes(*bytes))),
            Self::Number { .. } => bytes.last_chunk().map(|bytes| LabelValue::Number(f64::from_le_bytes(*bytes))),
            Self::None => None,
        }
    }
}

/// Whether there are names, each once, none empty or with blanks around it.
pub(super) fn distinct(names: &[String]) -> bool {
    let all: BTreeSet<&str> = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    !names.is_empty() && all.len() == names.len() && names.iter().all(|name| name.trim() == name)
}
