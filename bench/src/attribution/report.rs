//! Tables and JSON.

use std::{fs, path::Path};

use eyre::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::measure::{Figure, Measurement};

impl Measurement {
    /// Prints the table.
    pub(super) fn print(&self) {
        println!("\n{}, {}: {} parameters, accuracy {:.4}", self.dataset, self.subject, self.parameters, self.accuracy);
        let ceiling = self.ceiling.map(|[records, contributors]| {
            format!("; one half of the starts predicts the other at {records:.3} and {contributors:.3}")
        });
        let (trials, seeds) = (self.trials, self.seeds);
        println!("truth: {trials} halves of each kind from {seeds} starts{}", ceiling.unwrap_or_default());
        println!("{:<36} {:<20} {:<20} {:<20} {:>7}", "", "LDS", "contributor LDS", "leave one out", "bytes");
        for row in &self.rows {
            let [lds, contributor_lds, leave_one_out] = [row.lds, row.contributor_lds, row.leave_one_out].map(show);
            println!("{:<36} {lds:<20} {contributor_lds:<20} {leave_one_out:<20} {:>7}", row.method, row.bytes);
        }
    }
}

fn show(figure: Option<Figure>) -> String {
    let digits = |value: f64| format!("{value:.3}").replacen("0.", ".", 1);
    figure.map_or_else(String::new, |figure| {
        format!("{} [{}, {}]", digits(figure.mean), digits(figure.low), digits(figure.high))
    })
}

/// Writes measurements, and keeps those of other subjects that the file holds already.
pub(super) fn renew(path: &Path, command: &str, measurements: &[Measurement]) -> Result<()> {
    let before = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let kept = before.as_ref().and_then(|before| before["measurements"].as_array()).into_iter().flatten();
    let renewed =
        |old: &&Value| measurements.iter().any(|m| old["dataset"] == m.dataset && old["subject"] == m.subject);
    let mut all: Vec<Value> = kept.filter(|old| !renewed(old)).cloned().collect();
    for measurement in measurements {
        all.push(serde_json::to_value(measurement)?);
    }
    all.sort_by_key(|m| (m["dataset"].to_string(), m["subject"].to_string()));
    write(path, &json!({ "command": command, "measurements": all }))
}

/// Writes results as JSON, with folders as needed.
pub(super) fn write(path: &Path, results: &impl Serialize) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(results)?;
    fs::write(path, text + "\n").wrap_err_with(|| format!("writing {}", path.display()))
}
