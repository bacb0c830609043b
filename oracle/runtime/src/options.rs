//! How a model is run.

use crate::{ExecutionProvider, ProviderChoice, RuntimeError};

/// How a [`Session`](crate::Session) computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads ONNX Runtime may use inside one operator.
    pub threads: usize,
    /// Where to compute.
    pub provider: ExecutionProvider,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { threads: 1, provider: ExecutionProvider::Cpu }
    }
}

impl SessionOptions {
    pub(crate) fn check(&self) -> Result<(), RuntimeError> {
        not_zero("threads", self.threads)
    }
}

/// How a [`Model`](crate::Model) batches and computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOptions {
    /// Most records in one pass, and so in one request.
    pub max_batch: usize,
    /// Most requests that may wait; one more is refused with [`RuntimeError::QueueFull`].
    pub queue: usize,
    /// Sessions that take from the queue, each with its own memory. Worth more than one where a pass leaves cores or
    /// the graphics card idle.
    pub sessions: usize,
    /// Threads each session may use inside one operator.
    pub threads: usize,
    /// Where to compute.
    pub provider: ProviderChoice,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self { max_batch: 32, queue: 1024, sessions: 1, threads: 1, provider: ProviderChoice::default() }
    }
}

impl ModelOptions {
    pub(crate) fn check(&self) -> Result<(), RuntimeError> {
        not_zero("max_batch", self.max_batch)?;
        not_zero("queue", self.queue)?;
        not_zero("sessions", self.sessions)
    }

    pub(crate) fn session(&self, provider: ExecutionProvider) -> SessionOptions {
        SessionOptions { threads: self.threads, provider }
    }
}

fn not_zero(option: &'static str, value: usize) -> Result<(), RuntimeError> {
    if value == 0 { Err(RuntimeError::ZeroOption { option }) } else { Ok(()) }
}
