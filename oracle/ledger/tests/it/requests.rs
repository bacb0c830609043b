//! One request's life, and every way it can be refused.

use std::sync::Arc;

use tributary_ledger::{Calls, LedgerError, Outcome, Quota, Reservation, RowState};
use tributary_sdk::B256;

use crate::{id, license, open, receipt, reservation, serve};

#[tokio::test]
async fn a_request_is_reserved_then_earned() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    assert_eq!(ledger.row(id(1)).unwrap(), None);

    assert_eq!(ledger.reserve(reservation(1, 5)).await, Ok(Outcome::Reserved));
    let row = ledger.row(id(1)).unwrap().unwrap();
    assert_eq!((row.state, row.license_id, row.epoch, row.receipt), (RowState::Reserved, license(5), None, None));

    ledger.earn(receipt(1, 5), b"answer".to_vec()).await.unwrap();
    let row = ledger.row(id(1)).unwrap().unwrap();
    assert_eq!((row.state, row.receipt), (RowState::Earned, Some(receipt(1, 5))));
}

#[tokio::test]
async fn the_same_request_again_gets_what_became_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.reserve(reservation(1, 5)).await.unwrap();
    assert_eq!(ledger.reserve(reservation(1, 5)).await, Ok(Outcome::InProgress));

    ledger.earn(receipt(1, 5), b"answer".to_vec()).await.unwrap();
    let Outcome::Earned { row, answer } = ledger.reserve(reservation(1, 5)).await.unwrap() else { panic!() };
    assert_eq!((row.receipt, answer), (Some(receipt(1, 5)), Some(b"answer".to_vec())));
    assert_eq!(ledger.calls(license(5)).unwrap(), Calls { total: 1, open: 1 });
}

#[tokio::test]
async fn another_request_under_a_used_id_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let conflict = Err(LedgerError::Conflict { request_id: id(1) });
    let other_hash = Reservation { request_hash: B256::repeat_byte(99), ..reservation(1, 5) };

    ledger.reserve(reservation(1, 5)).await.unwrap();
    assert_eq!(ledger.reserve(other_hash).await, conflict);
    assert_eq!(ledger.reserve(reservation(1, 6)).await, conflict);
    ledger.earn(receipt(1, 5), vec![]).await.unwrap();
    assert_eq!(ledger.reserve(other_hash).await, conflict);
}

#[tokio::test]
async fn a_voided_request_stops_counting_and_may_be_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.reserve(reservation(1, 5)).await.unwrap();
    ledger.void(id(1)).await.unwrap();
    ledger.void(id(1)).await.unwrap();
    assert_eq!(ledger.row(id(1)).unwrap().unwrap().state, RowState::Voided);
    assert_eq!(ledger.calls(license(5)).unwrap(), Calls { total: 0, open: 0 });

    assert_eq!(ledger.reserve(reservation(1, 5)).await, Ok(Outcome::Reserved));
    ledger.earn(receipt(1, 5), vec![]).await.unwrap();
    assert_eq!(ledger.row(id(1)).unwrap().unwrap().state, RowState::Earned);
}

#[tokio::test]
async fn only_reserved_requests_are_earned_or_voided() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let refused = |number, state| Err(LedgerError::NotReserved { request_id: id(number), state });
    assert_eq!(ledger.earn(receipt(1, 5), vec![]).await, refused(1, None));
    assert_eq!(ledger.void(id(1)).await, refused(1, None));

    ledger.reserve(reservation(1, 5)).await.unwrap();
    ledger.void(id(1)).await.unwrap();
    assert_eq!(ledger.earn(receipt(1, 5), vec![]).await, refused(1, Some(RowState::Voided)));

    serve(&ledger, 2, 5).await;
    assert_eq!(ledger.void(id(2)).await, refused(2, Some(RowState::Earned)));
    assert_eq!(ledger.earn(receipt(2, 5), vec![]).await, Ok(()), "the same receipt again changes nothing");
    let mut other = receipt(2, 5);
    other.receipt.units = 9;
    assert_eq!(ledger.earn(other, vec![]).await, refused(2, Some(RowState::Earned)));
    assert_eq!(ledger.row(id(2)).unwrap().unwrap().receipt, Some(receipt(2, 5)));
}

#[tokio::test]
async fn a_receipt_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    ledger.reserve(reservation(1, 5)).await.unwrap();
    let mut other_hash = receipt(1, 5);
    other_hash.receipt.requestHash = B256::ZERO;
    let mut other_license = receipt(1, 5);
    other_license.request.licenseId = license(6);
    for (wrong, field) in
        [(other_hash, "request hash"), (receipt(1, 6), "license"), (other_license, "request's license")]
    {
        let error = LedgerError::WrongReceipt { request_id: id(1), field };
        assert_eq!(ledger.earn(wrong, vec![]).await, Err(error));
    }
    assert_eq!(ledger.row(id(1)).unwrap().unwrap().state, RowState::Reserved);
}

#[tokio::test]
async fn a_license_cannot_pass_its_quota_even_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(open(folder.path()));
    let quota = Quota { total: Some(10), epoch: None };
    let callers: Vec<_> = (0..50)
        .map(|number| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.reserve(Reservation { quota, ..reservation(number, 5) }).await })
        })
        .collect();
    let mut refused = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(Outcome::Reserved) => {}
            Err(LedgerError::QuotaExceeded { used: 10, limit: 10, .. }) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 40);
    assert_eq!(ledger.calls(license(5)).unwrap(), Calls { total: 10, open: 10 });
}

#[tokio::test]
async fn an_epochs_quota_begins_again_with_the_next_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let limited = |number| Reservation { quota: Quota { total: None, epoch: Some(2) }, ..reservation(number, 5) };
    ledger.reserve(limited(1)).await.unwrap();
    ledger.earn(receipt(1, 5), vec![]).await.unwrap();
    ledger.reserve(limited(2)).await.unwrap();
    let error = ledger.reserve(limited(3)).await.unwrap_err();
    assert!(error.to_string().contains("2 of 2 calls in this epoch"), "{error}");

    // The earned call is sealed; the one still being served counts in the new epoch.
    ledger.seal(1, 1).await.unwrap();
    assert_eq!(ledger.reserve(limited(3)).await, Ok(Outcome::Reserved));
    assert!(ledger.reserve(limited(4)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(open(folder.path()));
    let callers: Vec<_> = (0..500)
        .map(|number| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { serve(&ledger, number, number % 3).await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(ledger.open_rows().unwrap(), 500);
    assert_eq!(ledger.calls(license(0)).unwrap(), Calls { total: 167, open: 167 });
}
