//! The moments of serving, closing and posting at which a crash must lose nothing. Each is an event of the log, at level
//! trace under this module's name: whoever wants to stop the program there needs nothing else.
//!
//! The ledger and the submission have moments of their own; these lie between theirs.

/// A moment of a host's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A host is open and serves nobody yet.
    HostOpened,
    /// A clerk is open and has not looked yet.
    ClerkOpened,
    /// A question may be served; nothing of it is on disk.
    Admitted,
    /// It is reserved, and the model has not run.
    Reserved,
    /// The model's outputs are there.
    Computed,
    /// The receipt is signed and nowhere but in memory.
    ReceiptSigned,
    /// It is earned, and the answer has not left.
    Earned,
    /// A question that was reserved failed, and its reservation stands.
    Failed,
    /// An epoch is about to be closed.
    Closing,
    /// The vault has counted what was earned, and nothing is sealed.
    Collected,
    /// The epoch's receipts are sealed, and there is no batch.
    Sealed,
    /// The batch is in memory, verified.
    Settled,
    /// It is on disk under a name that is not its own.
    BatchWritten,
    /// It is published.
    BatchPublished,
    /// What attestors say is on disk under a name that is not its own.
    WordsWritten,
    /// What attestors say is kept.
    WordsKept,
    /// The epoch is closed.
    Closed,
    /// Enough attestors have signed, and nothing is submitted.
    Quorate,
    /// The root is in the submission's hands.
    Submitted,
}

/// Every moment, in the order in which a host passes them.
pub const MOMENTS: [Moment; 19] = [
    Moment::HostOpened,
    Moment::ClerkOpened,
    Moment::Admitted,
    Moment::Reserved,
    Moment::Computed,
    Moment::ReceiptSigned,
    Moment::Earned,
    Moment::Failed,
    Moment::Closing,
    Moment::Collected,
    Moment::Sealed,
    Moment::Settled,
    Moment::BatchWritten,
    Moment::BatchPublished,
    Moment::WordsWritten,
    Moment::WordsKept,
    Moment::Closed,
    Moment::Quorate,
    Moment::Submitted,
];

impl Moment {
    pub(crate) fn reached(self) {
        tracing::trace!(moment = ?self, "reached");
    }
}
