//! One request's life, and every way it can be refused.

use std::sync::Arc;

use tributary_ledger::{Calls, LedgerError, Outcome, Reservation, RowState};
use tributary_sdk::{B256, batch::ReceiptRow};

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
    let other_print = Reservation { fingerprint: B256::repeat_byte(99), ..reservation(1, 5) };

    ledger.reserve(reservation(1, 5)).await.unwrap();
    assert_eq!(ledger.reserve(other_print).await, conflict);
    assert_eq!(ledger.reserve(reservation(1, 6)).await, conflict);
    ledger.earn(receipt(1, 5), vec![]).await.unwrap();
    assert_eq!(ledger.reserve(other_print).await, conflict);
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
    let change = |change: fn(&mut ReceiptRow)| {
        let mut row = receipt(1, 5);
        change(&mut row);
        row
    };
    let wrong = [
        (change(|row| row.receipt.id = id(2)), "id"),
        (change(|row| row.receipt.licenseId = license(6)), "license"),
        (change(|row| row.request.licenseId = license(6)), "request's license"),
        (change(|row| row.receipt.units = 2), "number of units"),
        (change(|row| row.request.units = 2), "request's number of units"),
    ];
    for (wrong, field) in wrong {
        let error = LedgerError::WrongReceipt { request_id: id(1), field };
        assert_eq!(ledger.earn(wrong, vec![]).await, Err(error));
    }
    assert_eq!(ledger.row(id(1)).unwrap().unwrap().state, RowState::Reserved);

    // Bearer requests have hashes of their own: the ledger does not compare them.
    ledger.earn(change(|row| row.receipt.requestHash = B256::ZERO), vec![]).await.unwrap();
}

#[tokio::test]
async fn a_request_without_records_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    let nothing = Reservation { units: 0, ..reservation(1, 5) };
    assert_eq!(ledger.reserve(nothing).await, Err(LedgerError::NoUnits { request_id: id(1) }));
    assert_eq!(ledger.row(id(1)).unwrap(), None);
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

#[tokio::test]
async fn inputs_are_kept_where_that_is_asked_for_and_forgotten_epoch_by_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    for number in 1..=3 {
        ledger.reserve(reservation(number, 5)).await.unwrap();
        let mut receipt = receipt(number, 5);
        receipt.receipt.servedAt = number * 10;
        match number {
            3 => ledger.earn(receipt, vec![]).await.unwrap(),
            _ => ledger.earn_with_input(receipt, vec![], vec![number as u8; 4]).await.unwrap(),
        }
        ledger.seal(number, number * 10).await.unwrap();
    }
    assert_eq!(ledger.input(id(1)).unwrap(), Some(vec![1; 4]));
    assert_eq!(ledger.input(id(3)).unwrap(), None);
    assert_eq!(ledger.forget_inputs(2).await, Ok(1));
    assert_eq!((ledger.input(id(1)).unwrap(), ledger.input(id(2)).unwrap()), (None, Some(vec![2; 4])));
    assert_eq!(ledger.forget_inputs(2).await, Ok(0));
}
