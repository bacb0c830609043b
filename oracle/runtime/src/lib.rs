//! ONNX Runtime for Tributary: find the library, load a model, answer records.
//!
//! One [`OnnxRuntime`] per process holds the loaded library. One [`Model`] is one queue and one or more ONNX Runtime
//! sessions, each owned by one thread. Requests of one record or several wait in the bounded queue, where they are laid
//! side by side while the sessions are busy (there is no timer): a session that becomes free finds its next batch
//! ready, computes it in a single pass, and hands the rows back to the callers they belong to. Whoever hung up, or
//! whose deadline passed, costs no pass.
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
//! let two_records = vec![0.0; 2 * model.input().width()];
//! let answer = model.run(two_records, None).await?;
//! println!("{:?} after {:?}", answer.outputs.get("logits"), answer.timing.queued);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod answer;
mod batch;
mod choice;
mod discovery;
mod engine;
mod error;
mod histogram;
mod library;
mod model;
mod opening;
mod options;
mod outputs;
mod owner;
mod provider;
mod queue;
mod session;
mod signature;
mod stats;
mod tensor;
mod ticket;

pub use answer::{Answer, Timing};
pub use choice::{ProviderChoice, Providers};
pub use error::RuntimeError;
pub use histogram::{Histogram, HistogramSnapshot};
pub use library::{LIBRARY_VARIABLE, OnnxRuntime};
pub use model::Model;
pub use options::{ModelOptions, SessionOptions};
pub use outputs::Outputs;
pub use provider::ExecutionProvider;
pub use session::{Recurrence, Session, StatePart};
pub use signature::TensorInfo;
pub use stats::BatchStats;
pub use tensor::Tensor;
