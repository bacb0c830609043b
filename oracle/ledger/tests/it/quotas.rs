//! What a license may use: in all, and in any minute.

use std::sync::Arc;

use tributary_ledger::{Calls, Ledger, LedgerError, Outcome, Period, Quota, Reservation};

use crate::{id, license, open, receipt_of, reservation};

/// Request `number` of license 5 with `units` records, asked at `at`, where ten units a minute are allowed.
fn limited(number: u64, units: u64, at: u64) -> Reservation {
    Reservation { units, at, quota: Quota { total: None, minute: Some(10) }, ..reservation(number, 5) }
}

async fn wait(ledger: &Ledger, reservation: Reservation) -> Option<u64> {
    match ledger.reserve(reservation).await {
        Err(LedgerError::QuotaExceeded { limit: 10, period: Period::Minute, retry_after, .. }) => retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_license_cannot_pass_its_quota_even_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(open(folder.path()));
    let quota = Quota { total: Some(20), minute: None };
    let callers: Vec<_> = (0..50)
        .map(|number| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.reserve(Reservation { quota, units: 2, ..reservation(number, 5) }).await })
        })
        .collect();
    let mut refused = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(Outcome::Reserved) => {}
            Err(LedgerError::QuotaExceeded { used: 20, units: 2, limit: 20, period: Period::Total, .. }) => {
                refused += 1
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 40);
    assert_eq!(ledger.calls(license(5)).unwrap(), Calls { total: 20, open: 20 });
}

#[tokio::test]
async fn a_total_quota_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let limited =
        |number, units| Reservation { units, quota: Quota { total: Some(5), minute: None }, ..reservation(number, 5) };
    ledger.reserve(limited(1, 3)).await.unwrap();
    let error = ledger.reserve(limited(2, 3)).await.unwrap_err();
    let said = "license 5 has used 3 of 5 units in all and this request has 3: \
                ask with fewer records, or buy another license";
    assert_eq!(error.to_string(), said);
    assert_eq!(ledger.reserve(limited(2, 2)).await, Ok(Outcome::Reserved), "a smaller one fits");
    assert_eq!(ledger.reserve(reservation(3, 6)).await, Ok(Outcome::Reserved), "licenses count apart");
}

#[tokio::test]
async fn a_minute_is_any_sixty_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.reserve(limited(1, 4, 1000)).await.unwrap();
    ledger.reserve(limited(2, 6, 1030)).await.unwrap();
    assert_eq!(wait(&ledger, limited(3, 1, 1030)).await, Some(30));
    assert_eq!(wait(&ledger, limited(3, 4, 1059)).await, Some(1));
    assert_eq!(wait(&ledger, limited(3, 5, 1059)).await, Some(31), "not before the second of 1030 falls out");
    let error = ledger.reserve(limited(3, 11, 1059)).await.unwrap_err();
    assert!(error.to_string().ends_with("ask with 10 records at most"), "{error}");
    assert_eq!(wait(&ledger, limited(3, 11, 1059)).await, None);

    assert_eq!(ledger.reserve(limited(3, 4, 1060)).await, Ok(Outcome::Reserved));
    assert_eq!(wait(&ledger, limited(4, 1, 1089)).await, Some(1));
    assert_eq!(ledger.reserve(limited(4, 6, 1090)).await, Ok(Outcome::Reserved));
    assert_eq!(ledger.calls(license(5)).unwrap().total, 20);
}

#[tokio::test]
async fn a_minute_outlives_a_restart_and_a_sealed_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.reserve(limited(1, 10, 1000)).await.unwrap();
    ledger.earn(receipt_of(1, 5, 10), vec![]).await.unwrap();
    ledger.seal(1, 1000).await.unwrap();
    drop(ledger);
    let ledger = open(folder.path());
    assert_eq!(wait(&ledger, limited(2, 1, 1001)).await, Some(59));
}

#[tokio::test]
async fn voided_units_may_be_used_again_in_the_same_minute() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.reserve(limited(1, 10, 1000)).await.unwrap();
    ledger.void(id(1)).await.unwrap();
    assert_eq!(ledger.calls(license(5)).unwrap(), Calls::default());
    assert_eq!(ledger.reserve(limited(2, 9, 1000)).await, Ok(Outcome::Reserved));
    assert_eq!(wait(&ledger, limited(1, 10, 1001)).await, Some(59));
    assert_eq!(ledger.reserve(limited(1, 1, 1001)).await, Ok(Outcome::Reserved), "voided, so asked anew");

    // What a crash leaves reserved is given back too.
    drop(ledger);
    let ledger = open(folder.path());
    assert_eq!(ledger.recovered(), 2);
    assert_eq!(ledger.reserve(limited(3, 10, 1002)).await, Ok(Outcome::Reserved));
}

#[tokio::test]
async fn a_late_request_does_not_slip_under_the_minutes_quota() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.reserve(limited(1, 5, 1000)).await.unwrap();
    ledger.reserve(limited(2, 5, 1059)).await.unwrap();
    // Taken at 1058, written after one of 1059: it counts with what it came after.
    assert_eq!(wait(&ledger, limited(3, 1, 1058)).await, Some(2));
    ledger.void(id(2)).await.unwrap();
    ledger.reserve(limited(3, 5, 1058)).await.unwrap();
    assert_eq!(ledger.row(id(3)).unwrap().unwrap().at, 1059);
}
