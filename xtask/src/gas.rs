//! Gas of the main calls, as whole transactions: committed figures that a change may not make worse unseen.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Result, WrapErr, ensure};

/// Where the committed figures are, below the root: one JSON file a group, call → gas.
const COMMITTED: &str = "test/gas/snapshots";
/// Where a check puts what it measures: with what forge builds, which git ignores.
const MEASURED: &str = "out/gas";
/// How much worse a figure may be before a check fails, in percent.
const TOLERANCE: u64 = 2;

/// Group and call → gas.
type Figures = BTreeMap<(String, String), u64>;

/// Measures anew and replaces the committed figures.
pub(crate) fn write(root: &Path) -> Result<()> {
    let figures = measure(root, &root.join(COMMITTED))?;
    println!("{} figures in {COMMITTED}", figures.len());
    Ok(())
}

/// Measures, and fails where a call needs more than the committed gas by over [`TOLERANCE`] percent, where a committed
/// call was not measured, and where a measured one is not committed.
pub(crate) fn check(root: &Path) -> Result<()> {
    let committed = read(&root.join(COMMITTED))?;
    let measured = measure(root, &root.join(MEASURED))?;
    let faults = compare(&committed, &measured);
    for fault in &faults {
        println!("{fault}");
    }
    ensure!(faults.is_empty(), "{} gas figures changed; if that is meant, run `make gas` and commit", faults.len());
    println!("{} gas figures are within {TOLERANCE} % of the committed ones", measured.len());
    Ok(())
}

/// What is wrong with the measured figures, a line each.
fn compare(committed: &Figures, measured: &Figures) -> Vec<String> {
    let mut faults = Vec::new();
    for ((group, call), gas) in measured {
        match committed.get(&(group.clone(), call.clone())) {
            None => faults.push(format!("{group}: {call}: {gas} gas, not committed")),
            // Both are far below 2⁵⁷, so neither product overflows.
            Some(&before) if gas.saturating_mul(100) > before.saturating_mul(100 + TOLERANCE) => {
                faults.push(format!("{group}: {call}: {gas} gas, committed {before}"));
            }
            Some(_) => {}
        }
    }
    for (group, call) in committed.keys().filter(|key| !measured.contains_key(*key)) {
        faults.push(format!("{group}: {call}: committed, but no longer measured"));
    }
    faults
}

/// Runs the gas tests, each call a transaction of its own, and reads what they wrote to `folder`.
fn measure(root: &Path, folder: &Path) -> Result<Figures> {
    if folder.exists() {
        fs::remove_dir_all(folder).wrap_err_with(|| format!("clearing {}", folder.display()))?;
    }
    let status = Command::new(root.join("node_modules/.bin/forge"))
        .args(["test", "--isolate", "--match-path", "test/gas/*"])
        .env("FOUNDRY_SNAPSHOTS", folder)
        .current_dir(root)
        .status()
        .wrap_err("running forge; `npm ci --ignore-scripts` installs it")?;
    ensure!(status.success(), "the gas tests did not pass: {status}");
    read(folder)
}

fn read(folder: &Path) -> Result<Figures> {
    let mut figures = Figures::new();
    for entry in fs::read_dir(folder).wrap_err_with(|| format!("reading {}", folder.display()))? {
        let path: PathBuf = entry?.path();
        let group = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).wrap_err_with(|| format!("reading {}", path.display()))?;
        let calls: BTreeMap<String, String> =
            serde_json::from_str(&text).wrap_err_with(|| format!("{} is not call → gas", path.display()))?;
        for (call, gas) in calls {
            let gas = gas.parse().wrap_err_with(|| format!("{}: {call}: {gas} is not a number", path.display()))?;
            figures.insert((group.clone(), call), gas);
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(gas: &[(&str, u64)]) -> Figures {
        gas.iter().map(|(call, gas)| (("group".to_owned(), (*call).to_owned()), *gas)).collect()
    }

    #[test]
    fn two_percent_more_is_tolerated_and_the_next_unit_is_not() {
        let committed = figures(&[("claim", 100_000)]);
        assert!(compare(&committed, &figures(&[("claim", 102_000)])).is_empty());
        assert_eq!(
            compare(&committed, &figures(&[("claim", 102_001)])),
            ["group: claim: 102001 gas, committed 100000"]
        );
        assert!(compare(&committed, &figures(&[("claim", 1)])).is_empty());
    }

    #[test]
    fn a_call_measured_or_committed_alone_is_a_fault() {
        let one = figures(&[("claim", 1)]);
        assert_eq!(compare(&one, &figures(&[])), ["group: claim: committed, but no longer measured"]);
        assert_eq!(compare(&figures(&[]), &one), ["group: claim: 1 gas, not committed"]);
    }
}
