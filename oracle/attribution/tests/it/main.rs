//! Attribution against the real thing: retraining, and the real ONNX Runtime.
#![allow(clippy::unwrap_used, clippy::panic)]

mod retraining;
mod runtime;
mod setting;
