//! What a model takes and gives, for one record.

use ort::value::{Outlet, TensorElementType, ValueType};

use crate::RuntimeError;

/// Most numbers one record may have, so that a hostile file cannot ask for all memory at load (2²⁶ × 4 bytes).
const MAX_WIDTH: usize = 1 << 26;

/// An input or output tensor of a model, without its batch dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    name: String,
    shape: Vec<usize>,
    width: usize,
}

impl TensorInfo {
    /// The tensor's name in the ONNX graph.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Dimensions of one record: the tensor's shape without the batch. Empty for one number a record.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Numbers in one record: the product of [`shape`](Self::shape).
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Reads the model's only input: `f32`, `[batch, …]` with a dynamic batch and fixed other dimensions.
    pub(crate) fn of_input(inputs: &[Outlet]) -> Result<Self, RuntimeError> {
        let [input] = inputs else {
            let reason = format!("it has {} inputs; export it with one f32 input of shape [batch, …]", inputs.len());
            return Err(RuntimeError::UnservableModel { reason });
        };
        let dimensions = float_dimensions("input", input)?;
        let Some((-1, record)) = dimensions.split_first().map(|(batch, rest)| (*batch, rest)) else {
            let reason = format!(
                "input `{}` has shape {dimensions:?}; export it with a dynamic batch as its first dimension",
                input.name()
            );
            return Err(RuntimeError::UnservableModel { reason });
        };
        Self::new("input", input.name(), record)
    }

    /// Checks the declared type of an output; its shape is read from the warm-up pass by [`new`](Self::new).
    pub(crate) fn check_output(output: &Outlet) -> Result<(), RuntimeError> {
        float_dimensions("output", output).map(|_| ())
    }

    /// A tensor with the given dimensions of one record.
    pub(crate) fn new(role: &str, name: &str, record: &[i64]) -> Result<Self, RuntimeError> {
        let unservable = |problem: &str| RuntimeError::UnservableModel {
            reason: format!("{role} `{name}` has record shape {record:?}: {problem}"),
        };
        let mut shape = Vec::with_capacity(record.len());
        let mut width = 1_usize;
        for dimension in record {
            let dimension = usize::try_from(*dimension)
                .ok()
                .filter(|dimension| *dimension > 0)
                .ok_or_else(|| unservable("give every dimension but the batch a fixed size above 0"))?;
            width = width
                .checked_mul(dimension)
                .filter(|width| *width <= MAX_WIDTH)
                .ok_or_else(|| unservable("a record may hold 2^26 numbers at most"))?;
            shape.push(dimension);
        }
        Ok(Self { name: name.to_owned(), shape, width })
    }
}

fn float_dimensions<'o>(role: &str, outlet: &'o Outlet) -> Result<&'o [i64], RuntimeError> {
    match outlet.dtype() {
        ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => Ok(shape),
        other => Err(RuntimeError::UnservableModel {
            reason: format!("{role} `{}` is {other:?}; export it as an f32 tensor", outlet.name()),
        }),
    }
}
