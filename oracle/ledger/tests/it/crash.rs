//! A server that is killed, not stopped: a child process of this test binary, ended with SIGKILL.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use tributary_ledger::{Calls, Ledger, Outcome, RowState};

use crate::{id, license, open, receipt, reservation, serve};

/// Names the data folder to the child; without it the child's test does nothing.
const FOLDER: &str = "TRIBUTARY_LEDGER_CRASH_FOLDER";

/// The child: earns row 1, leaves row 2 reserved, then serves on, printing each number once it is durable.
#[tokio::test]
#[ignore = "a child of the tests of crashes"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let ledger = open(&folder);
    serve(&ledger, 1, 5).await;
    ledger.reserve(reservation(2, 5)).await.unwrap();
    for number in 3.. {
        serve(&ledger, number, 6).await;
        println!("durable {number}");
    }
}

pub(crate) fn start(folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// Reads on until the child says that row `number` is durable.
pub(crate) fn wait_for(output: &mut BufReader<ChildStdout>, number: u64) {
    let mut line = String::new();
    while durable(&line) < Some(number) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended early");
    }
}

/// The number that a line of the child's output reports as durable.
pub(crate) fn durable(line: &str) -> Option<u64> {
    line.split_once("durable ").and_then(|(_, number)| number.trim().parse().ok())
}

fn earned(ledger: &Ledger, number: u64) -> bool {
    ledger.row(id(number)).unwrap().is_some_and(|row| row.state == RowState::Earned && row.receipt.is_some())
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged_and_voids_what_was_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut output) = start(folder.path());
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    while acknowledged.len() < 20 {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended early");
        acknowledged.extend(durable(&line));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(output.lines().map_while(Result::ok).filter_map(|line| durable(&line)));

    let ledger = open(folder.path());
    assert!(earned(&ledger, 1));
    for number in &acknowledged {
        assert!(earned(&ledger, *number), "acknowledged row {number} is gone");
    }

    // Row 2, and perhaps the one the child was serving, never got an answer.
    assert!((1..=2).contains(&ledger.recovered()), "{}", ledger.recovered());
    assert_eq!(ledger.row(id(2)).unwrap().unwrap().state, RowState::Voided);
    assert_eq!(ledger.calls(license(5)).unwrap(), Calls { total: 1, open: 1 });

    let rows = ledger.seal(1, 1 << 32).await.unwrap().rows;
    assert!(rows > acknowledged.len() as u64);
    assert!(ledger.rows_of(1).unwrap().iter().all(|row| row.receipt.id != id(2)), "a voided row is never settled");

    // The client asks again under the same id and is served once.
    assert_eq!(ledger.reserve(reservation(2, 5)).await, Ok(Outcome::Reserved));
    let mut late = receipt(2, 5);
    late.receipt.servedAt = 1 << 33;
    ledger.earn(late, vec![]).await.unwrap();
    assert_eq!(ledger.seal(2, 1 << 34).await.unwrap().rows, 1);
}
