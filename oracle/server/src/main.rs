//! `tributary`: the ledger and pay-roll of community-owned AI, as one program.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod commands;
mod logging;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let command = commands::Program::parse();
    let _until_sent = match logging::begin(command.log_level()) {
        Ok(sending) => sending,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the program's threads could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("error: {}", chain(&report));
            ExitCode::FAILURE
        }
    }
}

/// Every cause on one line; a cause that its parent already quotes is not said twice.
fn chain(report: &eyre::Report) -> String {
    let mut text = String::new();
    for cause in report.chain() {
        let cause = cause.to_string();
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}
