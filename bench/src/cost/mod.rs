//! What attribution costs: serving beside the plain model, building, training, the numerics by themselves. Times are the
//! best of several runs in turn, so that ratios hold on a noisy machine.

mod numerics;
mod serving;
mod training;

use std::path::PathBuf;

use eyre::Result;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    data: PathBuf,
    /// Features of the curvature whose numerics are timed.
    #[arg(long, default_value_t = 1_024)]
    features: usize,
    /// Records of the index that explains.
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// Where the serving table is written as JSON.
    #[arg(long, default_value = "bench/results/cost.json")]
    results: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    serving::run(arguments)?;
    training::run(arguments)?;
    numerics::run(arguments)
}
