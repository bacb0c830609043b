//! Where requests wait: the next batch, which fills while sessions are busy, and the line behind it.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{RuntimeError, batch::Batch, ticket::Ticket};

/// The queue that a model's sessions share.
///
/// Requests leave it in the order they came, and none is split over two batches. There is no timer: a session that
/// is free takes what is there.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Most requests that may wait.
    capacity: usize,
    /// Most numbers in a batch.
    batch: usize,
    state: Mutex<State>,
    /// Signalled when there is something to take, or nothing will come any more.
    work: Condvar,
    /// Signalled when a request may have found room.
    room: Condvar,
}

#[derive(Debug)]
struct State {
    /// What the next free session takes.
    next: Batch,
    /// What came after it. Its head does not fit into `next`.
    line: VecDeque<(Vec<f32>, Ticket)>,
    /// Sessions that still take.
    sessions: usize,
    closed: bool,
}

impl Queue {
    /// A queue for `capacity` requests that makes batches of at most `batch` numbers.
    pub(crate) fn new(capacity: usize, batch: usize) -> Self {
        let state = State { next: Batch::default(), line: VecDeque::new(), sessions: 0, closed: false };
        Self { capacity, batch, state: Mutex::new(state), work: Condvar::new(), room: Condvar::new() }
    }

    /// Lets a request wait, of at most a batch's numbers.
    ///
    /// # Errors
    /// [`RuntimeError::QueueFull`], [`RuntimeError::Stopped`] once closed.
    pub(crate) fn push(&self, records: Vec<f32>, ticket: Ticket) -> Result<(), RuntimeError> {
        let state = self.lock();
        if !state.closed && state.waiting() >= self.capacity {
            return Err(RuntimeError::QueueFull { capacity: self.capacity });
        }
        self.append(state, records, ticket)
    }

    /// As [`push`](Self::push), but blocks the thread while the queue is full.
    ///
    /// # Errors
    /// [`RuntimeError::Stopped`] once closed.
    pub(crate) fn push_when_room(&self, records: Vec<f32>, ticket: Ticket) -> Result<(), RuntimeError> {
        let mut state = self.lock();
        while !state.closed && state.waiting() >= self.capacity {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.append(state, records, ticket)
    }

    /// Swaps `last`, which is emptied, with the next batch, as soon as there is one. False once the queue is closed
    /// and nothing waits.
    ///
    /// A batch without tickets says only that requests were left out.
    pub(crate) fn take(&self, last: &mut Batch) -> bool {
        last.clear();
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            state.next.leave_out_lost(now);
            // What was left out makes room, and a lost request at the head must not keep others waiting.
            state.refill(self.batch, |ticket| ticket.is_lost(now));
            if !state.next.is_empty() {
                mem::swap(last, &mut state.next);
                state.refill(self.batch, |_| false);
                drop(state);
                self.room.notify_all();
                return true;
            }
            if state.closed {
                return false;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Requests that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting()
    }

    /// Takes no more requests. Those that wait can still be taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Counts one more session, until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Presence {
        self.lock().sessions += 1;
        Presence(Arc::clone(self))
    }

    fn append(&self, mut state: MutexGuard<'_, State>, records: Vec<f32>, ticket: Ticket) -> Result<(), RuntimeError> {
        if state.closed {
            return Err(RuntimeError::Stopped);
        }
        if state.line.is_empty() && state.fits(ticket.numbers, self.batch) {
            state.next.add(&records, ticket);
        } else {
            state.line.push_back((records, ticket));
        }
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panics with the lock leaves a state that is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self) -> usize {
        self.next.tickets.len() + self.line.len()
    }

    fn fits(&self, numbers: usize, batch: usize) -> bool {
        self.next.records.len() + numbers <= batch
    }

    /// Moves the line up into the next batch as far as it fits, leaving out the requests that are `lost`.
    fn refill(&mut self, batch: usize, lost: impl Fn(&Ticket) -> bool) {
        while let Some((_, ticket)) = self.line.front() {
            let lost = lost(ticket);
            if !lost && !self.fits(ticket.numbers, batch) {
                break;
            }
            match self.line.pop_front() {
                Some((_, ticket)) if lost => self.next.leave_out(ticket),
                Some((records, ticket)) => self.next.add(&records, ticket),
                None => break,
            }
        }
    }
}

/// A session at the queue. When the last one leaves, even by a panic, nobody is left waiting for an answer.
#[derive(Debug)]
pub(crate) struct Presence(Arc<Queue>);

impl Presence {
    pub(crate) fn queue(&self) -> &Queue {
        &self.0
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.sessions -= 1;
        if state.sessions > 0 {
            return;
        }
        state.closed = true;
        let left = (mem::take(&mut state.next), mem::take(&mut state.line));
        drop(state);
        self.0.room.notify_all();
        // Dropped without an answer, the requests' callers learn that the model has stopped.
        drop(left);
    }
}
