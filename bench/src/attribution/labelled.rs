//! Labelled records as the measurements compute with them.

use eyre::{Result, ensure};
use ndarray::{Array2, Axis};
use tributary_attribution::{Column, Labels, Records};
use tributary_dataset::{Record, Schema};
use tributary_factory::model::FEATURES;

/// Features `[n, width]` with one class a row, finite.
#[derive(Clone, Debug)]
pub(crate) struct LabelledRecords {
    features: Array2<f64>,
    labels: Vec<usize>,
}

impl LabelledRecords {
    pub(crate) fn new(features: Array2<f64>, labels: Vec<usize>) -> Result<Self> {
        ensure!(features.nrows() == labels.len(), "{} records, {} labels", features.nrows(), labels.len());
        ensure!(features.iter().all(|value| value.is_finite()), "a record holds a number that is not finite");
        Ok(Self { features, labels })
    }

    /// Records of a dataset, features as they are contributed.
    pub(crate) fn of(schema: &Schema, records: &[Record]) -> Result<Self> {
        let features: Vec<f64> = records.iter().flat_map(|record| schema.numbers(record)).collect();
        let labels = records.iter().filter_map(|record| schema.class(record)).collect();
        Self::new(Array2::from_shape_vec((records.len(), schema.features.fields()), features)?, labels)
    }

    /// As the engine reads them.
    pub(crate) fn to_records(&self) -> Result<Records> {
        let features = self.features.mapv(|value| value as f32).into_dyn();
        Ok(Records::new(vec![(FEATURES.to_owned(), Column::F32(features))], Labels::Classes(self.labels.clone()))?)
    }

    pub(crate) fn features(&self) -> &Array2<f64> {
        &self.features
    }

    pub(crate) fn labels(&self) -> &[usize] {
        &self.labels
    }

    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The records at these places, in this order.
    pub(crate) fn select(&self, places: &[usize]) -> Self {
        Self {
            features: self.features.select(Axis(0), places),
            labels: places.iter().map(|place| self.labels[*place]).collect(),
        }
    }
}
