//! The outputs of one request.

use std::{collections::BTreeMap, sync::Arc};

/// Every output of the model for a request's records: name → numbers, `[records, width]` row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    records: usize,
    by_name: BTreeMap<Arc<str>, Vec<f32>>,
}

impl Outputs {
    pub(crate) fn new(records: usize) -> Self {
        Self { records, by_name: BTreeMap::new() }
    }

    /// Records answered: rows of every output.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// The output called `name`, `[records, width]`, or `None` if the model has none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.by_name.get(name).map(Vec::as_slice)
    }

    /// Removes and returns the output called `name`, `[records, width]`.
    pub fn take(&mut self, name: &str) -> Option<Vec<f32>> {
        self.by_name.remove(name)
    }

    /// All outputs in ascending order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.by_name.iter().map(|(name, rows)| (&**name, rows.as_slice()))
    }

    pub(crate) fn insert(&mut self, name: &Arc<str>, rows: Vec<f32>) {
        self.by_name.insert(Arc::clone(name), rows);
    }
}
