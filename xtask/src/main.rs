//! Maintenance of the tree: generated files and measurements.
//!
//! `cargo xtask contracts` builds the contracts and exports what the Rust bindings, the deployer and the TypeScript SDK
//! use;
//! `cargo xtask vectors` writes the golden vectors that Rust and Solidity both test;
//! `cargo xtask gas` measures what calls cost and `cargo xtask coverage` what the contract tests reach;
//! `cargo xtask bench` runs a measurement. With `--check` the first three change nothing and fail when a file is stale.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod contracts;
mod coverage;
mod gas;
mod generated;
mod typescript;
mod vectors;

use std::{path::PathBuf, process::Command};

use clap::{Parser, Subcommand};
use eyre::{Result, ensure};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Maintenance of the Tributary tree")]
enum Task {
    /// Build the contracts with foundry.toml's settings; export ABI and initcode into sdk/abi, TypeScript into sdk/js.
    Contracts(Mode),
    /// Write the golden vectors into test/vectors.
    Vectors(Mode),
    /// Measure the gas of the main calls into test/gas/snapshots; with --check, fail where one got worse by over 2 %.
    Gas(Mode),
    /// Line and branch coverage of the contracts; fails below 97 % and 92 %.
    Coverage,
    /// Run a measurement.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct Mode {
    /// Change nothing; fail when the committed files are stale.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum Bench {
    /// Attribution against really retrained models.
    Attribution(Passed),
    /// What attackers are paid, against what honesty pays, on really retrained models.
    Attacks(Passed),
    /// What attribution costs: serving beside the plain model, building, training, numerics.
    Cost(Passed),
    /// What a dataset of a million small records costs, from files to proofs.
    Dataset(Passed),
    /// What scores, a settlement and the payout tree cost, beside the plain loops.
    Settlement(Passed),
    /// What durable, signed receipts cost: the host beside plain servers of the same models.
    Server(Passed),
    /// The host under load, sign-ins and closing epochs for minutes; fails where its memory grows.
    Soak(Passed),
    /// Training beside PyTorch's: speed, accuracy, gradients, memory.
    Training(Passed),
}

/// What the measurement itself is told: `cargo xtask bench settlement --help` lists it.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_help_flag = true)]
struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Contracts(Mode { check: false }) => contracts::export(&root()),
        Task::Contracts(Mode { check: true }) => contracts::check(&root()),
        Task::Vectors(mode) => {
            generated::settle(&root().join("test/vectors"), &vectors::all()?, mode, "cargo xtask vectors")
        }
        Task::Gas(Mode { check: false }) => gas::write(&root()),
        Task::Gas(Mode { check: true }) => gas::check(&root()),
        Task::Coverage => coverage::check(&root()),
        Task::Bench(Bench::Attribution(passed)) => bench("attribution", &passed.arguments),
        Task::Bench(Bench::Cost(passed)) => bench("cost", &passed.arguments),
        Task::Bench(Bench::Attacks(passed)) => bench("attacks", &passed.arguments),
        Task::Bench(Bench::Dataset(passed)) => bench("dataset", &passed.arguments),
        Task::Bench(Bench::Settlement(passed)) => bench("settlement", &passed.arguments),
        Task::Bench(Bench::Server(passed)) => bench_host("server", &passed.arguments),
        Task::Bench(Bench::Soak(passed)) => bench_host("soak", &passed.arguments),
        Task::Bench(Bench::Training(passed)) => bench("training", &passed.arguments),
    }
}

fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

fn bench(name: &str, arguments: &[String]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--quiet", "-p", "tributary-bench", "--", name])
        .args(arguments)
        .current_dir(root())
        .status()?;
    ensure!(status.success(), "bench {name} did not hold: {status}");
    Ok(())
}

/// A measurement that runs the program: both are built, beside each other.
fn bench_host(name: &str, arguments: &[String]) -> Result<()> {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "-p", "tributary-server", "-p", "tributary-bench"]);
    let built = build.current_dir(root()).status()?;
    ensure!(built.success(), "bench {name} could not be built: {built}");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut measure = Command::new(root().join(target).join("release/tributary-bench"));
    let status = measure.arg(name).args(arguments).current_dir(root()).status()?;
    ensure!(status.success(), "bench {name} did not hold: {status}");
    Ok(())
}
