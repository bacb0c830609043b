//! ONNX Runtime for Tributary: find the library, load a model, answer records.
//!
//! One [`OnnxRuntime`] per process holds the loaded library. One [`Model`] is one ONNX Runtime
//! session, owned by one thread: requests wait in a bounded queue, whatever has gathered while the
//! session was busy becomes the next batch (there is no timer), and each batch is a single pass
//! whose rows go back to the callers they belong to.
//!
//! One [`Session`] is the same without thread and queue, for training and measurements: any number of named inputs,
//! run in the caller's thread.
//!
//! What this crate does not know: licenses, receipts, sketches, prices, HTTP. An output named
//! `sketch` is an output like any other. It does not check whose weights it was given either; the
//! caller compares their hash with the release's before it loads them.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tributary_runtime::{Model, ModelOptions, OnnxRuntime};
//!
//! let runtime = OnnxRuntime::load(None)?;
//! let model = Model::load(&runtime, std::fs::read("model.onnx")?, ModelOptions::default())?;
//! let outputs = model.run(vec![0.0; model.input().width()]).await?;
//! println!("{:?}", outputs.get("logits"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod discovery;
mod engine;
mod error;
mod library;
mod model;
mod opening;
mod options;
mod outputs;
mod owner;
mod provider;
mod session;
mod signature;
mod stats;
mod tensor;

pub use error::RuntimeError;
pub use library::{LIBRARY_VARIABLE, OnnxRuntime};
pub use model::Model;
pub use options::{ModelOptions, SessionOptions};
pub use outputs::Outputs;
pub use provider::ExecutionProvider;
pub use session::Session;
pub use signature::TensorInfo;
pub use stats::BatchStats;
pub use tensor::Tensor;
