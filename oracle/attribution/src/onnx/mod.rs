//! ONNX files: bytes to graphs and graphs to bytes.
//!
//! Files of operator sets 13 to 22 are read and brought to one, [`crate::graph::OPSET`]; what is written has that one.

mod decode;
mod encode;
mod error;
mod opset;
mod proto;
mod signature;
mod sort;
mod tensor;

pub use decode::{decode, decode_with};
pub use encode::encode;
pub use error::OnnxError;
pub use tensor::External;

#[cfg(test)]
mod sample;
