//! What is given to a session.

use ndarray::{Array, ArrayView, CowArray, Dimension, IxDyn};

/// Numbers for one input of a [`Session`](crate::Session), owned or borrowed.
#[derive(Clone, Debug, PartialEq)]
pub enum Tensor<'a> {
    /// 32-bit floating point: records, parameters, targets.
    F32(CowArray<'a, f32, IxDyn>),
    /// 64-bit integers: labels, token numbers.
    I64(CowArray<'a, i64, IxDyn>),
}

impl Tensor<'_> {
    /// Its dimensions; none for a single number.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        match self {
            Self::F32(numbers) => numbers.shape(),
            Self::I64(numbers) => numbers.shape(),
        }
    }

    /// As errors name its type: `f32` or `i64`.
    #[must_use]
    pub const fn element(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::I64(_) => "i64",
        }
    }
}

macro_rules! from_arrays {
    ($number:ty, $variant:ident) => {
        impl<D: Dimension> From<Array<$number, D>> for Tensor<'_> {
            fn from(array: Array<$number, D>) -> Self {
                Self::$variant(array.into_dyn().into())
            }
        }

        impl<'a, D: Dimension> From<ArrayView<'a, $number, D>> for Tensor<'a> {
            fn from(view: ArrayView<'a, $number, D>) -> Self {
                Self::$variant(view.into_dyn().into())
            }
        }

        impl<'a, D: Dimension> From<&'a Array<$number, D>> for Tensor<'a> {
            fn from(array: &'a Array<$number, D>) -> Self {
                array.view().into()
            }
        }
    };
}

from_arrays!(f32, F32);
from_arrays!(i64, I64);
