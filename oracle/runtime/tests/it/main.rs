//! The crate against the real ONNX Runtime.
#![allow(clippy::unwrap_used, clippy::panic)]

mod loading;
mod onnx;
mod providers;
mod queueing;
mod recurrence;
mod serving;
mod session;

use tributary_runtime::{Model, ModelOptions, OnnxRuntime, RuntimeError};

fn runtime() -> OnnxRuntime {
    OnnxRuntime::load(None).unwrap()
}

fn load(onnx: Vec<u8>, max_batch: usize, queue: usize) -> Result<Model, RuntimeError> {
    Model::load(&runtime(), onnx, ModelOptions { max_batch, queue, ..ModelOptions::default() })
}
