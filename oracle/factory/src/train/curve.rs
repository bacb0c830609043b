//! How a training went, as data and as a picture.

use std::fmt::Write;

use super::{Epoch, Progress};
use crate::pictures;

/// Every step of a convergence or every epoch of a descent.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// Steps.
    Steps(Vec<Progress>),
    /// Epochs.
    Epochs(Vec<Epoch>),
}

impl Curve {
    /// Losses over steps or epochs.
    #[must_use]
    pub fn svg(&self) -> String {
        pictures::curve(self)
    }

    /// Comma-separated values under headings.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::new();
        let written = match self {
            Self::Steps(steps) => {
                text.push_str("step,objective,largest gradient\n");
                steps
                    .iter()
                    .try_for_each(|step| writeln!(text, "{},{},{:e}", step.iteration, step.loss, step.gradient_norm))
            }
            Self::Epochs(epochs) => {
                text.push_str("epoch,rate,loss,validation loss,validation accuracy\n");
                epochs.iter().try_for_each(|epoch| {
                    let validated = epoch.validation.map(|validated| validated.loss.to_string()).unwrap_or_default();
                    let accuracy = epoch.validation.and_then(|validated| validated.accuracy);
                    let accuracy = accuracy.map(|share| share.to_string()).unwrap_or_default();
                    writeln!(text, "{},{},{},{validated},{accuracy}", epoch.epoch, epoch.rate, epoch.loss)
                })
            }
        };
        // Writing to a text does not fail.
        debug_assert!(written.is_ok());
        text
    }
}
