//! Measurements, each against its alternative in the same run.
#![forbid(unsafe_code)]

mod attribution;
mod cost;
mod settlement;

use clap::{Parser, Subcommand};

/// Measures Tributary.
#[derive(Debug, Parser)]
#[command(name = "tributary-bench", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Retrains without each contributor in turn and compares with what attribution says.
    Attribution(attribution::Arguments),
    /// What attribution costs: serving beside the plain model, building, training, numerics.
    Cost(cost::Arguments),
    /// What scores, a settlement and the payout tree cost, beside the plain loops.
    Settlement(settlement::Arguments),
}

fn main() -> eyre::Result<()> {
    match Arguments::parse().what {
        What::Attribution(arguments) => attribution::run(&arguments),
        What::Cost(arguments) => cost::run(&arguments),
        What::Settlement(arguments) => settlement::run(&arguments),
    }
}
