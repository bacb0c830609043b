//! A loaded model: records in, outputs out.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread::JoinHandle,
    time::Instant,
};

use ndarray::{Array2, ArrayView2, Axis};
use tokio::sync::oneshot;

use crate::{
    Answer, BatchStats, Histogram, ModelOptions, OnnxRuntime, Providers, RuntimeError, TensorInfo,
    engine::Engine,
    owner,
    queue::Queue,
    stats::Counters,
    ticket::{Reply, Ticket},
};

/// One ONNX model with its queue, its sessions and their owner threads.
///
/// Share it behind an `Arc`. Dropping it answers what waits and ends the threads.
///
/// Floating-point sums may differ in their last bits between a record computed alone and in a batch; what is
/// compared across machines must allow for that (the oracle's receipts carry the hash of what was served).
pub struct Model {
    input: TensorInfo,
    outputs: Vec<TensorInfo>,
    max_batch: usize,
    providers: Providers,
    counters: Arc<Counters>,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Model {
    /// Loads the bytes of an ONNX file, checks that it can be served record by record (one `f32` input
    /// `[batch, …]`, `f32` outputs `[batch, …]`), runs every session on zeros and starts their owner threads.
    ///
    /// Blocks while ONNX Runtime prepares the sessions.
    ///
    /// # Errors
    /// [`RuntimeError::ZeroOption`], [`RuntimeError::ProviderMissing`], [`RuntimeError::CorruptModel`],
    /// [`RuntimeError::RejectedModel`], [`RuntimeError::UnservableModel`], [`RuntimeError::Inference`] if the warm-up
    /// fails, [`RuntimeError::NoThread`].
    pub fn load(runtime: &OnnxRuntime, onnx: Vec<u8>, options: ModelOptions) -> Result<Self, RuntimeError> {
        options.check()?;
        let open = |provider| {
            let session = options.session(provider);
            let first = Engine::open(runtime, &onnx, &session, options.max_batch)?;
            let (input, outputs) = (first.input().clone(), first.outputs().to_vec());
            // One after the other: two sessions opened at once on one graphics card can race.
            let others = (1..options.sessions).map(|_| Engine::open(runtime, &onnx, &session, options.max_batch));
            let engines = std::iter::once(Ok(first)).chain(others).collect::<Result<Vec<_>, _>>()?;
            Ok((engines, input, outputs))
        };
        let (providers, (engines, input, outputs)) = options.provider.open(open)?;
        drop(onnx);

        let batch = options.max_batch.saturating_mul(input.width());
        let mut model = Self {
            input,
            outputs,
            max_batch: options.max_batch,
            providers,
            counters: Arc::new(Counters::new(options.sessions)),
            queue: Arc::new(Queue::new(options.queue, batch)),
            threads: Vec::with_capacity(options.sessions),
        };
        for (session, engine) in engines.into_iter().enumerate() {
            let (presence, counters) = (model.queue.enter(), Arc::clone(&model.counters));
            let thread = std::thread::Builder::new()
                .name(format!("onnx-session-{session}"))
                .spawn(move || owner::serve(engine, presence, &counters, session))
                .map_err(|error| RuntimeError::NoThread { reason: error.to_string() })?;
            model.threads.push(thread);
        }
        Ok(model)
    }

    /// Where the sessions compute, and what was asked for. A provider asked for by name and missing would have refused
    /// the model.
    #[must_use]
    pub fn provider(&self) -> Providers {
        self.providers
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

    /// Most records in one request: the largest batch.
    #[must_use]
    pub fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// Counts so far.
    #[must_use]
    pub fn stats(&self) -> BatchStats {
        self.counters.read(self.queue.waiting())
    }

    /// Passes so far of each session.
    #[must_use]
    pub fn passes_by_session(&self) -> Vec<u64> {
        self.counters.sessions()
    }

    /// Records in each pass so far.
    #[must_use]
    pub fn batch_sizes(&self) -> &Histogram {
        self.counters.batch_sizes()
    }

    /// Seconds of each pass so far.
    #[must_use]
    pub fn pass_seconds(&self) -> &Histogram {
        self.counters.pass_seconds()
    }

    /// Answers `records`, `[n, input width]` row-major, with n from 1 to [`max_batch`](Self::max_batch), in one pass
    /// that they may share with others.
    ///
    /// A `deadline` that passes before the pass begins takes the request out of the queue when its turn comes; from
    /// then on it no longer counts. Dropping the future takes the request out too.
    ///
    /// # Errors
    /// As [`check`](Self::check), and [`RuntimeError::QueueFull`], [`RuntimeError::DeadlineExceeded`],
    /// [`RuntimeError::Inference`], [`RuntimeError::NonFiniteOutput`] if one of its records has such an answer,
    /// [`RuntimeError::Stopped`].
    pub async fn run(&self, records: Vec<f32>, deadline: Option<Instant>) -> Result<Answer, RuntimeError> {
        self.check(&records)?;
        let (reply, answer) = oneshot::channel();
        let ticket = Ticket::new(records.len(), deadline, Reply::Task(reply));
        self.queue.push(records, ticket).inspect_err(|error| {
            if matches!(error, RuntimeError::QueueFull { .. }) {
                self.counters.rejected();
            }
        })?;
        answer.await.map_err(|_| RuntimeError::Stopped)?
    }

    /// Whether [`run`](Self::run) would take these records, `[n, input width]` row-major. Returns n.
    ///
    /// # Errors
    /// [`RuntimeError::WrongWidth`] unless they are whole records, at least one; [`RuntimeError::TooManyRecords`],
    /// [`RuntimeError::NonFiniteInput`].
    pub fn check(&self, records: &[f32]) -> Result<usize, RuntimeError> {
        let width = self.input.width();
        let count = records.len() / width;
        if count == 0 || !records.len().is_multiple_of(width) {
            return Err(self.wrong_width(records.len()));
        }
        if count > self.max_batch {
            return Err(RuntimeError::TooManyRecords { got: count, most: self.max_batch });
        }
        self.check_finite(records, 0)?;
        Ok(count)
    }

    /// Answers many records, `[n, input width]`, for work without a client: each output as `[n, its width]`.
    ///
    /// Goes through the same queue in blocks of at most `max_batch` records, as many at a time as there are sessions,
    /// waiting for room, so that online requests take turns with it. Blocks the calling thread: in async code, call it
    /// from a blocking task.
    ///
    /// # Errors
    /// As [`run`](Self::run), but never [`RuntimeError::TooManyRecords`], [`RuntimeError::QueueFull`] or
    /// [`RuntimeError::DeadlineExceeded`].
    pub fn run_batch(&self, records: ArrayView2<'_, f32>) -> Result<BTreeMap<String, Array2<f32>>, RuntimeError> {
        if records.ncols() != self.input.width() {
            return Err(self.wrong_width(records.ncols()));
        }
        let mut gathered: Vec<Vec<f32>> = self.outputs.iter().map(|_| Vec::new()).collect();
        let mut gather = |answer: Receiver<Result<Answer, RuntimeError>>| {
            let mut outputs = answer.recv().map_err(|_| RuntimeError::Stopped)??.outputs;
            for (info, gathered) in self.outputs.iter().zip(&mut gathered) {
                gathered.append(&mut outputs.take(info.name()).unwrap_or_default());
            }
            Ok(())
        };
        let mut under_way = VecDeque::with_capacity(self.threads.len());
        for (block, rows) in records.axis_chunks_iter(Axis(0), self.max_batch).enumerate() {
            let numbers: Vec<f32> = rows.iter().copied().collect();
            self.check_finite(&numbers, block * self.max_batch)?;
            if under_way.len() == self.threads.len()
                && let Some(oldest) = under_way.pop_front()
            {
                gather(oldest)?;
            }
            let (reply, answer) = sync_channel(1);
            let ticket = Ticket::new(numbers.len(), None, Reply::Thread(reply));
            self.queue.push_when_room(numbers, ticket)?;
            under_way.push_back(answer);
        }
        under_way.into_iter().try_for_each(&mut gather)?;
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

    /// Takes no more requests; each is refused with [`RuntimeError::Stopped`]. Those that wait are still answered.
    pub fn close(&self) {
        self.queue.close();
    }

    fn wrong_width(&self, got: usize) -> RuntimeError {
        RuntimeError::WrongWidth { input: self.input.name().to_owned(), expected: self.input.width(), got }
    }

    /// Refuses records, counted from `first`, that are not finite.
    fn check_finite(&self, records: &[f32], first: usize) -> Result<(), RuntimeError> {
        let width = self.input.width();
        match records.iter().enumerate().find(|(_, number)| !number.is_finite()) {
            None => Ok(()),
            Some((place, number)) => Err(RuntimeError::NonFiniteInput {
                record: first + place / width,
                index: place % width,
                value: number.to_string(),
            }),
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("the thread of an ONNX session panicked");
            }
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("input", &self.input)
            .field("outputs", &self.outputs)
            .field("max_batch", &self.max_batch)
            .field("sessions", &self.threads.len())
            .field("providers", &self.providers)
            .finish_non_exhaustive()
    }
}
