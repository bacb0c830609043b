//! ONNX files: the messages, a graph writer, the attribution compiler and the reader.

mod compile;
mod decode;
mod encode;
mod error;
mod graph;
mod opset;
mod proto;
mod read;
mod signature;
mod sort;
mod tensor;

pub use compile::compile;
pub use decode::{decode, decode_with};
pub use encode::encode;
pub use error::OnnxError;
pub use read::{ModelSummary, read};

/// The graph's input: raw features, `f32 [batch, width]`.
pub const FEATURES: &str = "features";
/// The graph's first output: logits, `f32 [batch, classes]`.
pub const LOGITS: &str = "logits";
/// The graph's second output: the served class's sketch, `f32 [batch, k]`.
pub const SKETCH: &str = "sketch";
/// The operator set the graph is written in.
pub const OPSET: i64 = 18;

#[cfg(test)]
mod tests;
