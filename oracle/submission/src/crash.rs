//! What unit tests do to the program at a moment.

use crate::Moment;

mod tests;

/// What happens at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    /// The step ends with an error, and with it everything that was only in memory.
    Error(Moment),
    /// The process says where it is and waits to be killed.
    Wait(Moment),
}

impl Crash {
    pub(crate) fn reached(self, moment: Moment) -> Result<(), crate::SubmissionError> {
        match self {
            Self::Error(wanted) if wanted == moment => Err(crate::SubmissionError::Crash("a moment of a test")),
            Self::Wait(wanted) if wanted == moment => {
                println!("\nreached {moment:?}");
                loop {
                    std::thread::park();
                }
            }
            _ => Ok(()),
        }
    }
}
