//! Everything that can go wrong here, each with what to do next.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::ExecutionProvider;

/// Why ONNX Runtime, a model or a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// No ONNX Runtime library in any of the places that were tried, in order.
    #[error(
        "ONNX Runtime was not found; looked at: {}. Run `npm ci --ignore-scripts` in the project, or set \
         TRIBUTARY_ONNXRUNTIME to the library file",
        list(looked_at)
    )]
    LibraryNotFound {
        /// Every path that was tried.
        looked_at: Vec<PathBuf>,
    },

    /// ONNX Runtime ships no library for this operating system and processor under a known name.
    #[error(
        "no known ONNX Runtime build for {os}/{arch}; build or download one and set TRIBUTARY_ONNXRUNTIME to the \
         library file"
    )]
    UnsupportedPlatform {
        /// Operating system, as Rust names it.
        os: &'static str,
        /// Processor architecture, as Rust names it.
        arch: &'static str,
    },

    /// The file exists but is no usable ONNX Runtime (wrong version, wrong platform, damaged).
    #[error(
        "{} could not be loaded as ONNX Runtime: {reason}. Reinstall it with `npm ci --ignore-scripts`, or set \
         TRIBUTARY_ONNXRUNTIME to a 1.30 or newer build for this platform",
        path.display()
    )]
    LibraryUnusable {
        /// The library file.
        path: PathBuf,
        /// The loader's words.
        reason: String,
    },

    /// A process can hold one ONNX Runtime, and it already holds another one.
    #[error(
        "this process already runs ONNX Runtime from {}; restart it to use {}",
        loaded.display(),
        asked.display()
    )]
    OtherLibraryLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for.
        asked: PathBuf,
    },

    /// [`ModelOptions`](crate::ModelOptions) or [`SessionOptions`](crate::SessionOptions) hold a zero.
    #[error("`{option}` is 0; set it to at least 1")]
    ZeroOption {
        /// The option's name.
        option: &'static str,
    },

    /// A name that no execution provider has.
    #[error("`{name}` is no execution provider; write `auto`, `cpu`, `cuda`, `cuda:1` or `webgpu`")]
    UnknownProvider {
        /// The name given.
        name: String,
    },

    /// The provider asked for is not in the library, or finds no device.
    #[error("the execution provider `{provider}` is not available here ({reason}): {}, or configure `cpu`", provider.remedy())]
    ProviderMissing {
        /// The provider asked for.
        provider: ExecutionProvider,
        /// ONNX Runtime's words.
        reason: String,
    },

    /// The bytes are no ONNX file: empty, truncated, or damaged.
    #[error("the ONNX file is damaged or cut short ({reason}); fetch it again and compare its hash with the release's")]
    CorruptModel {
        /// ONNX Runtime's words.
        reason: String,
    },

    /// An ONNX file which ONNX Runtime will not run: a bad graph, an unknown operator.
    #[error("ONNX Runtime refuses the model: {reason}. Export it again with standard operators")]
    RejectedModel {
        /// ONNX Runtime's words.
        reason: String,
    },

    /// A valid ONNX model whose inputs or outputs cannot be served record by record.
    #[error("the model cannot be served record by record: {reason}")]
    UnservableModel {
        /// What is wrong, and what the model should look like.
        reason: String,
    },

    /// An input that is no tensor.
    #[error("input `{input}` is {found}; export the model with tensors as inputs")]
    UnusableInput {
        /// The model's input.
        input: String,
        /// What it is.
        found: String,
    },

    /// A name that no input of the model has.
    #[error("the model has no input `{input}`; it has: {}", known.join(", "))]
    UnknownInput {
        /// The name given.
        input: String,
        /// The model's inputs.
        known: Vec<String>,
    },

    /// One input given twice in one pass.
    #[error("input `{input}` is given twice; give it once")]
    GivenTwice {
        /// The model's input.
        input: String,
    },

    /// An input without a default that was left out.
    #[error("input `{input}` is missing and has no default; give it")]
    MissingInput {
        /// The model's input.
        input: String,
    },

    /// Numbers of another type than the input's.
    #[error("input `{input}` takes {expected}, but {got} was given; convert the numbers")]
    WrongType {
        /// The model's input.
        input: String,
        /// The type it takes.
        expected: String,
        /// The type given.
        got: &'static str,
    },

    /// Dimensions that the input does not take, or none at all along one of them.
    #[error("input `{input}` takes shape {expected}, but {got:?} was given; give those sizes, none of them 0")]
    WrongShape {
        /// The model's input.
        input: String,
        /// The dimensions it takes.
        expected: String,
        /// The dimensions given.
        got: Vec<usize>,
    },

    /// A name that no output of the model has.
    #[error("the model has no output `{output}`; it has: {}", known.join(", "))]
    UnknownOutput {
        /// The name asked for.
        output: String,
        /// The model's outputs.
        known: Vec<String>,
    },

    /// An output of numbers other than `f32`.
    #[error("output `{output}` is {found}; cast it to f32 inside the model")]
    OutputType {
        /// The output.
        output: String,
        /// What it is.
        found: String,
    },

    /// Numbers that do not make whole records, or none at all.
    #[error(
        "the request has {got} numbers, but input `{input}` takes {expected} for each record; send exactly {expected} \
         for each"
    )]
    WrongWidth {
        /// The model's input.
        input: String,
        /// Numbers the model takes for one record.
        expected: usize,
        /// Numbers given.
        got: usize,
    },

    /// More records than one pass computes.
    #[error("the request has {got} records, but {most} are computed at once; send {most} or fewer in each request")]
    TooManyRecords {
        /// Records given.
        got: usize,
        /// Most records in one request.
        most: usize,
    },

    /// A NaN or an infinity in a record.
    #[error("number {index} of record {record} is {value}; send finite numbers only")]
    NonFiniteInput {
        /// Which of the records, from 0.
        record: usize,
        /// Position in the record, from 0.
        index: usize,
        /// `NaN`, `inf` or `-inf`.
        value: String,
    },

    /// The model answered one of the request's records with a NaN or an infinity.
    #[error(
        "output `{output}` is not finite for this request; scale its records as in training, or publish a fixed model"
    )]
    NonFiniteOutput {
        /// The output's name.
        output: String,
    },

    /// As many requests wait as the queue holds.
    #[error("{capacity} requests are already waiting; try again in a moment")]
    QueueFull {
        /// Requests the queue holds.
        capacity: usize,
    },

    /// The request's deadline passed while it waited; it was not computed.
    #[error(
        "the server was too busy: the request waited {waited:.1?} and its deadline passed before its turn. It was not \
         computed and may be sent again"
    )]
    DeadlineExceeded {
        /// How long it waited.
        waited: Duration,
    },

    /// The pass itself failed inside ONNX Runtime.
    #[error("ONNX Runtime failed to compute the answer: {reason}. Nothing was served; the request may be sent again")]
    Inference {
        /// ONNX Runtime's words.
        reason: String,
    },

    /// The model is being shut down, or its thread ended.
    #[error("the model has stopped; load it again")]
    Stopped,

    /// The operating system would not start the model's thread.
    #[error("the model's thread could not be started ({reason}); free memory or raise the limit on threads")]
    NoThread {
        /// The operating system's words.
        reason: String,
    },
}

impl RuntimeError {
    /// True where the same request may succeed later without any change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::QueueFull { .. } | Self::DeadlineExceeded { .. } | Self::Inference { .. } | Self::Stopped)
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(PathBuf::as_path).map(Path::display).map(|path| path.to_string()).collect::<Vec<_>>().join(", ")
}
