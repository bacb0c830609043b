//! The thread that owns a session: it takes what waits, computes it in one pass, and hands the rows back.

use std::time::{Duration, Instant};

use crate::{
    Answer, RuntimeError, Timing,
    batch::Batch,
    engine::{Engine, Pass},
    queue::Presence,
    stats::Counters,
    ticket::Ticket,
};

/// Serves the queue as session number `session` until it is closed and nothing waits.
pub(crate) fn serve(mut engine: Engine, at: Presence, counters: &Counters, session: usize) {
    let mut batch = Batch::reusing(engine.take_buffer());
    while at.queue().take(&mut batch) {
        counters.abandoned(batch.abandoned);
        let begun = Instant::now();
        for ticket in batch.expired.drain(..) {
            counters.expired();
            let waited = ticket.waited(begun);
            ticket.answer(Err(RuntimeError::DeadlineExceeded { waited }));
        }
        if !batch.tickets.is_empty() {
            let mut owner = Owner { engine: &mut engine, counters, session };
            owner.serve(&batch.records, &mut batch.tickets, begun);
        }
    }
}

struct Owner<'a> {
    engine: &'a mut Engine,
    counters: &'a Counters,
    session: usize,
}

impl Owner<'_> {
    /// Answers `tickets`, whose `records` are one batch.
    fn serve(&mut self, records: &[f32], tickets: &mut Vec<Ticket>, begun: Instant) {
        let alone = tickets.len() == 1;
        let error = match self.pass(records) {
            Ok(pass) => return pass.answer(tickets.drain(..), begun),
            Err(error) => error,
        };
        if alone {
            tickets.drain(..).for_each(|ticket| ticket.answer(Err(error.clone())));
            return;
        }
        // One caller's records must not cost the others their answer: each request is tried alone.
        tracing::warn!(%error, requests = tickets.len(), "a batch failed; running its requests one by one");
        let mut rest = records;
        for ticket in tickets.drain(..) {
            let (own, others) = rest.split_at(ticket.numbers);
            rest = others;
            let begun = Instant::now();
            match self.pass(own) {
                Ok(pass) => pass.answer(std::iter::once(ticket), begun),
                Err(error) => ticket.answer(Err(error)),
            }
        }
    }

    /// One pass, counted before anybody hears of it.
    fn pass(&mut self, records: &[f32]) -> Result<Timed<'_>, RuntimeError> {
        let begun = Instant::now();
        let batch = records.len() / self.engine.input().width();
        let pass = self.engine.pass(records);
        let computed = begun.elapsed();
        self.counters.pass(self.session, batch, computed);
        Ok(Timed { pass: pass?, computed, batch })
    }
}

/// A pass and what it took.
struct Timed<'a> {
    pass: Pass<'a>,
    computed: Duration,
    batch: usize,
}

impl Timed<'_> {
    /// Hands `tickets`, in the order of their records, the rows that are theirs.
    fn answer(self, tickets: impl Iterator<Item = Ticket>, begun: Instant) {
        let mut first = 0;
        for ticket in tickets {
            let records = first..first + ticket.numbers / self.pass.width();
            first = records.end;
            let timing = Timing { queued: ticket.waited(begun), computed: self.computed, batch: self.batch };
            let outputs = self.pass.outputs(records);
            ticket.answer(outputs.map(|outputs| Answer { outputs, timing }));
        }
    }
}
