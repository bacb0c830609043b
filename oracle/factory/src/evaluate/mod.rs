//! How good a model is: what it answers to records that nobody trained on, measured.
//!
//! | module | what it holds |
//! |---|---|
//! | [`answers`] | what a model answers, record by record; everything else is made from it |
//! | [`interval`], `digits` | 95 % intervals: Wilson's of shares, bootstrap of everything else; what is rounded how |
//! | [`metric`] | what can be said in one number |
//! | [`classification`], [`confusion`], [`calibration`], `roc` | of classifiers |
//! | [`regression`] | of numbers |
//! | [`baseline`], [`comparison`] | against what anybody could answer, and against a base model |
//! | [`mod@slices`] | on parts of the records |
//! | [`holdout`] | on the records of contributors whom it did not see |
//! | [`mod@frontier`] | what accuracy costs attributability |
//!
//! Everything is repeatable: resamples are seeded.

pub mod answers;
pub mod baseline;
pub mod calibration;
pub mod classification;
pub mod comparison;
pub mod confusion;
pub(crate) mod digits;
pub mod frontier;
pub mod holdout;
pub mod interval;
pub mod metric;
pub mod regression;
mod roc;
pub mod slices;
#[cfg(test)]
pub(crate) mod testing;

pub use answers::Answers;
pub use baseline::Baseline;
pub use classification::Classification;
pub use comparison::{Comparison, Paired, Verdict, compare};
pub use frontier::{FrontierPoint, FrontierSettings, frontier};
pub use holdout::{HoldOut, holdouts};
pub use interval::Estimate;
pub use metric::Metric;
pub use regression::Regression;
pub use slices::{Slice, SliceResult, on_slices, slices};

use serde::{Deserialize, Serialize};
use tributary_attribution::{Records, graph::Graph};
use tributary_runtime::OnnxRuntime;

use crate::FactoryError;

/// How a model does on one set of records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "camelCase")]
pub enum Evaluation {
    /// A classifier.
    Classification(Classification),
    /// A regression.
    Regression(Regression),
}

impl Evaluation {
    /// Measures answers.
    ///
    /// # Errors
    /// [`FactoryError::NoRecords`].
    pub fn of(answers: &Answers) -> Result<Self, FactoryError> {
        let found = match answers {
            Answers::Classes { .. } => Classification::of(answers).map(Self::Classification),
            Answers::Values(_) => Regression::of(answers).map(Self::Regression),
        };
        found.ok_or(FactoryError::NoRecords)
    }

    /// Records evaluated.
    pub fn records(&self) -> u32 {
        match self {
            Self::Classification(found) => found.confusion.records(),
            Self::Regression(found) => found.records,
        }
    }

    /// Records classified right; 0 for a regression, which classifies none.
    pub fn correct(&self) -> u32 {
        match self {
            Self::Classification(found) => found.confusion.correct(),
            Self::Regression(_) => 0,
        }
    }

    /// Share classified right, between 0 and 1; 0 for a regression, which classifies none.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.records().max(1))
    }
}

/// Asks the model about records, by its first output, and measures what it answers: logits `[batch, classes]` of records
/// with classes, a number `[batch]` or `[batch, 1]` of records with values. Takes a thousand resamples: some seconds where
/// there are many records.
///
/// # Errors
/// [`FactoryError::NoRecords`], [`FactoryError::Runtime`], [`FactoryError::Attribution`] for records of another kind.
pub fn evaluate(runtime: &OnnxRuntime, model: &Graph, records: &Records) -> Result<Evaluation, FactoryError> {
    Evaluation::of(&Answers::of(runtime, model, records)?)
}

#[cfg(test)]
mod tests;
