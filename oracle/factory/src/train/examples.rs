//! What training and evaluation run over.

use ndarray::{Array1, ArrayD, Axis, Slice};
use tributary_attribution::LabelledRecords;
use tributary_runtime::Tensor;

use crate::{FactoryError, model::FEATURES};

/// Name of a training graph's labels, `[batch]`.
pub const LABEL: &str = "label";

/// Records as a graph's named inputs, each `[n, …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    inputs: Vec<(String, Column)>,
    count: usize,
}

/// One input of all records.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Features, values to predict.
    F32(ArrayD<f32>),
    /// Labels, token numbers.
    I64(ArrayD<i64>),
}

impl Column {
    fn count(&self) -> Option<usize> {
        match self {
            Self::F32(numbers) => numbers.shape().first().copied(),
            Self::I64(numbers) => numbers.shape().first().copied(),
        }
    }
}

impl Examples {
    /// Pairs input names with their records; every input needs as many.
    ///
    /// # Errors
    /// [`FactoryError::Uneven`].
    pub fn new(inputs: Vec<(String, Column)>) -> Result<Self, FactoryError> {
        let count = inputs.first().and_then(|(_, column)| column.count()).unwrap_or(0);
        match inputs.iter().find(|(_, column)| column.count() != Some(count)) {
            None => Ok(Self { inputs, count }),
            Some((name, column)) => {
                Err(FactoryError::Uneven { input: name.clone(), found: column.count().unwrap_or(0), expected: count })
            }
        }
    }

    /// Labelled records as [`FEATURES`] and [`LABEL`].
    ///
    /// # Errors
    /// As [`Examples::new`].
    pub fn labelled(records: &LabelledRecords) -> Result<Self, FactoryError> {
        let features = records.features().mapv(|value| value as f32).into_dyn();
        let labels: Array1<i64> = records.labels().iter().map(|label| *label as i64).collect();
        Self::new(vec![
            (FEATURES.to_owned(), Column::F32(features)),
            (LABEL.to_owned(), Column::I64(labels.into_dyn())),
        ])
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records at these places, in this order. Places beyond the end are left out.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        let places: Vec<usize> = places.iter().copied().filter(|place| *place < self.count).collect();
        let chosen = |column: &Column| match column {
            Column::F32(numbers) => Column::F32(numbers.select(Axis(0), &places)),
            Column::I64(numbers) => Column::I64(numbers.select(Axis(0), &places)),
        };
        let inputs = self.inputs.iter().map(|(name, column)| (name.clone(), chosen(column))).collect();
        Self { inputs, count: places.len() }
    }

    /// The inputs of `from..to` for which `wanted` says so, read where they lie.
    pub(super) fn tensors(
        &self,
        from: usize,
        to: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&str, Tensor<'_>)> {
        let rows = Slice::from(from.min(self.count)..to.min(self.count));
        self.inputs.iter().filter(move |(name, _)| wanted(name)).map(move |(name, column)| {
            let tensor = match column {
                Column::F32(numbers) => Tensor::from(numbers.slice_axis(Axis(0), rows)),
                Column::I64(numbers) => Tensor::from(numbers.slice_axis(Axis(0), rows)),
            };
            (name.as_str(), tensor)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn inputs_have_equally_many_records() {
        let column = |count| Column::F32(ArrayD::zeros(vec![count, 2]));
        let inputs = |a, b| vec![("a".to_owned(), column(a)), ("b".to_owned(), column(b))];
        assert_eq!(Examples::new(inputs(3, 3)).unwrap().len(), 3);
        let refused = Examples::new(inputs(3, 4));
        assert!(matches!(refused, Err(FactoryError::Uneven { input, found: 4, expected: 3 }) if input == "b"));
        let scalar = vec![("a".to_owned(), Column::F32(ArrayD::zeros(vec![])))];
        assert!(matches!(Examples::new(scalar), Err(FactoryError::Uneven { .. })));
    }

    #[test]
    fn selection_keeps_records_whole() {
        let records = LabelledRecords::new(array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], vec![7, 8, 9]).unwrap();
        let all = Examples::labelled(&records).unwrap();
        let some = all.select(&[2, 0, 5]);
        assert_eq!(some, Examples::labelled(&records.select(&[2, 0])).unwrap());
        let tensors: Vec<_> = some.tensors(1, 9, |name| name == LABEL).collect();
        assert_eq!(tensors, [(LABEL, Tensor::from(array![7i64]))]);
    }
}
