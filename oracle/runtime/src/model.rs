//! A loaded model: records in, outputs out.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use ndarray::{Array2, ArrayView2, Axis};
use tokio::sync::oneshot;

use crate::{
    BatchStats, ExecutionProvider, ModelOptions, OnnxRuntime, Outputs, RuntimeError, TensorInfo,
    engine::Engine,
    owner::{self, Job},
    stats::Counters,
};

/// One ONNX model with its session, its owner thread and its queue.
///
/// Share it behind an `Arc`. Dropping it ends the thread after the pass in progress.
///
/// Floating-point sums may differ in their last bits between a record computed alone and in a batch; what is
/// compared across machines must allow for that (the oracle's receipts carry the hash of what was served).
pub struct Model {
    input: TensorInfo,
    outputs: Vec<TensorInfo>,
    names: Vec<Arc<str>>,
    max_batch: usize,
    capacity: usize,
    provider: ExecutionProvider,
    counters: Arc<Counters>,
    /// `None` only while dropping.
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Model {
    /// Loads the bytes of an ONNX file, checks that it can be served record by record (one `f32` input
    /// `[batch, …]`, `f32` outputs `[batch, …]`), runs it once on zeros and starts its owner thread.
    ///
    /// Blocks while ONNX Runtime prepares the session.
    ///
    /// # Errors
    /// [`RuntimeError::ZeroOption`], [`RuntimeError::CorruptModel`], [`RuntimeError::RejectedModel`],
    /// [`RuntimeError::UnservableModel`], [`RuntimeError::Inference`] if the warm-up fails,
    /// [`RuntimeError::NoThread`].
    pub fn load(runtime: &OnnxRuntime, onnx: Vec<u8>, options: ModelOptions) -> Result<Self, RuntimeError> {
        options.check()?;
        let engine = Engine::open(runtime, &onnx, &options)?;
        drop(onnx);
        let (input, outputs, names) = (engine.input().clone(), engine.outputs().to_vec(), engine.names().to_vec());

        let (queue, waiting) = sync_channel(options.queue);
        let counters = Arc::new(Counters::default());
        let thread = std::thread::Builder::new()
            .name("onnx-session".into())
            .spawn({
                let counters = Arc::clone(&counters);
                move || owner::serve(engine, &waiting, options.max_batch, &counters)
            })
            .map_err(|error| RuntimeError::NoThread { reason: error.to_string() })?;
        Ok(Self {
            input,
            outputs,
            names,
            max_batch: options.max_batch,
            capacity: options.queue,
            provider: options.provider,
            counters,
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Where the session computes. A provider that was asked for and is missing would have refused the model.
    #[must_use]
    pub fn provider(&self) -> ExecutionProvider {
        self.provider
    }

    /// The model's input, without its batch dimension.
    #[must_use]
    pub fn input(&self) -> &TensorInfo {
        &self.input
    }

    /// The model's outputs in its own order, without their batch dimension.
    #[must_use]
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The output called `name`, if the model has it.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&TensorInfo> {
        self.outputs.iter().find(|output| output.name() == name)
    }

    /// Passes and records so far.
    #[must_use]
    pub fn stats(&self) -> BatchStats {
        self.counters.read()
    }

    /// Answers one record of [`input`](Self::input)`.width()` numbers. It may share its pass with others.
    ///
    /// Dropping the future before its pass begins takes the record out of the queue.
    ///
    /// # Errors
    /// [`RuntimeError::WrongWidth`], [`RuntimeError::NonFiniteInput`], [`RuntimeError::QueueFull`],
    /// [`RuntimeError::Inference`], [`RuntimeError::NonFiniteOutput`], [`RuntimeError::Stopped`].
    pub async fn run(&self, record: Vec<f32>) -> Result<Outputs, RuntimeError> {
        self.check(&record)?;
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(RuntimeError::Stopped)?;
        queue.try_send(Job::One { record, reply }).map_err(|error| match error {
            TrySendError::Full(_) => RuntimeError::QueueFull { capacity: self.capacity },
            TrySendError::Disconnected(_) => RuntimeError::Stopped,
        })?;
        answer.await.map_err(|_| RuntimeError::Stopped)?
    }

    /// Whether [`run`](Self::run) would take this record: its width and that its numbers are finite.
    ///
    /// # Errors
    /// [`RuntimeError::WrongWidth`], [`RuntimeError::NonFiniteInput`].
    pub fn check(&self, record: &[f32]) -> Result<(), RuntimeError> {
        self.check_width(record.len())?;
        check_finite_input(record)
    }

    /// Answers many records, `[n, input width]`, for work without a client: each output as `[n, its width]`.
    ///
    /// Goes through the same queue in blocks of at most `max_batch` records, waiting for room, so that online
    /// requests take turns with it. Blocks the calling thread: in async code, call it from a blocking task.
    ///
    /// # Errors
    /// As [`run`](Self::run), but never [`RuntimeError::QueueFull`]. `NonFiniteInput::index` counts from the
    /// first number of the offending row.
    pub fn run_batch(&self, records: ArrayView2<'_, f32>) -> Result<BTreeMap<String, Array2<f32>>, RuntimeError> {
        self.check_width(records.ncols())?;
        let queue = self.queue.as_ref().ok_or(RuntimeError::Stopped)?;
        let mut gathered: Vec<Vec<f32>> = self.outputs.iter().map(|_| Vec::new()).collect();
        for block in records.axis_chunks_iter(Axis(0), self.max_batch) {
            let numbers: Vec<f32> = block.iter().copied().collect();
            numbers.chunks_exact(self.input.width()).try_for_each(check_finite_input)?;
            let (reply, answer) = sync_channel(1);
            queue.send(Job::Block { records: numbers, reply }).map_err(|_| RuntimeError::Stopped)?;
            let columns = answer.recv().map_err(|_| RuntimeError::Stopped)??;
            for ((name, column), gathered) in self.names.iter().zip(columns).zip(&mut gathered) {
                owner::check_finite(name, &column)?;
                gathered.extend(column);
            }
        }
        self.outputs
            .iter()
            .zip(gathered)
            .map(|(info, numbers)| {
                let output = Array2::from_shape_vec((records.nrows(), info.width()), numbers)
                    .map_err(|error| RuntimeError::Inference { reason: error.to_string() })?;
                Ok((info.name().to_owned(), output))
            })
            .collect()
    }

    fn check_width(&self, got: usize) -> Result<(), RuntimeError> {
        let expected = self.input.width();
        if got == expected {
            Ok(())
        } else {
            Err(RuntimeError::WrongWidth { input: self.input.name().to_owned(), expected, got })
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // Without a sender the thread finishes what waits and ends.
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of an ONNX session panicked");
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("input", &self.input)
            .field("outputs", &self.outputs)
            .field("max_batch", &self.max_batch)
            .field("queue", &self.capacity)
            .finish_non_exhaustive()
    }
}

fn check_finite_input(record: &[f32]) -> Result<(), RuntimeError> {
    match record.iter().enumerate().find(|(_, number)| !number.is_finite()) {
        None => Ok(()),
        Some((index, number)) => Err(RuntimeError::NonFiniteInput { index, value: number.to_string() }),
    }
}
