//! From the bytes of an ONNX file to a session of ONNX Runtime, for whoever runs it.

use ort::{
    ErrorCode,
    ep::CPU,
    logging::LogLevel,
    session::{Session, builder::SessionBuilder},
};

use crate::{ExecutionProvider, OnnxRuntime, RuntimeError, SessionOptions};

/// Opens a session. Equal inputs give equal outputs: deterministic kernels are asked for wherever there is a choice.
pub(crate) fn open(runtime: &OnnxRuntime, onnx: &[u8], options: &SessionOptions) -> Result<Session, RuntimeError> {
    options.check()?;
    if onnx.is_empty() {
        return Err(RuntimeError::CorruptModel { reason: "the file is empty".into() });
    }
    configure(runtime, options)
        .map_err(|error| RuntimeError::RejectedModel { reason: error.to_string() })?
        .commit_from_memory(onnx)
        .map_err(|error| match error.code() {
            ErrorCode::InvalidProtobuf | ErrorCode::NoModel => RuntimeError::CorruptModel { reason: error.to_string() },
            _ => RuntimeError::RejectedModel { reason: error.to_string() },
        })
}

fn configure(runtime: &OnnxRuntime, options: &SessionOptions) -> Result<SessionBuilder, ort::Error> {
    let ExecutionProvider::Cpu = options.provider;
    let builder = Session::builder(runtime.environment())?
        .with_log_level(LogLevel::Warning)?
        .with_intra_threads(options.threads)?
        .with_deterministic_compute(true)?
        .with_execution_providers([CPU::default().with_arena_allocator(true).build().error_on_failure()])?;
    Ok(builder)
}
