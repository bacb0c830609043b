//! The attribution engine on the real ONNX Runtime.
#![allow(clippy::unwrap_used, clippy::panic)]

mod engine;
mod gradients;
mod gradients_choices;
mod gradients_fuzz;
mod gradients_models;
mod gradients_odd;
mod gradients_operators;
mod gradients_targets;
mod setting;
