//! Records as the mathematics sees them.

use ndarray::Array2;

use crate::AttributionError;

/// Features `[n, width]` with one class label a row. Rows are whole and finite by construction.
#[derive(Clone, Debug)]
pub struct LabelledRecords {
    features: Array2<f64>,
    labels: Vec<usize>,
}

impl LabelledRecords {
    /// Takes features `[n, width]` as they are served (before any scaling) and their labels.
    ///
    /// # Errors
    /// [`AttributionError::LabelCount`], [`AttributionError::NotFinite`].
    pub fn new(features: Array2<f64>, labels: Vec<usize>) -> Result<Self, AttributionError> {
        if features.nrows() != labels.len() {
            return Err(AttributionError::LabelCount { features: features.nrows(), labels: labels.len() });
        }
        if features.iter().any(|value| !value.is_finite()) {
            return Err(AttributionError::NotFinite("a record"));
        }
        Ok(Self { features, labels })
    }

    /// Features, `[n, width]`.
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// Labels, `[n]`.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The records at these places, in this order. Places beyond the end are left out.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        let places: Vec<usize> = places.iter().copied().filter(|place| *place < self.len()).collect();
        Self {
            features: self.features.select(ndarray::Axis(0), &places),
            labels: places.iter().map(|place| self.labels[*place]).collect(),
        }
    }
}
