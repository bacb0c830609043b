//! The moments of a write at which a crash must lose nothing. Each is an event of the log, at level trace under this
//! module's name: whoever wants to stop the program there needs nothing else.

use crate::writer::Command;

/// A moment of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is decided, and its commit has not begun: nothing of it is on disk.
    Decided(Write),
    /// It is on disk, and nobody was told.
    Durable(Write),
}

/// A write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// What a crash left reserved is voided while the ledger is opened.
    Recovery,
    /// Somebody may ask.
    SignIn,
    /// Somebody may not ask any more.
    Revocation,
    /// A request is reserved.
    Reservation,
    /// Its receipt is earned.
    Receipt,
    /// It is voided.
    Void,
    /// An epoch is sealed.
    Seal,
    /// Inputs are forgotten.
    Forgetting,
}

/// Every moment, in the order in which a ledger passes them.
pub const MOMENTS: [Moment; 16] = {
    use Moment::{Decided, Durable};
    use Write::{Forgetting, Receipt, Recovery, Reservation, Revocation, Seal, SignIn, Void};
    [
        Decided(Recovery),
        Durable(Recovery),
        Decided(SignIn),
        Durable(SignIn),
        Decided(Revocation),
        Durable(Revocation),
        Decided(Reservation),
        Durable(Reservation),
        Decided(Receipt),
        Durable(Receipt),
        Decided(Void),
        Durable(Void),
        Decided(Seal),
        Durable(Seal),
        Decided(Forgetting),
        Durable(Forgetting),
    ]
};

impl Moment {
    pub(crate) fn reached(self) {
        tracing::trace!(moment = ?self, "reached");
    }
}

impl From<&Command> for Write {
    fn from(command: &Command) -> Self {
        match command {
            Command::SignIn { .. } => Self::SignIn,
            Command::Revoke { .. } => Self::Revocation,
            Command::Reserve { .. } => Self::Reservation,
            Command::Earn { .. } => Self::Receipt,
            Command::Void { .. } => Self::Void,
            Command::Seal { .. } => Self::Seal,
            Command::ForgetInputs { .. } => Self::Forgetting,
        }
    }
}
