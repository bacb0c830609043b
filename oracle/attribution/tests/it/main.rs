//! The attribution engine on the real ONNX Runtime.
#![allow(clippy::unwrap_used, clippy::panic)]

mod engine;
mod setting;
