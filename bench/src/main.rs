//! Measurements, each against its alternative in the same run.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod attribution;
mod cost;
mod dataset;
mod process;
mod server;
mod settlement;
mod training;

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
    /// What a dataset of a million small records costs, from files to proofs.
    Dataset(dataset::Arguments),
    /// Trains on what attackers offer and compares what they are paid with what honesty pays.
    Attacks(attribution::attacks::Arguments),
    /// What scores, a settlement and the payout tree cost, beside the plain loops.
    Settlement(settlement::Arguments),
    /// What durable, signed receipts cost: the host beside plain servers of the same models, at 1 to 256 clients.
    Server(server::Arguments),
    /// The host under load, sign-ins and closing epochs for minutes; fails where its memory grows.
    Soak(server::soak::Arguments),
    /// Trains the same models as PyTorch, in turn with it.
    Training(training::Arguments),
    /// One round of ours: what `training` times.
    #[command(hide = true)]
    TrainingRound(training::Round),
    /// A plain server of one ONNX file: what `server` compares with.
    #[command(hide = true)]
    PlainHost(server::plain::Arguments),
}

fn main() -> eyre::Result<()> {
    match Arguments::parse().what {
        What::Attribution(arguments) => attribution::run(&arguments),
        What::Cost(arguments) => cost::run(&arguments),
        What::Dataset(arguments) => dataset::run(&arguments),
        What::Attacks(arguments) => attribution::attacks::run(&arguments),
        What::Settlement(arguments) => settlement::run(&arguments),
        What::Server(arguments) => server::run(&arguments),
        What::Soak(arguments) => server::soak::run(&arguments),
        What::Training(arguments) => training::run(&arguments),
        What::TrainingRound(arguments) => training::round(&arguments),
        What::PlainHost(arguments) => server::plain::run(&arguments),
    }
}
