//! From the bytes of an ONNX file to a session of ONNX Runtime, for whoever runs it.

use ort::{
    ErrorCode,
    logging::LogLevel,
    session::{Session, builder::SessionBuilder},
};

use crate::{ExecutionProvider, OnnxRuntime, RuntimeError, SessionOptions};

/// Opens a session on the provider asked for. Equal inputs give equal outputs: deterministic kernels are asked for
/// wherever there is a choice.
pub(crate) fn open(runtime: &OnnxRuntime, onnx: &[u8], options: &SessionOptions) -> Result<Session, RuntimeError> {
    options.check()?;
    if onnx.is_empty() {
        return Err(RuntimeError::CorruptModel { reason: "the file is empty".into() });
    }
    let rejected = |error: ort::Error| RuntimeError::RejectedModel { reason: error.to_string() };
    let provider = options.provider;
    let missing = |reason: String| RuntimeError::ProviderMissing { provider, reason: reason.trim_end().to_owned() };
    if !provider.is_built_in().map_err(rejected)? {
        return Err(missing(format!("{} has been built without it", runtime.path().display())));
    }
    let builder = configure(runtime, options).map_err(rejected)?;
    let mut builder =
        builder.with_execution_providers([provider.dispatch()]).map_err(|error| missing(error.to_string()))?;
    builder.commit_from_memory(onnx).map_err(|error| {
        // Some providers look for their device only now. A model that opens on the processor is not to blame.
        if provider != ExecutionProvider::Cpu {
            let on_cpu = SessionOptions { provider: ExecutionProvider::Cpu, ..options.clone() };
            return match open(runtime, onnx, &on_cpu) {
                Ok(_) => missing(error.to_string()),
                Err(refused) => refused,
            };
        }
        match error.code() {
            ErrorCode::InvalidProtobuf | ErrorCode::NoModel => RuntimeError::CorruptModel { reason: error.to_string() },
            _ => rejected(error),
        }
    })
}

/// `session.disable_cpu_ep_fallback` stays off. ONNX Runtime puts the integers that make up shapes (`Shape`, then
/// `Gather`, `Concat`) on the processor on purpose, also under CUDA, and the switch refuses a graph for a single node
/// there: usual exports with a batch of any size would not open. A provider that is missing is refused without it.
fn configure(runtime: &OnnxRuntime, options: &SessionOptions) -> Result<SessionBuilder, ort::Error> {
    let builder = Session::builder(runtime.environment())?
        .with_log_level(LogLevel::Error)?
        .with_intra_threads(options.threads)?
        .with_deterministic_compute(true)?;
    Ok(builder)
}
