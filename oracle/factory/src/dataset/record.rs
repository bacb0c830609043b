//! One record and the schema it follows.

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tributary_attribution::{AttributionError, Column, Labels, Records};
use tributary_sdk::{B256, keccak256};

use crate::{
    FactoryError,
    model::{FEATURES, InputScaling},
};

/// One labelled record, features as whole numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The features, `[width]`.
    pub features: Vec<u8>,
    /// The class.
    pub label: u8,
}

impl Record {
    /// The record's canonical bytes: its features in order, one byte each, then its label.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.features.clone();
        bytes.push(self.label);
        bytes
    }

    /// keccak-256 of the canonical bytes. Equal records have equal hashes, whoever contributes them.
    pub fn hash(&self) -> B256 {
        keccak256(self.to_bytes())
    }
}

/// keccak-256 of the canonical bytes of many records, one after the other: how a held-out set is committed to.
pub fn records_hash(records: &[Record]) -> B256 {
    keccak256(records.iter().flat_map(Record::to_bytes).collect::<Vec<u8>>())
}

/// What a record of a dataset looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Features a record.
    pub width: usize,
    /// The largest feature; the smallest is 0.
    pub largest: u8,
    /// Labels are below this.
    pub classes: u8,
    /// Records whose features are at most this far apart count as one; 0 is for equal records only.
    pub radius: u16,
}

impl Schema {
    /// The handwritten digits under `demo/`: 8 × 8 images of 17 grey levels, ten classes. The nearest two of them are 5.3
    /// apart.
    pub const DIGITS: Self = Self { width: 64, largest: 16, classes: 10, radius: 5 };

    /// Checks one record; `line` is where it stands, from 1.
    ///
    /// # Errors
    /// [`FactoryError::WrongSize`], [`FactoryError::FeatureRange`], [`FactoryError::LabelRange`].
    pub fn check(&self, line: usize, record: &Record) -> Result<(), FactoryError> {
        if record.features.len() != self.width {
            let found = record.features.len() + 1;
            return Err(FactoryError::WrongSize { line, found, expected: self.width });
        }
        if let Some((field, found)) = record.features.iter().enumerate().find(|(_, value)| **value > self.largest) {
            let (field, found) = (field + 1, u64::from(*found));
            return Err(FactoryError::FeatureRange { line, field, found, largest: self.largest });
        }
        if record.label >= self.classes {
            let found = u64::from(record.label);
            return Err(FactoryError::LabelRange { line, found, classes: self.classes });
        }
        Ok(())
    }

    /// The scaling that a network of this schema starts with: features onto `[−1, 1]`.
    pub fn scaling(&self) -> InputScaling {
        InputScaling::centred(0.0, f64::from(self.largest.max(1)))
    }

    /// Records as models of this schema read them, features `[n, width]`.
    ///
    /// # Errors
    /// As [`Schema::check`].
    pub fn labelled<'r>(&self, records: impl IntoIterator<Item = &'r Record>) -> Result<Records, FactoryError> {
        let mut features = Vec::new();
        let mut labels = Vec::new();
        for (place, record) in records.into_iter().enumerate() {
            self.check(place + 1, record)?;
            features.extend(record.features.iter().map(|value| f32::from(*value)));
            labels.push(usize::from(record.label));
        }
        let features = ArrayD::from_shape_vec(vec![labels.len(), self.width], features)
            .map_err(|_| AttributionError::NotFinite("the schema's width"))?;
        Ok(Records::new(vec![(FEATURES.to_owned(), Column::F32(features))], Labels::Classes(labels))?)
    }
}
