//! Tables and JSON.

use std::{fs, path::Path};

use eyre::{Context, Result};
use serde::Serialize;

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

/// Writes results as JSON, with folders as needed.
pub(super) fn write(path: &Path, results: &impl Serialize) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(results)?;
    fs::write(path, text + "\n").wrap_err_with(|| format!("writing {}", path.display()))
}
