//! Backups taken while the ledger is written, and what they are good for.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tributary_ledger::{FILE_NAME, Ledger, LedgerError, check, restore};

use crate::{access::access, binding, id, license, open, receipt, reservation, serve};

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_backup_under_writes_is_whole_and_holds_all_that_was_acknowledged_before() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(open(folder.path()));
    ledger.sign_in(access(4, 5, 1)).await.unwrap();
    let (acknowledged, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let (ledger, acknowledged, stop) = (Arc::clone(&ledger), Arc::clone(&acknowledged), Arc::clone(&stop));
        async move {
            for number in 1.. {
                serve(&ledger, number, 5).await;
                acknowledged.store(number, Ordering::SeqCst);
                if number % 20 == 0 {
                    ledger.seal(number / 20, number).await.unwrap();
                }
                if stop.load(Ordering::SeqCst) {
                    return number;
                }
            }
            0
        }
    });

    let mut counts = Vec::new();
    for round in 0..5 {
        while acknowledged.load(Ordering::SeqCst) < 10 + round * 15 {
            tokio::task::yield_now().await;
        }
        let place = folder.path().join(format!("backup-{round}"));
        let before = acknowledged.load(Ordering::SeqCst);
        tokio::task::spawn_blocking({
            let (ledger, place) = (Arc::clone(&ledger), place.clone());
            move || ledger.backup(&place).unwrap()
        })
        .await
        .unwrap();
        counts.push((place, before));
    }
    stop.store(true, Ordering::SeqCst);
    let last = writer.await.unwrap();

    for (round, (place, before)) in counts.iter().enumerate() {
        let target = folder.path().join(format!("restored-{round}"));
        let report = restore(place, &target).unwrap();
        assert_eq!(report.findings, []);
        assert!(report.sealed + report.open >= *before && report.sealed + report.open <= last, "{report:?}");
        let copy = open(&target);
        for number in 1..=*before {
            assert_eq!(copy.row(id(number)).unwrap().unwrap().receipt, Some(receipt(number, 5)), "row {number}");
        }
        for epoch in 1..=report.epochs {
            assert_eq!(copy.epoch(epoch).unwrap(), ledger.epoch(epoch).unwrap());
        }
        assert_eq!(copy.keys_of(license(5)).unwrap(), ledger.keys_of(license(5)).unwrap());
        // What was being served when the copy was made is voided in it, as after a crash.
        assert_eq!(copy.recovered(), report.reserved);
        serve(&copy, 1 << 20, 5).await;
    }
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let place = folder.path().join("there");
    fs::write(&place, "mine").unwrap();
    assert_eq!(ledger.backup(&place), Err(LedgerError::Exists { path: place.clone() }));
    assert_eq!(fs::read(&place).unwrap(), b"mine");
    let own = folder.path().join(FILE_NAME);
    assert_eq!(ledger.backup(&own), Err(LedgerError::Exists { path: own }));
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_leaves_the_ledger_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let error = ledger.backup(&folder.path().join("no/such/folder")).unwrap_err();
    assert!(matches!(error, LedgerError::Backup { .. }), "{error}");
    serve(&ledger, 1, 5).await;
}

#[tokio::test]
async fn nothing_is_restored_over_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let place = folder.path().join("backup");
    ledger.backup(&place).unwrap();
    drop(ledger);
    let bytes = fs::read(folder.path().join(FILE_NAME)).unwrap();
    let error = restore(&place, folder.path()).unwrap_err();
    assert_eq!(error, LedgerError::Exists { path: folder.path().join(FILE_NAME) });
    assert_eq!(fs::read(folder.path().join(FILE_NAME)).unwrap(), bytes);
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("first"));
    serve(&ledger, 1, 5).await;
    let (target, place) = (folder.path().join("second"), folder.path().join("backup"));
    ledger.backup(&place).unwrap();
    let error = restore(&place, &target).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { findings: 1, .. }), "nobody was signed in: {error}");
    assert!(error.to_string().contains("never signed in"), "{error}");

    // Whatever a copy was cut down to, it is refused, or it is the whole.
    let bytes = fs::read(&place).unwrap();
    for length in [0, 1, 320, 4096, bytes.len() / 2, bytes.len() - 1] {
        let cut = folder.path().join("cut");
        fs::write(&cut, &bytes[..length]).unwrap();
        let error = restore(&cut, &target).unwrap_err();
        assert!(matches!(error, LedgerError::Unreadable { .. } | LedgerError::Damaged { .. }), "{length}: {error}");
        assert!(error.to_string().contains("/cut"), "names the file that was given: {error}");
    }
    let error = restore(&folder.path().join("none"), &target).unwrap_err();
    assert_eq!(error, LedgerError::NoLedger { path: folder.path().join("none") });
    assert!(!target.join(FILE_NAME).exists() && fs::read_dir(&target).unwrap().next().is_none());
    drop(open(&target));
}

#[tokio::test]
async fn a_restored_ledger_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("first"));
    ledger.sign_in(access(4, 5, 1)).await.unwrap();
    serve(&ledger, 1, 5).await;
    ledger.seal(1, 1).await.unwrap();
    ledger.reserve(reservation(2, 5)).await.unwrap();
    let place = folder.path().join("backup");
    ledger.backup(&place).unwrap();
    drop(ledger);

    let second = folder.path().join("second");
    let report = restore(&place, &second).unwrap();
    assert_eq!((report.binding, report.epochs, report.sealed, report.reserved), (binding(), 1, 1, 1));
    let ledger = Ledger::open(&second, binding()).unwrap();
    assert_eq!(ledger.recovered(), 1);
    serve(&ledger, 3, 5).await;
    drop(ledger);
    assert_eq!(check(&second).unwrap().findings, []);
    assert!(restore(&place, &folder.path().join("third")).is_ok(), "a backup is only read");
}
