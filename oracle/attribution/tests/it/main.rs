//! Attribution against the real thing: retraining, and the real ONNX Runtime.

mod retraining;
mod runtime;
mod setting;
