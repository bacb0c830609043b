//! The records of one pass, side by side, and who waits for them.

use std::time::Instant;

use crate::ticket::Ticket;

/// One batch: filled in the queue, then swapped with a session's last one, so that no buffer is allocated twice.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Row-major, in the order of `tickets`.
    pub(crate) records: Vec<f32>,
    pub(crate) tickets: Vec<Ticket>,
    /// Requests left out because their deadline passed; they are still to be told.
    pub(crate) expired: Vec<Ticket>,
    /// Requests left out because their caller hung up.
    pub(crate) abandoned: u64,
}

impl Batch {
    /// An empty batch that keeps `records` as its buffer.
    pub(crate) fn reusing(mut records: Vec<f32>) -> Self {
        records.clear();
        Self { records, ..Self::default() }
    }

    pub(crate) fn add(&mut self, records: &[f32], ticket: Ticket) {
        self.records.extend_from_slice(records);
        self.tickets.push(ticket);
    }

    /// Notes a request that is left out.
    pub(crate) fn leave_out(&mut self, ticket: Ticket) {
        if ticket.is_abandoned() {
            self.abandoned += 1;
        } else {
            self.expired.push(ticket);
        }
    }

    /// Leaves out the requests that nobody waits for, and closes the gaps between the records.
    pub(crate) fn leave_out_lost(&mut self, now: Instant) {
        let records = &mut self.records;
        let (mut read, mut written) = (0, 0);
        let lost: Vec<Ticket> = self
            .tickets
            .extract_if(.., |ticket| {
                let rows = read..read + ticket.numbers;
                read = rows.end;
                let lost = ticket.is_lost(now);
                if !lost {
                    let to = written;
                    written += rows.len();
                    if to != rows.start {
                        records.copy_within(rows, to);
                    }
                }
                lost
            })
            .collect();
        records.truncate(written);
        lost.into_iter().for_each(|ticket| self.leave_out(ticket));
    }

    /// Whether there is nothing to compute, to tell or to count.
    pub(crate) fn is_empty(&self) -> bool {
        self.tickets.is_empty() && self.expired.is_empty() && self.abandoned == 0
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.tickets.clear();
        self.expired.clear();
        self.abandoned = 0;
    }
}
