//! Sealing: every earned row in exactly one epoch.

use alloy::sol_types::SolStruct;
use tributary_ledger::{LedgerError, Outcome, Reservation, SealedEpoch};
use tributary_sdk::{B256, batch::ReceiptRow, merkle::MerkleTree};

use crate::{id, license, open, receipt, receipt_of, reservation, serve};

/// As `Batch::receipts_tree` makes it of a published batch.
fn root_of(rows: &[ReceiptRow]) -> B256 {
    MerkleTree::new(&rows.iter().map(|row| row.receipt.eip712_hash_struct()).collect::<Vec<_>>()).unwrap().root()
}

#[tokio::test]
async fn earned_rows_enter_the_epoch_and_reserved_rows_wait_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    for number in [3, 1, 2] {
        serve(&ledger, number, 5).await;
    }
    ledger.reserve(reservation(4, 5)).await.unwrap();
    ledger.reserve(reservation(5, 5)).await.unwrap();
    ledger.void(id(5)).await.unwrap();

    let sealed = ledger.seal(1, 3).await.unwrap();
    let receipts_root = root_of(&[receipt(1, 5), receipt(2, 5), receipt(3, 5)]);
    assert_eq!(sealed, SealedEpoch { epoch: 1, rows: 3, period_end: 3, receipts_root });
    assert_eq!((ledger.epoch(1).unwrap(), ledger.epoch(2).unwrap()), (Some(sealed), None));
    assert_eq!(ledger.rows_of(1).unwrap(), [receipt(1, 5), receipt(2, 5), receipt(3, 5)]);
    assert_eq!(ledger.row(id(1)).unwrap().unwrap().epoch, Some(1));
    assert_eq!(ledger.row(id(4)).unwrap().unwrap().epoch, None);

    ledger.earn(receipt(4, 5), vec![]).await.unwrap();
    assert_eq!(ledger.seal(2, 4).await.unwrap().rows, 1);
    assert_eq!(ledger.rows_of(1).unwrap().len(), 3);
    assert_eq!(ledger.rows_of(2).unwrap(), [receipt(4, 5)]);
    assert_eq!(ledger.last_epoch().unwrap().unwrap().epoch, 2);
}

#[tokio::test]
async fn sealing_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    serve(&ledger, 1, 5).await;
    let sealed = ledger.seal(1, 1).await.unwrap();
    serve(&ledger, 2, 5).await;
    assert_eq!(ledger.seal(1, 9).await.unwrap(), sealed);
    assert_eq!(ledger.rows_of(1).unwrap().len(), 1);
    assert_eq!(ledger.open_rows().unwrap(), 1);
}

#[tokio::test]
async fn epochs_are_sealed_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    assert_eq!(ledger.seal(0, 1).await, Err(LedgerError::EpochOrder { asked: 0, next: 1 }));
    assert_eq!(ledger.last_epoch().unwrap(), None);
    let empty = SealedEpoch { epoch: 1, rows: 0, period_end: 5, receipts_root: B256::ZERO };
    assert_eq!(ledger.seal(1, 5).await, Ok(empty), "an epoch may be empty");
    assert_eq!(ledger.seal(3, 9).await, Err(LedgerError::EpochOrder { asked: 3, next: 2 }));
}

#[tokio::test]
async fn a_new_folder_goes_on_where_a_lost_one_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    serve(&ledger, 8, 5).await;
    assert_eq!(ledger.seal(7, 9).await.unwrap().rows, 1);
    assert_eq!(ledger.seal(9, 10).await, Err(LedgerError::EpochOrder { asked: 9, next: 8 }));
}

#[tokio::test]
async fn units_are_counted_by_license_and_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    for number in 0..4 {
        serve(&ledger, number, number % 2).await;
    }
    ledger.reserve(Reservation { units: 7, ..reservation(9, 0) }).await.unwrap();
    ledger.earn(receipt_of(9, 0, 7), vec![]).await.unwrap();
    ledger.seal(1, 9).await.unwrap();
    serve(&ledger, 10, 0).await;
    assert_eq!((ledger.calls_in(license(0), 1).unwrap(), ledger.calls_in(license(1), 1).unwrap()), (9, 2));
    assert_eq!(ledger.calls_in(license(0), 2).unwrap(), 0);
    let calls = ledger.calls(license(0)).unwrap();
    assert_eq!((calls.total, calls.open), (10, 1));
}

#[tokio::test]
async fn a_sealed_request_keeps_its_receipt_and_forgets_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    serve(&ledger, 1, 5).await;
    ledger.seal(1, 1).await.unwrap();
    let Outcome::Earned { row, answer } = ledger.reserve(reservation(1, 5)).await.unwrap() else { panic!() };
    assert_eq!((row.epoch, row.receipt, answer), (Some(1), Some(receipt(1, 5)), None));
    assert_eq!(ledger.earn(receipt(1, 5), vec![]).await, Ok(()));
    assert_eq!(ledger.open_rows().unwrap(), 0, "an earned row does not enter a second epoch");
}

#[tokio::test]
async fn a_row_is_in_the_epoch_that_its_time_says() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    for number in [1, 2, 3] {
        serve(&ledger, number, 5).await;
    }
    assert_eq!(ledger.seal(1, 2).await.unwrap().rows, 2);
    assert_eq!(ledger.open_rows().unwrap(), 1);

    // Nothing is earned into a sealed epoch, and epochs do not overlap.
    let mut early = receipt(4, 5);
    early.receipt.servedAt = 2;
    ledger.reserve(reservation(4, 5)).await.unwrap();
    assert!(matches!(ledger.earn(early, vec![]).await, Err(LedgerError::WrongReceipt { .. })));
    assert_eq!(ledger.seal(2, 2).await, Err(LedgerError::PeriodOrder { asked: 2, after: 2 }));
    assert_eq!(ledger.seal(2, 3).await.unwrap().rows, 1);
}
