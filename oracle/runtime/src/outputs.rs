//! One record's answer.

use std::{collections::BTreeMap, sync::Arc};

/// Every output of the model for one record: name → numbers, flattened in row-major order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outputs {
    by_name: BTreeMap<Arc<str>, Vec<f32>>,
}

impl Outputs {
    /// The output called `name`, `[width]`, or `None` if the model has none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.by_name.get(name).map(Vec::as_slice)
    }

    /// Removes and returns the output called `name`.
    pub fn take(&mut self, name: &str) -> Option<Vec<f32>> {
        self.by_name.remove(name)
    }

    /// All outputs in ascending order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.by_name.iter().map(|(name, row)| (&**name, row.as_slice()))
    }

    pub(crate) fn insert(&mut self, name: &Arc<str>, row: Vec<f32>) {
        self.by_name.insert(Arc::clone(name), row);
    }
}
