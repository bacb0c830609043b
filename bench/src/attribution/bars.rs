//! What the digits have to reach.

use eyre::{Result, ensure};

use super::measure::{Measurement, Row};

/// One figure that must not be lower: subject, how the method's name begins, what of it, how much.
struct Bar(&'static str, &'static str, What, f64);

#[derive(Clone, Copy, Debug)]
enum What {
    Accuracy,
    Lds,
    ContributorLds,
}

pub(super) const LOGISTIC: &str = "softmax regression";
pub(super) const USUAL: &str = "MLP 64-32-10, usual training";
pub(super) const CONVOLUTIONAL: &str = "small CNN, attribution-ready";
pub(super) const READY: &str = "MLP 64-32-10, attribution-ready";

const BARS: [Bar; 8] = [
    Bar(LOGISTIC, "all layers, exact", What::Lds, 0.95),
    Bar(USUAL, "eigenbasis, k = 256", What::Lds, 0.68),
    Bar(USUAL, "eigenbasis, k = 256", What::ContributorLds, 0.72),
    Bar(READY, "", What::Accuracy, 0.97),
    Bar(READY, "eigenbasis, k = 256", What::ContributorLds, 0.88),
    Bar(READY, "eigenbasis + residual", What::ContributorLds, 0.88),
    Bar(READY, "owner basis", What::ContributorLds, 0.89),
    Bar(READY, "distilled, k = 256", What::ContributorLds, 0.91),
];

/// Says what every bar measured comes to.
///
/// # Errors
/// If one is missed.
pub(super) fn check(measurements: &[Measurement]) -> Result<()> {
    let mut missed = Vec::new();
    println!();
    for Bar(subject, method, what, least) in BARS {
        let measured = |m: &&Measurement| m.dataset == "digits" && m.subject == subject;
        let Some(measurement) = measurements.iter().find(measured) else { continue };
        let row = measurement.rows.iter().find(|row| row.method.starts_with(method));
        let found = match what {
            What::Accuracy => Some(measurement.accuracy),
            What::Lds => row.and_then(|row: &Row| row.lds).map(|figure| figure.mean),
            What::ContributorLds => row.and_then(|row| row.contributor_lds).map(|figure| figure.mean),
        };
        let holds = found.is_some_and(|found| found >= least);
        let line = format!("{subject} {method} {what:?}: {:.3} of {least}", found.unwrap_or(f64::NAN));
        println!("{} {line}", if holds { "holds " } else { "MISSED" });
        if !holds {
            missed.push(line);
        }
    }
    ensure!(missed.is_empty(), "missed: {}", missed.join("; "));
    Ok(())
}
