//! The data folder: whose it is, and files that are no ledger.

use redb::{Database, TableDefinition};
use tributary_ledger::{ChainBinding, FILE_NAME, Ledger, LedgerError};
use tributary_sdk::{Address, AssetId, B256};

use crate::{binding, id, open, serve};

#[tokio::test]
async fn a_ledger_keeps_everything_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("deep/inside"));
    serve(&ledger, 1, 5).await;
    ledger.seal(1, 1).await.unwrap();
    serve(&ledger, 2, 5).await;
    drop(ledger);

    let ledger = open(&folder.path().join("deep/inside"));
    assert_eq!((ledger.recovered(), ledger.binding()), (0, binding()));
    assert_eq!((ledger.rows_of(1).unwrap().len(), ledger.open_rows().unwrap()), (1, 1));
}

#[tokio::test]
async fn the_folder_of_another_chain_is_refused_and_names_both() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let others = [
        ChainBinding { chain_id: 1, ..binding() },
        ChainBinding { genesis: B256::ZERO, ..binding() },
        ChainBinding { ledger: Address::ZERO, ..binding() },
        ChainBinding { model: AssetId(6), ..binding() },
        ChainBinding { token: Address::ZERO, ..binding() },
    ];
    for expected in others {
        let error = Ledger::open(folder.path(), expected).unwrap_err();
        let path = folder.path().join(FILE_NAME);
        assert_eq!(error, LedgerError::WrongChain { path, found: Box::new(binding()), expected: Box::new(expected) });
        let text = error.to_string();
        assert!(text.contains(&binding().to_string()) && text.contains(&expected.to_string()), "{text}");
    }
    drop(open(folder.path()));
}

#[test]
fn a_file_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let error = Ledger::open(folder.path(), binding()).unwrap_err();
    assert_eq!(error, LedgerError::InUse { path: folder.path().join(FILE_NAME) });
}

#[test]
fn a_file_that_is_no_ledger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), vec![42; 10_000]).unwrap();
    let error = Ledger::open(folder.path(), binding()).unwrap_err();
    assert!(matches!(error, LedgerError::Unreadable { .. }), "{error}");
}

#[test]
fn a_cut_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let path = folder.path().join(FILE_NAME);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    drop(file);
    let error = Ledger::open(folder.path(), binding()).unwrap_err();
    assert!(matches!(error, LedgerError::Unreadable { .. } | LedgerError::Storage { .. }), "{error}");
}

#[test]
fn a_ledger_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::create(folder.path().join(FILE_NAME)).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = TableDefinition::<&str, &[u8]>::new("meta");
    transaction.open_table(meta).unwrap().insert("format", &b"tributary-ledger/9"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Ledger::open(folder.path(), binding()).unwrap_err();
    assert!(error.to_string().contains("tributary-ledger/9"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Ledger::open(file.path(), binding()).unwrap_err();
    assert!(matches!(error, LedgerError::Storage { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    let error = Ledger::open(folder.path(), binding()).unwrap_err();
    assert!(matches!(error, LedgerError::Storage { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    serve(&ledger, 1, 5).await;
    ledger.seal(1, 1).await.unwrap();
    drop(ledger);

    let database = Database::open(folder.path().join(FILE_NAME)).unwrap();
    let transaction = database.begin_write().unwrap();
    let receipts = TableDefinition::<&[u8; 32], &[u8]>::new("receipts");
    transaction.open_table(receipts).unwrap().insert(&id(1).0, &b"{\"receipt\":"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let ledger = open(folder.path());
    for error in [ledger.row(id(1)).map(drop).unwrap_err(), ledger.rows_of(1).map(drop).unwrap_err()] {
        assert!(matches!(error, LedgerError::UnreadableRow { request_id, .. } if request_id == id(1)), "{error}");
    }
}
