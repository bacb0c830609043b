//! What is attributed and what is trained on, as operators of the graph: the target `f` and the loss of each record, and
//! what both change by at the model's output. Seeds for [reverse mode](crate::gradient::reverse).
//!
//! | target | `f` | loss |
//! |---|---|---|
//! | [`Target::Margin`] | `z_y − logsumexp_{j≠y} z_j` of a class (Park et al., TRAK, 2023) | cross-entropy |
//! | [`Target::Regression`] | the output | `½ (f − y)²` |
//! | [`Target::MultiLabel`] | `Σ_l ±z_l`, plus where the label is served | binary cross-entropy, summed |
//! | [`Target::Sequence`] | `Σ_t log p(y_t)` | `−f` |
//!
//! Everything stays finite at logits as large as `f32` goes. Labels are an input that may be left out: then what the
//! model itself serves is the label, so that one graph serves and trains.

mod error;
mod labels;
mod margin;
mod multi_label;
mod regression;
mod sequence;
mod steps;

pub use error::TargetError;
pub use labels::labels;

use crate::graph::Builder;
use steps::Steps;

/// What of an output is attributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A class among logits `[batch, classes]`. Labels: `i64 [batch]`; −1 is the served class, that of the largest
    /// logit, the first of equals.
    Margin,
    /// A number, `[batch]` or `[batch, 1]`. Labels: `f32` of the output's shape; they must be given for a loss.
    Regression,
    /// Logits of independent labels, `[batch, labels]`. Labels: `f32 [batch, labels]` of 0 and 1; what is negative is
    /// what is served, 1 where the logit is positive.
    MultiLabel,
    /// Logits of each position's token, `[batch, positions, tokens]`. Labels: `i64 [batch, positions]`; −1 leaves a
    /// position out, −2 is the served token, that of the largest logit.
    Sequence,
}

/// A function of the model's output, and where its gradient begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The model's output.
    pub output: String,
    /// The function, record by record: the value `[batch]`.
    pub value: String,
    /// What it changes by with the output: a value of the output's shape.
    pub cotangent: String,
    /// The labels that were taken, served or given; none for a regression that is served.
    pub labels: Option<String>,
}

/// Appends the target of an output: that of the labels, or without them of what is served.
///
/// # Errors
/// [`TargetError`].
pub fn serve(builder: &mut Builder, target: Target, output: &str, labels: Option<&str>) -> Result<Seed, TargetError> {
    let mut steps = Steps::new(builder, target, output);
    match target {
        Target::Margin => margin::serve(&mut steps, labels),
        Target::Regression => regression::serve(&mut steps),
        Target::MultiLabel => multi_label::serve(&mut steps, labels),
        Target::Sequence => sequence::serve(&mut steps, labels),
    }
}

/// Appends the loss of an output for labels, record by record and without any weight or mean.
///
/// # Errors
/// [`TargetError`].
pub fn loss(builder: &mut Builder, target: Target, output: &str, labels: &str) -> Result<Seed, TargetError> {
    let mut steps = Steps::new(builder, target, output);
    match target {
        Target::Margin => margin::loss(&mut steps, labels),
        Target::Regression => regression::loss(&mut steps, labels),
        Target::MultiLabel => multi_label::loss(&mut steps, labels),
        Target::Sequence => sequence::loss(&mut steps, labels),
    }
}
