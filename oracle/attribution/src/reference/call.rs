use ndarray::ArrayD;

use super::Value;
use crate::graph::Node;

/// An operator with the values of its inputs.
pub(super) struct Call<'a> {
    pub(super) node: &'a Node,
    pub(super) inputs: Vec<Option<&'a Value>>,
}

/// What an operator makes, or what does not fit.
pub(super) type Made = Result<Vec<Value>, String>;

impl Call<'_> {
    /// An input that may be left out.
    pub(super) fn optional(&self, place: usize) -> Option<&Value> {
        self.inputs.get(place).copied().flatten()
    }

    pub(super) fn value(&self, place: usize) -> Result<&Value, String> {
        self.optional(place).ok_or_else(|| format!("input {place} is missing"))
    }

    pub(super) fn floats(&self, place: usize) -> Result<&ArrayD<f64>, String> {
        self.value(place)?.floats().ok_or_else(|| format!("input {place} is not real"))
    }

    pub(super) fn integers(&self, place: usize) -> Result<&ArrayD<i64>, String> {
        self.value(place)?.integers().ok_or_else(|| format!("input {place} is not of integers"))
    }

    /// Integers in an optional input.
    pub(super) fn list(&self, place: usize) -> Result<Option<Vec<i64>>, String> {
        self.optional(place).map(|_| Ok(self.integers(place)?.iter().copied().collect())).transpose()
    }

    /// An axis given as an attribute, counted from the front.
    pub(super) fn axis(&self, otherwise: i64, rank: usize) -> Result<usize, String> {
        axis(self.node.int("axis", otherwise), rank)
    }

    /// Axes from an optional input; `None` if it is left out or empty.
    pub(super) fn axes(&self, place: usize, rank: usize) -> Result<Option<Vec<usize>>, String> {
        let Some(axes) = self.list(place)?.filter(|axes| !axes.is_empty()) else { return Ok(None) };
        axes.into_iter().map(|each| axis(each, rank)).collect::<Result<Vec<_>, _>>().map(Some)
    }
}

/// An axis counted from the front.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let signed = rank as i64;
    let place = if axis < 0 { axis + signed } else { axis };
    usize::try_from(place).ok().filter(|place| *place < rank).ok_or_else(|| format!("no axis {axis} in rank {rank}"))
}
