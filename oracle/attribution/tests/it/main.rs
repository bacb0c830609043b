//! Attribution against the real thing: retraining, and the real ONNX Runtime.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gradients;
mod gradients_models;
mod gradients_operators;
mod gradients_targets;
mod retraining;
mod runtime;
mod setting;
