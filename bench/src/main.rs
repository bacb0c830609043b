//! Measurements, each against its alternative in the same run.
#![forbid(unsafe_code)]

mod attribution;

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
}

fn main() -> eyre::Result<()> {
    match Arguments::parse().what {
        What::Attribution(arguments) => attribution::run(&arguments),
    }
}
