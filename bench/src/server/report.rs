//! The table, and the same as JSON.

use serde_json::{Value, json};

use super::{
    Arguments,
    load::percentile,
    market::Model,
    measure::{Cell, Who},
};

pub(super) fn heading(model: &Model) {
    println!(
        "\n{:<8} {:>7}  {:<14} {:>9} {:>9} {:>9} {:>10} {:>11} {:>9} {:>9}",
        model.which.name(),
        "clients",
        "server",
        "answers/s",
        "p50 ms",
        "p99 ms",
        "core ms",
        "rows/commit",
        "÷ single",
        "÷ batched"
    );
}

/// All servers at one number of clients.
pub(super) fn rows(cells: &[Cell]) {
    for cell in cells {
        let host = cell.who == Who::Host;
        let cell_of = |number: f64, digits: usize| format!("{number:.digits$}");
        let (to_single, to_batched) = ratios(cells);
        println!(
            "{:<8} {:>7}  {:<14} {:>9.0} {:>9.2} {:>9.2} {:>10.3} {:>11} {:>9} {:>9}",
            "",
            cell.clients,
            cell.who.name(),
            median(&cell.rates),
            percentile(&cell.latencies, 0.5),
            percentile(&cell.latencies, 0.99),
            core_ms(cell),
            if host { cell_of(rows_a_commit(cell), 1) } else { String::new() },
            if host { cell_of(to_single, 2) } else { String::new() },
            if host { cell_of(to_batched, 2) } else { String::new() },
        );
    }
}

pub(super) fn json(cells: &[Cell], arguments: &Arguments) -> Value {
    let rows: Vec<Value> = cells.iter().map(cell_json).collect();
    let ratios: Vec<Value> = cells.chunks(Who::ALL.len()).map(ratio_json).collect();
    json!({
        "command": format!("cargo xtask bench server --rounds {}", arguments.rounds),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "form": arguments.form.name(),
        "maxBatch": arguments.max_batch,
        "rounds": arguments.rounds,
        "ratios": ratios,
        "cells": rows,
    })
}

fn ratio_json(cells: &[Cell]) -> Value {
    let (to_single, to_batched) = ratios(cells);
    json!({
        "model": cells.first().map(|cell| cell.model),
        "clients": cells.first().map(|cell| cell.clients),
        "hostToPlainSingle": to_single,
        "hostToPlainBatched": to_batched,
    })
}

fn cell_json(cell: &Cell) -> Value {
    json!({
        "model": cell.model,
        "clients": cell.clients,
        "server": cell.who.name(),
        "answersPerSecond": cell.rates,
        "p50Milliseconds": percentile(&cell.latencies, 0.5),
        "p99Milliseconds": percentile(&cell.latencies, 0.99),
        "coreMillisecondsPerAnswer": core_ms(cell),
        "ledgerCommits": cell.used.commits,
        "ledgerWrites": cell.used.writes,
    })
}

/// The host's rate over each plain server's: the median of the rounds' own ratios.
fn ratios(cells: &[Cell]) -> (f64, f64) {
    let rates = |who| cells.iter().find(|cell| cell.who == who).map(|cell| cell.rates.as_slice()).unwrap_or_default();
    let to = |who| {
        let ratios: Vec<f64> = rates(Who::Host).iter().zip(rates(who)).map(|(host, plain)| host / plain).collect();
        median(&ratios)
    };
    (to(Who::PlainSingle), to(Who::PlainBatched))
}

/// What the server's process worked for an answer.
fn core_ms(cell: &Cell) -> f64 {
    cell.used.core_seconds * 1e3 / cell.latencies.len().max(1) as f64
}

fn rows_a_commit(cell: &Cell) -> f64 {
    cell.used.writes as f64 / cell.used.commits.max(1) as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count => (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0,
    }
}
