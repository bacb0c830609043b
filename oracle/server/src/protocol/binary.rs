//! Tensors as bytes behind the JSON: little-endian, row-major.

use super::ProtocolError;

/// The JSON of a body, and what follows it.
pub(super) fn split<'b>(body: &'b [u8], json_length: Option<&str>) -> Result<(&'b [u8], &'b [u8]), ProtocolError> {
    let Some(length) = json_length else { return Ok((body, &[])) };
    let length: usize = length.trim().parse().map_err(|_| ProtocolError::Binary("the JSON's length is no number"))?;
    body.split_at_checked(length).ok_or(ProtocolError::Binary("the JSON's length is more than the body's"))
}

/// Numbers of a tensor that takes all the bytes.
pub(super) fn numbers(bytes: &[u8], size: usize) -> Result<Vec<f32>, ProtocolError> {
    if bytes.len() != size {
        return Err(ProtocolError::Binary("`binary_data_size` is not how many bytes follow the JSON"));
    }
    let (whole, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(ProtocolError::Binary("the bytes are not whole FP32 numbers, 4 bytes each"));
    }
    Ok(whole.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
