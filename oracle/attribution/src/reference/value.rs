use ndarray::{ArrayD, IxDyn, Zip};

use crate::graph::{Data, Tensor};

/// What a name stands for while a graph is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Real numbers, whatever their width in the graph.
    F64(ArrayD<f64>),
    /// Integers, whatever their width in the graph.
    I64(ArrayD<i64>),
    /// Truth values.
    Bool(ArrayD<bool>),
}

/// Does the same to an array of any element.
macro_rules! each {
    ($value:expr, $array:ident => $made:expr) => {
        match $value {
            $crate::reference::Value::F64($array) => $crate::reference::Value::F64($made),
            $crate::reference::Value::I64($array) => $crate::reference::Value::I64($made),
            $crate::reference::Value::Bool($array) => $crate::reference::Value::Bool($made),
        }
    };
}
pub(super) use each;

impl Value {
    /// Its dimensions.
    pub fn dims(&self) -> &[usize] {
        match self {
            Self::F64(array) => array.shape(),
            Self::I64(array) => array.shape(),
            Self::Bool(array) => array.shape(),
        }
    }

    /// The array, if its numbers are real.
    pub fn floats(&self) -> Option<&ArrayD<f64>> {
        if let Self::F64(array) = self { Some(array) } else { None }
    }

    /// The array, if its numbers are integers.
    pub fn integers(&self) -> Option<&ArrayD<i64>> {
        if let Self::I64(array) = self { Some(array) } else { None }
    }
}

impl From<&Tensor> for Value {
    fn from(tensor: &Tensor) -> Self {
        let dims = tensor.dims();
        match tensor.data() {
            Data::F32(values) => Self::F64(array(dims, values.iter().map(|value| f64::from(*value)))),
            Data::F64(values) => Self::F64(array(dims, values.iter().copied())),
            Data::I64(values) => Self::I64(array(dims, values.iter().copied())),
            Data::I32(values) => Self::I64(array(dims, values.iter().map(|value| i64::from(*value)))),
            Data::Bool(values) => Self::Bool(array(dims, values.iter().copied())),
        }
    }
}

/// A tensor holds as many numbers as its dimensions say, so that none is ever missing here.
fn array<T: Clone + Default>(dims: &[usize], mut values: impl Iterator<Item = T>) -> ArrayD<T> {
    ArrayD::from_shape_simple_fn(IxDyn(dims), || values.next().unwrap_or_default())
}

/// The shape two values are broadcast to.
pub(super) fn broadcast_dims(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], place: usize| {
        (place + dims.len()).checked_sub(rank).and_then(|place| dims.get(place)).copied().unwrap_or(1)
    };
    (0..rank)
        .map(|place| match (at(a, place), at(b, place)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(format!("{a:?} and {b:?} cannot be broadcast")),
        })
        .collect()
}

/// `f` of each pair of elements after broadcasting.
pub(super) fn zip<A: Clone, B: Clone, C: Clone>(
    a: &ArrayD<A>,
    b: &ArrayD<B>,
    f: impl Fn(A, B) -> C,
) -> Result<ArrayD<C>, String> {
    let dims = broadcast_dims(a.shape(), b.shape())?;
    let (a, b) = (expand(a, &dims)?, expand(b, &dims)?);
    Ok(Zip::from(&a).and(&b).map_collect(|x, y| f(x.clone(), y.clone())))
}

/// A value repeated to the dimensions it broadcasts to.
pub(super) fn expand<T: Clone>(array: &ArrayD<T>, dims: &[usize]) -> Result<ArrayD<T>, String> {
    let view = array.broadcast(IxDyn(dims));
    view.map(|view| view.to_owned()).ok_or_else(|| format!("{:?} does not broadcast to {dims:?}", array.shape()))
}

/// The same elements, row-major, under other dimensions.
pub(super) fn reshape<T: Clone>(array: &ArrayD<T>, dims: &[usize]) -> Result<ArrayD<T>, String> {
    array.to_shape(IxDyn(dims)).map(|array| array.to_owned()).map_err(|error| error.to_string())
}
