//! The moments between two durable steps, at which a crash must lose nothing. Each is an event of the log, at level trace
//! under this module's name: whoever wants to stop the program there needs nothing else.

/// A moment of an intent's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The intent is on disk.
    Built,
    /// Nonce, fees and gas are chosen.
    Planned,
    /// A transaction is signed and nowhere but in memory.
    SignedInMemory,
    /// It is on disk.
    Signed,
    /// Every node was given it, and the file does not say so.
    Broadcast,
    /// The file says so.
    Sent,
    /// A receipt was seen.
    ReceiptSeen,
    /// It is on disk.
    Included,
    /// Its block was seen to be final.
    FinalitySeen,
    /// The end is on disk.
    Final,
}

/// Every moment, in the order in which an intent passes them.
pub const MOMENTS: [Moment; 10] = [
    Moment::Built,
    Moment::Planned,
    Moment::SignedInMemory,
    Moment::Signed,
    Moment::Broadcast,
    Moment::Sent,
    Moment::ReceiptSeen,
    Moment::Included,
    Moment::FinalitySeen,
    Moment::Final,
];

impl Moment {
    pub(crate) fn reached(self) {
        tracing::trace!(moment = ?self, "reached");
    }
}
