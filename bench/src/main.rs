//! Measurements, each against its alternative in the same run.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

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
    /// Retrains on random halves of records and contributors and compares with what attribution says.
    Attribution(attribution::Arguments),
    /// What attribution costs: serving beside the plain model, building, training, numerics.
    Cost(cost::Arguments),
    /// Trains on what attackers offer and compares what they are paid with what honesty pays.
    Attacks(attribution::attacks::Arguments),
    /// What scores, a settlement and the payout tree cost, beside the plain loops.
    Settlement(settlement::Arguments),
}

fn main() -> eyre::Result<()> {
    match Arguments::parse().what {
        What::Attribution(arguments) => attribution::run(&arguments),
        What::Cost(arguments) => cost::run(&arguments),
        What::Attacks(arguments) => attribution::attacks::run(&arguments),
        What::Settlement(arguments) => settlement::run(&arguments),
    }
}
