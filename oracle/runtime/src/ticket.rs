//! Who waits for an answer, and until when.

use std::{
    sync::mpsc::SyncSender,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{Answer, RuntimeError};

/// One request that waits, without its records.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// Numbers in its records, all together.
    pub(crate) numbers: usize,
    arrived: Instant,
    deadline: Option<Instant>,
    reply: Reply,
}

/// Where the answer goes.
#[derive(Debug)]
pub(crate) enum Reply {
    /// To an asynchronous caller, who may hang up.
    Task(oneshot::Sender<Result<Answer, RuntimeError>>),
    /// To a thread that waits.
    Thread(SyncSender<Result<Answer, RuntimeError>>),
}

impl Ticket {
    /// A request of `numbers` numbers that arrives now.
    pub(crate) fn new(numbers: usize, deadline: Option<Instant>, reply: Reply) -> Self {
        Self { numbers, arrived: Instant::now(), deadline, reply }
    }

    /// Whether the caller hung up.
    pub(crate) fn is_abandoned(&self) -> bool {
        matches!(&self.reply, Reply::Task(reply) if reply.is_closed())
    }

    /// Whether nobody wants the answer any more: the caller hung up, or its deadline has passed.
    pub(crate) fn is_lost(&self, now: Instant) -> bool {
        self.is_abandoned() || self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// How long it has waited.
    pub(crate) fn waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.arrived)
    }

    pub(crate) fn answer(self, answer: Result<Answer, RuntimeError>) {
        // A caller that went away meanwhile no longer wants the answer.
        match self.reply {
            Reply::Task(reply) => drop(reply.send(answer)),
            Reply::Thread(reply) => drop(reply.send(answer)),
        }
    }
}
