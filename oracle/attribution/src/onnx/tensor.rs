//! Constants of a file.

use super::{
    OnnxError,
    proto::{EXTERNAL, TensorProto},
};
use crate::graph::{Data, Element, Tensor};

/// Where the numbers are that a file keeps outside: `(location, offset, length)` in bytes.
pub(super) type External<'a> = &'a dyn Fn(&str, u64, u64) -> Option<Vec<u8>>;

/// A name for each `TensorProto.DataType`.
pub(super) fn type_name(code: i32) -> String {
    const NAMES: [&str; 24] = [
        "undefined",
        "float",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "double",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "uint4",
        "int4",
        "float4e2m1",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| format!("type {code}"), |name| (*name).to_owned())
}

/// The type a file's number stands for.
pub(super) fn element(value: &str, code: i32) -> Result<Element, OnnxError> {
    Element::from_code(code.into()).ok_or_else(|| OnnxError::Type { value: value.to_owned(), found: type_name(code) })
}

const fn width(element: Element) -> usize {
    match element {
        Element::F32 | Element::I32 => 4,
        Element::F64 | Element::I64 => 8,
        Element::Bool => 1,
    }
}

/// A constant as a file holds it, its numbers inside or outside.
pub(super) fn decode(tensor: TensorProto, external: External<'_>) -> Result<Tensor, OnnxError> {
    let name = tensor.name.clone().unwrap_or_default();
    let wrong =
        |reason: &str| OnnxError::Tensor { tensor: name.clone(), reason: format!("{reason}: export the model again") };
    let element = element(&name, tensor.data_type.unwrap_or_default())?;
    let dims = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect::<Option<Vec<_>>>();
    let dims = dims.ok_or_else(|| wrong("a dimension is negative"))?;
    let count = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    let bytes = count.and_then(|count| count.checked_mul(width(element))).filter(|bytes| *bytes <= isize::MAX as usize);
    let bytes = bytes.ok_or_else(|| wrong("its dimensions are absurdly large"))?;
    let data = if tensor.data_location == Some(EXTERNAL) {
        raw(element, &fetch(&tensor, &name, bytes, external)?)
    } else if let Some(own) = &tensor.raw_data {
        raw(element, own)
    } else {
        Some(typed(element, tensor))
    };
    let tensor = data.and_then(|data| Tensor::new(dims, data));
    tensor.ok_or_else(|| wrong(&format!("its dimensions need {bytes} bytes, it holds another number")))
}

/// Numbers from another file.
fn fetch(tensor: &TensorProto, name: &str, bytes: usize, external: External<'_>) -> Result<Vec<u8>, OnnxError> {
    let entry = |key: &str| {
        let entry = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
        entry.and_then(|entry| entry.value.as_deref())
    };
    let wrong = |reason: &str| OnnxError::Tensor {
        tensor: name.to_owned(),
        reason: format!("{reason}: export the model again"),
    };
    let location = entry("location").unwrap_or_default();
    let leads_out = location.starts_with(['/', '\\']) || location.contains(':');
    if location.is_empty() || leads_out || location.split(['/', '\\']).any(|part| part == "..") {
        return Err(wrong(&format!("its numbers are said to be in `{location}`, which is not beside the model")));
    }
    let number = |key: &str, otherwise: u64| match entry(key).map(str::parse) {
        None => Ok(otherwise),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(wrong(&format!("its `{key}` is no number"))),
    };
    let length = number("length", bytes as u64)?;
    if length != bytes as u64 {
        return Err(wrong(&format!("its dimensions need {bytes} bytes, {length} are said to be outside")));
    }
    let missing = || OnnxError::External { tensor: name.to_owned(), location: location.to_owned() };
    external(location, number("offset", 0)?, length).filter(|found| found.len() == bytes).ok_or_else(missing)
}

/// Little-endian bytes as numbers; `None` if a number is cut off or a truth value is neither 0 nor 1.
fn raw(element: Element, bytes: &[u8]) -> Option<Data> {
    let (fours, fours_left) = bytes.as_chunks::<4>();
    let (eights, eights_left) = bytes.as_chunks::<8>();
    let whole = match width(element) {
        4 => fours_left.is_empty(),
        8 => eights_left.is_empty(),
        _ => bytes.iter().all(|byte| *byte <= 1),
    };
    whole.then(|| match element {
        Element::F32 => Data::F32(fours.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        Element::I32 => Data::I32(fours.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()),
        Element::F64 => Data::F64(eights.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()),
        Element::I64 => Data::I64(eights.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()),
        Element::Bool => Data::Bool(bytes.iter().map(|byte| *byte == 1).collect()),
    })
}

/// The field of the type's own.
fn typed(element: Element, tensor: TensorProto) -> Data {
    match element {
        Element::F32 => Data::F32(tensor.float_data),
        Element::F64 => Data::F64(tensor.double_data),
        Element::I64 => Data::I64(tensor.int64_data),
        Element::I32 => Data::I32(tensor.int32_data),
        Element::Bool => Data::Bool(tensor.int32_data.into_iter().map(|value| value != 0).collect()),
    }
}

/// A constant as a file holds it.
pub(super) fn encode(name: &str, tensor: &Tensor) -> TensorProto {
    let raw_data = match tensor.data() {
        Data::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Data::F64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Data::I64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Data::I32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Data::Bool(values) => values.iter().map(|value| u8::from(*value)).collect(),
    };
    TensorProto {
        dims: tensor.dims().iter().map(|dim| *dim as i64).collect(),
        data_type: Some(tensor.element().code() as i32),
        name: Some(name.to_owned()),
        raw_data: Some(raw_data),
        ..TensorProto::default()
    }
}

/// Refuses what is not a number, and infinity anywhere but in limits (a single number) and masks (nothing but 0 and −∞).
pub(super) fn check_finite(name: &str, tensor: &Tensor) -> Result<(), OnnxError> {
    let is_right = match tensor.data() {
        Data::F32(values) => is_right(values.iter().map(|value| f64::from(*value)), values.len()),
        Data::F64(values) => is_right(values.iter().copied(), values.len()),
        _ => true,
    };
    if is_right { Ok(()) } else { Err(OnnxError::NotFinite { tensor: name.to_owned() }) }
}

fn is_right(mut values: impl Iterator<Item = f64> + Clone, count: usize) -> bool {
    let is_limit = || count == 1 && values.clone().all(f64::is_infinite);
    let is_mask = || values.clone().all(|value| value == 0.0 || value == f64::NEG_INFINITY);
    is_limit() || is_mask() || values.all(f64::is_finite)
}
