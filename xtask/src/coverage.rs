//! Line and branch coverage of the contracts by their tests, held above what is asked of them.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use eyre::{Result, WrapErr, ensure};

/// What must be covered of all contracts together, in percent.
const LINES: f64 = 97.0;
const BRANCHES: f64 = 92.0;
/// Where the report goes: with what forge builds, which git ignores.
const REPORT: &str = "out/coverage.lcov";

/// What was found and what of it was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    lines: u32,
    lines_hit: u32,
    branches: u32,
    branches_hit: u32,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.lines_hit += other.lines_hit;
        self.branches += other.branches;
        self.branches_hit += other.branches_hit;
    }

    fn line_percent(self) -> f64 {
        percent(self.lines_hit, self.lines)
    }

    fn branch_percent(self) -> f64 {
        percent(self.branches_hit, self.branches)
    }
}

/// Runs the tests under coverage, prints a line a contract, and fails below the floors. Invariants and gas tests are left
/// out: they reach nothing that unit and fuzz tests do not, or should not.
pub(crate) fn check(root: &Path) -> Result<()> {
    let status = Command::new(root.join("node_modules/.bin/forge"))
        .args(["coverage", "--report", "lcov", "--report-file", REPORT])
        .args(["--no-match-path", "test/{gas,invariant,symbolic}/**"])
        // Coverage is measured on other bytecode, which lands elsewhere.
        .args(["--no-match-test", "test_deploy_puts_the_suite_where_rust_does"])
        .current_dir(root)
        .status()
        .wrap_err("running forge; `npm ci --ignore-scripts` installs it")?;
    ensure!(status.success(), "forge coverage did not pass: {status}");

    let report = fs::read_to_string(root.join(REPORT)).wrap_err("reading the coverage report")?;
    let files = parse(&report);
    let mut all = Counts::default();
    for (file, counts) in &files {
        println!("{:6.2} % lines {:6.2} % branches  {file}", counts.line_percent(), counts.branch_percent());
        all.add(*counts);
    }
    println!("{:6.2} % lines {:6.2} % branches  all", all.line_percent(), all.branch_percent());
    ensure!(all.lines > 0, "the report has no lines of contracts/");
    ensure!(
        all.line_percent() >= LINES && all.branch_percent() >= BRANCHES,
        "coverage is below {LINES} % of lines or {BRANCHES} % of branches"
    );
    Ok(())
}

/// The counts of every file under contracts/, of an lcov report.
fn parse(report: &str) -> BTreeMap<String, Counts> {
    let mut files = BTreeMap::new();
    let mut file = String::new();
    for line in report.lines() {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        if key == "SF" {
            file = value.to_owned();
        }
        if !file.starts_with("contracts/") || file.starts_with("contracts/demo/") {
            continue;
        }
        let counts: &mut Counts = files.entry(file.clone()).or_default();
        let number = value.parse().unwrap_or_default();
        match key {
            "LF" => counts.lines = number,
            "LH" => counts.lines_hit = number,
            "BRF" => counts.branches = number,
            "BRH" => counts.branches_hit = number,
            _ => {}
        }
    }
    files
}

/// Nothing to reach counts as reached.
fn percent(part: u32, whole: u32) -> f64 {
    if whole == 0 { 100.0 } else { f64::from(part) * 100.0 / f64::from(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_contracts_count() {
        let report = "TN:\nSF:contracts/A.sol\nLF:10\nLH:9\nBRF:4\nBRH:3\nend_of_record\n\
                      SF:script/Deploy.s.sol\nLF:5\nLH:0\nend_of_record\n";
        let counts = Counts { lines: 10, lines_hit: 9, branches: 4, branches_hit: 3 };
        assert_eq!(parse(report), BTreeMap::from([("contracts/A.sol".to_owned(), counts)]));
        assert!((counts.line_percent() - 90.0).abs() < 1e-9);
    }
}
