//! Types and dimensions that a file declares.

use super::{
    OnnxError,
    proto::{Dimension, TensorShapeProto, TensorType, TypeProto, ValueInfoProto},
    tensor::element,
};
use crate::graph::{Dim, Shape, Signature};

/// How the batch is called in files that are written here.
const BATCH: &str = "batch";
/// A file declares no larger size.
const SIZE_LIMIT: i64 = 1 << 40;

/// What a file says of one dimension.
enum Declared {
    Size(usize),
    Name(String),
    Nothing,
}

fn declared(dim: &Dimension) -> Option<Declared> {
    match (dim.dim_value, &dim.dim_param) {
        (Some(size @ 1..=SIZE_LIMIT), _) => Some(Declared::Size(size as usize)),
        (Some(-1) | None, None) => Some(Declared::Nothing),
        (None, Some(name)) if name.is_empty() => Some(Declared::Nothing),
        (None, Some(name)) => Some(Declared::Name(name.clone())),
        _ => None,
    }
}

fn tensor_type(value: &ValueInfoProto) -> Option<&TensorType> {
    value.r#type.as_ref()?.tensor_type.as_ref()
}

fn wrong(value: &str, reason: impl Into<String>) -> OnnxError {
    OnnxError::Signature { value: value.to_owned(), reason: reason.into() }
}

/// A graph's input, whose first dimension is the batch, and the name the file has for the batch.
pub(super) fn input(value: &ValueInfoProto) -> Result<(Signature, Option<String>), OnnxError> {
    let name = value.name.as_deref().unwrap_or_default();
    let Some(kind) = tensor_type(value) else {
        return Err(wrong(name, "an input must be a tensor: export the model with tensors as inputs"));
    };
    let element = element(name, kind.elem_type.unwrap_or_default())?;
    let Some((batch, others)) = kind.shape.as_ref().and_then(|shape| shape.dim.split_first()) else {
        return Err(wrong(name, "an input needs dimensions, the first of them the batch: export with a dynamic batch"));
    };
    let batch = match declared(batch) {
        Some(Declared::Name(name)) => Some(name),
        Some(Declared::Nothing) => None,
        Some(Declared::Size(size)) => {
            return Err(wrong(
                name,
                format!("its first dimension is {size} and not the batch: export with a dynamic batch"),
            ));
        }
        None => return Err(wrong(name, "its batch has no records: export with a dynamic batch")),
    };
    let mut dims = vec![Dim::Batch(1)];
    for (place, dim) in others.iter().enumerate() {
        match declared(dim) {
            Some(Declared::Size(size)) => dims.push(Dim::Fixed(size)),
            Some(_) => {
                let reason =
                    format!("dimension {} has no fixed size: export with fixed sizes for all but the batch", place + 1);
                return Err(wrong(name, reason));
            }
            None => return Err(wrong(name, format!("dimension {} cannot be so: export the model again", place + 1))),
        }
    }
    Ok((Signature { name: name.to_owned(), element, shape: Shape(dims) }, batch))
}

/// All dimensions of a value, if they have fixed sizes.
pub(super) fn fixed(value: &ValueInfoProto) -> Option<Vec<usize>> {
    let shape = tensor_type(value)?.shape.as_ref()?;
    shape.dim.iter().map(|dim| if let Declared::Size(size) = declared(dim)? { Some(size) } else { None }).collect()
}

/// What a file says of a value, if that says everything; `batches` are the names it has for the batch.
pub(super) fn value(value: &ValueInfoProto, batches: &[String]) -> Option<Signature> {
    let kind = tensor_type(value)?;
    let name = value.name.as_deref()?;
    let element = element(name, kind.elem_type?).ok()?;
    let dim = |dim: &Dimension| match declared(dim)? {
        Declared::Size(size) => Some(Dim::Fixed(size)),
        Declared::Name(name) => times_batch(&name, batches).map(Dim::Batch),
        Declared::Nothing => None,
    };
    let dims = kind.shape.as_ref()?.dim.iter().map(dim).collect::<Option<Vec<_>>>()?;
    let shape = Shape(dims);
    let batches = shape.0.iter().filter(|dim| matches!(dim, Dim::Batch(_))).count();
    (batches <= 1).then(|| Signature { name: name.to_owned(), element, shape })
}

/// The factor in names such as `batch`, `7*batch` and `batch*7`.
fn times_batch(name: &str, batches: &[String]) -> Option<usize> {
    let is_batch = |name: &str| batches.iter().any(|batch| batch == name);
    match name.split_once('*').map(|(one, other)| (one.trim(), other.trim())) {
        None => is_batch(name).then_some(1),
        Some((times, batch)) if is_batch(batch) => times.parse().ok(),
        Some((batch, times)) if is_batch(batch) => times.parse().ok(),
        Some(_) => None,
    }
    .filter(|times| (1..=SIZE_LIMIT as usize).contains(times))
}

/// As a file holds it.
pub(super) fn encode(signature: &Signature) -> ValueInfoProto {
    let dim = |dim: &Dim| match *dim {
        Dim::Fixed(size) => Dimension { dim_value: Some(size as i64), dim_param: None },
        Dim::Batch(1) => Dimension { dim_value: None, dim_param: Some(BATCH.to_owned()) },
        Dim::Batch(times) => Dimension { dim_value: None, dim_param: Some(format!("{times}*{BATCH}")) },
    };
    let shape = Some(TensorShapeProto { dim: signature.shape.0.iter().map(dim).collect() });
    let tensor_type = Some(TensorType { elem_type: Some(signature.element.code() as i32), shape });
    ValueInfoProto {
        name: Some(signature.name.clone()),
        r#type: Some(TypeProto { tensor_type, ..TypeProto::default() }),
    }
}
