use std::fmt;

use super::{Element, Size, Tensor};

/// One dimension of a value. The batch is the only size that is not known before a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A size.
    Fixed(usize),
    /// This many times the batch: `Batch(1)` is one row a record, `Batch(7)` seven rows a record (`[batch, 7, …]` after
    /// its first two dimensions were merged), records in order.
    Batch(usize),
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Batch(1) => f.write_str("batch"),
            Self::Batch(times) => write!(f, "{times}·batch"),
        }
    }
}

/// A value's dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shape(pub Vec<Dim>);

impl Shape {
    /// Dimensions that are all known.
    pub fn fixed(dims: &[usize]) -> Self {
        Self(dims.iter().map(|dim| Dim::Fixed(*dim)).collect())
    }

    /// `[batch, dims…]`.
    pub fn batched(dims: &[usize]) -> Self {
        Self(std::iter::once(Dim::Batch(1)).chain(dims.iter().map(|dim| Dim::Fixed(*dim))).collect())
    }

    /// How many dimensions there are.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Where the batch is, if it is anywhere.
    pub fn batch_axis(&self) -> Option<usize> {
        self.0.iter().position(|dim| matches!(dim, Dim::Batch(_)))
    }

    /// All sizes, if none depends on the batch.
    pub fn to_fixed(&self) -> Option<Vec<usize>> {
        self.0.iter().map(|dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None }).collect()
    }

    /// As `Reshape` takes it: the batch, of which there is at most one, becomes −1.
    pub fn to_reshape(&self) -> Vec<i64> {
        self.0.iter().map(|dim| if let Dim::Fixed(size) = dim { *size as i64 } else { -1 }).collect()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(Dim::to_string).collect();
        write!(f, "[{}]", dims.join(", "))
    }
}

/// What is known of a value before the model runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What its numbers are.
    pub element: Element,
    /// Its dimensions.
    pub shape: Shape,
    /// Its numbers, where they follow from constants alone.
    pub value: Option<Tensor>,
    /// Its integers row-major, where they follow from constants and the size of the batch.
    pub sizes: Option<Vec<Size>>,
    /// How many times the batch is gone through along its dimension: 1 where the rows of `Batch(m)` stand record by record
    /// (`[batch, m]` merged), 7 where `[7, batch]` was merged. Only in the first case are a record's rows neighbours.
    pub rounds: usize,
}

impl Known {
    /// A value of which type and dimensions are known.
    pub fn of(element: Element, shape: Shape) -> Self {
        Self { element, shape, value: None, sizes: None, rounds: 1 }
    }

    /// A constant.
    pub fn constant(tensor: &Tensor) -> Self {
        Self { value: Some(tensor.clone()), ..Self::of(tensor.element(), Shape::fixed(tensor.dims())) }
    }
}
