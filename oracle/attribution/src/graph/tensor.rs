use std::{fmt, sync::Arc};

/// The type of a tensor's numbers. Reverse mode differentiates `F32` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
    /// 64-bit integers: labels, indices, shapes.
    I64,
    /// 32-bit integers.
    I32,
    /// Truth values.
    Bool,
}

impl Element {
    /// The number that stands for the type in `Cast` and in files (`TensorProto.DataType`).
    pub const fn code(self) -> i64 {
        match self {
            Self::F32 => 1,
            Self::I32 => 6,
            Self::I64 => 7,
            Self::Bool => 9,
            Self::F64 => 11,
        }
    }

    /// The type such a number stands for, if it is one of ours.
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::F32),
            6 => Some(Self::I32),
            7 => Some(Self::I64),
            9 => Some(Self::Bool),
            11 => Some(Self::F64),
            _ => None,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::Bool => "bool",
        })
    }
}

/// The numbers of a constant, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// Truth values.
    Bool(Vec<bool>),
}

/// A constant: a weight, an index list, a shape. Copies share their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    dims: Vec<usize>,
    data: Arc<Data>,
}

impl Tensor {
    /// Pairs dimensions with as many numbers; `None` if their count differs.
    pub fn new(dims: Vec<usize>, data: Data) -> Option<Self> {
        let tensor = Self { dims, data: Arc::new(data) };
        let count = tensor.dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))?;
        (count == tensor.len()).then_some(tensor)
    }

    /// One number without dimensions.
    pub fn scalar(value: f32) -> Self {
        Self { dims: Vec::new(), data: Arc::new(Data::F32(vec![value])) }
    }

    /// A list of integers, `[n]`.
    pub fn integers(values: &[i64]) -> Self {
        Self { dims: vec![values.len()], data: Arc::new(Data::I64(values.to_vec())) }
    }

    /// Its dimensions; none for a single number.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Its numbers.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// What its numbers are.
    pub fn element(&self) -> Element {
        match *self.data {
            Data::F32(_) => Element::F32,
            Data::F64(_) => Element::F64,
            Data::I64(_) => Element::I64,
            Data::I32(_) => Element::I32,
            Data::Bool(_) => Element::Bool,
        }
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        match &*self.data {
            Data::F32(values) => values.len(),
            Data::F64(values) => values.len(),
            Data::I64(values) => values.len(),
            Data::I32(values) => values.len(),
            Data::Bool(values) => values.len(),
        }
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of an `F32` tensor.
    pub fn floats(&self) -> Option<&[f32]> {
        match &*self.data {
            Data::F32(values) => Some(values),
            _ => None,
        }
    }

    /// The numbers of an integer tensor.
    pub fn to_integers(&self) -> Option<Vec<i64>> {
        match &*self.data {
            Data::I64(values) => Some(values.clone()),
            Data::I32(values) => Some(values.iter().map(|value| i64::from(*value)).collect()),
            _ => None,
        }
    }
}
