//! The thread that owns a session: it takes what waits, computes it in one pass, and hands the rows back.

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender},
};

use tokio::sync::oneshot;

use crate::{Outputs, RuntimeError, engine::Engine, stats::Counters};

/// One pass's outputs, each `[batch, width]` row-major, in the model's order.
pub(crate) type Columns = Vec<Vec<f32>>;

/// Work for the owner thread.
pub(crate) enum Job {
    /// One record, which shares its pass with whatever else waits.
    One { record: Vec<f32>, reply: oneshot::Sender<Result<Outputs, RuntimeError>> },
    /// Records that already form a batch.
    Block { records: Vec<f32>, reply: SyncSender<Result<Columns, RuntimeError>> },
}

/// Serves `queue` until every sender is gone and nothing waits.
pub(crate) fn serve(mut engine: Engine, queue: &Receiver<Job>, max_batch: usize, counters: &Counters) {
    let mut held_back = None;
    while let Some(job) = held_back.take().or_else(|| queue.recv().ok()) {
        match job {
            Job::Block { records, reply } => {
                counters.pass(records.len() / engine.input().width());
                // A caller that went away no longer wants the answer.
                let _ = reply.send(engine.pass(&records));
            }
            Job::One { record, reply } => {
                let mut batch = Batch::default();
                batch.add(record, reply, counters);
                while batch.replies.len() < max_batch {
                    match queue.try_recv() {
                        Ok(Job::One { record, reply }) => batch.add(record, reply, counters),
                        Ok(block) => {
                            held_back = Some(block);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                batch.compute(&mut engine, counters);
            }
        }
    }
}

/// Records of one pass and who waits for them.
#[derive(Default)]
struct Batch {
    records: Vec<f32>,
    replies: Vec<oneshot::Sender<Result<Outputs, RuntimeError>>>,
}

impl Batch {
    fn add(&mut self, record: Vec<f32>, reply: oneshot::Sender<Result<Outputs, RuntimeError>>, counters: &Counters) {
        if reply.is_closed() {
            counters.abandoned();
            return;
        }
        self.records.extend_from_slice(&record);
        self.replies.push(reply);
    }

    fn compute(self, engine: &mut Engine, counters: &Counters) {
        if self.replies.is_empty() {
            return;
        }
        counters.pass(self.replies.len());
        let width = engine.input().width();
        match engine.pass(&self.records) {
            Ok(columns) => {
                for (row, reply) in self.replies.into_iter().enumerate() {
                    let _ = reply.send(answer(engine, &columns, row));
                }
            }
            Err(error) if self.replies.len() == 1 => {
                for reply in self.replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
            // One caller's record must not cost the others their answer: each is tried alone.
            Err(error) => {
                tracing::warn!(%error, records = self.replies.len(), "a batch failed; running its records one by one");
                for (record, reply) in self.records.chunks_exact(width).zip(self.replies) {
                    counters.pass(1);
                    let _ = reply.send(engine.pass(record).and_then(|columns| answer(engine, &columns, 0)));
                }
            }
        }
    }
}

/// The outputs of record `row` of a pass.
fn answer(engine: &Engine, columns: &[Vec<f32>], row: usize) -> Result<Outputs, RuntimeError> {
    let mut outputs = Outputs::default();
    for ((name, info), column) in engine.names().iter().zip(engine.outputs()).zip(columns) {
        let numbers = column.chunks_exact(info.width()).nth(row).unwrap_or_default();
        check_finite(name, numbers)?;
        outputs.insert(name, numbers.to_vec());
    }
    Ok(outputs)
}

/// Refuses an output that no receipt could carry.
pub(crate) fn check_finite(name: &Arc<str>, numbers: &[f32]) -> Result<(), RuntimeError> {
    if numbers.iter().all(|number| number.is_finite()) {
        Ok(())
    } else {
        Err(RuntimeError::NonFiniteOutput { output: name.to_string() })
    }
}
