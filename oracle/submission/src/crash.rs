//! The places between two durable steps, where a crash must lose nothing. Tests stop the program at each of them.

/// A place. In the order in which an intent passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
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

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) const PLACES: [Place; 10] = [
    Place::Built,
    Place::Planned,
    Place::SignedInMemory,
    Place::Signed,
    Place::Broadcast,
    Place::Sent,
    Place::ReceiptSeen,
    Place::Included,
    Place::FinalitySeen,
    Place::Final,
];

/// What happens at a place.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    /// The step ends with an error, and with it everything that was only in memory.
    Error(Place),
    /// The process says where it is and waits to be killed.
    Wait(Place),
}

#[cfg(test)]
impl Crash {
    pub(crate) fn reached(self, place: Place) -> Result<(), crate::SubmissionError> {
        match self {
            Self::Error(wanted) if wanted == place => Err(crate::SubmissionError::Crash("a place of a test")),
            Self::Wait(wanted) if wanted == place => {
                println!("\nreached {place:?}");
                loop {
                    std::thread::park();
                }
            }
            _ => Ok(()),
        }
    }
}
