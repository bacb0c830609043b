//! Files of format 1, written table by table as the program of that format wrote them.

use redb::{Database, TableDefinition, WriteTransaction};
use serde_json::{Value, json};
use tributary_ledger::{Access, Calls, FILE_NAME, Key, Ledger, LedgerError, Outcome, Reservation, RowState, check};
use tributary_sdk::{Address, B256, U256, batch::Session, sign_in::Credential};

use crate::{access::access, binding, id, license, open, receipt_of, reservation};

type Word = &'static [u8; 32];

const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
const HEADS: TableDefinition<'static, Word, (u8, u64, Word, Word)> = TableDefinition::new("heads");
const RECEIPTS: TableDefinition<'static, Word, &[u8]> = TableDefinition::new("receipts");
const ANSWERS: TableDefinition<'static, Word, &[u8]> = TableDefinition::new("answers");
const RESERVED: TableDefinition<'static, Word, ()> = TableDefinition::new("reserved");
const OPEN: TableDefinition<'static, Word, u64> = TableDefinition::new("open");
const EPOCHS: TableDefinition<'static, u64, (u64, u64)> = TableDefinition::new("epochs");
const EPOCH_ROWS: TableDefinition<'static, (u64, Word), ()> = TableDefinition::new("epoch_rows");
const EPOCH_CALLS: TableDefinition<'static, (u64, Word), u64> = TableDefinition::new("epoch_calls");
const CALLS: TableDefinition<'static, Word, (u64, u64)> = TableDefinition::new("calls");
const SESSIONS: TableDefinition<'static, &[u8; 68], &[u8]> = TableDefinition::new("sessions");

/// Writes a file of format 1: requests 1 and 2 in epoch 1, 3 in epoch 2, 4 voided; then whatever else is asked for.
fn write(path: &std::path::Path, more: impl FnOnce(&WriteTransaction)) {
    let database = Database::create(path).unwrap();
    let mut transaction = database.begin_write().unwrap();
    transaction.set_two_phase_commit(true);
    {
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("format", &b"tributary-ledger/1"[..]).unwrap();
        meta.insert("binding", serde_json::to_vec(&binding()).unwrap().as_slice()).unwrap();
        let (mut heads, mut receipts) =
            (transaction.open_table(HEADS).unwrap(), transaction.open_table(RECEIPTS).unwrap());
        let mut epoch_rows = transaction.open_table(EPOCH_ROWS).unwrap();
        for (number, epoch) in [(1, 1), (2, 1), (3, 2)] {
            heads.insert(&id(number).0, (1, epoch, &print(number), &license(5).to_be_bytes())).unwrap();
            receipts.insert(&id(number).0, old_row(number).to_string().as_bytes()).unwrap();
            epoch_rows.insert((epoch, &id(number).0), ()).unwrap();
        }
        heads.insert(&id(4).0, (2, 0, &print(4), &license(5).to_be_bytes())).unwrap();
        let mut epochs = transaction.open_table(EPOCHS).unwrap();
        epochs.insert(1, (2, 2)).unwrap();
        epochs.insert(2, (1, 3)).unwrap();
        let mut epoch_calls = transaction.open_table(EPOCH_CALLS).unwrap();
        epoch_calls.insert((1, &license(5).to_be_bytes()), 2).unwrap();
        epoch_calls.insert((2, &license(5).to_be_bytes()), 1).unwrap();
        transaction.open_table(CALLS).unwrap().insert(&license(5).to_be_bytes(), (3, 0)).unwrap();
        let mut sessions = transaction.open_table(SESSIONS).unwrap();
        for (key, license, block) in [(4, 5, 12), (3, 5, 30), (4, 5, 300)] {
            let (stored, json) = old_session(key, license, block);
            sessions.insert(&stored, json.to_string().as_bytes()).unwrap();
        }
        transaction.open_table(ANSWERS).unwrap();
        transaction.open_table(RESERVED).unwrap();
        transaction.open_table(OPEN).unwrap();
    }
    more(&transaction);
    transaction.commit().unwrap();
}

fn print(number: u64) -> [u8; 32] {
    B256::repeat_byte(number as u8).0
}

/// A receipt row with `sessionKey` for `credential`. Request 3 has four records.
fn old_row(number: u64) -> Value {
    let mut row = serde_json::to_value(receipt_of(number, 5, if number == 3 { 4 } else { 1 })).unwrap();
    let fields = row.as_object_mut().unwrap();
    fields.remove("credential").unwrap();
    fields.insert("sessionKey".into(), json!(Address::repeat_byte(4)));
    row
}

fn old_session(key: u8, license: u64, block: u64) -> ([u8; 68], Value) {
    let session = json!({
        "authorization": {
            "licenseId": U256::from(license),
            "sessionKey": Address::repeat_byte(key),
            "expiresAt": 1000 + block,
        },
        "holder": Address::repeat_byte(8),
        "signature": format!("0x{}", "05".repeat(65)),
        "block": block,
    });
    let mut stored = Vec::from([key; 20]);
    stored.extend(U256::from(license).to_be_bytes::<32>());
    stored.extend(block.to_be_bytes());
    stored.extend((1000 + block).to_be_bytes());
    (stored.try_into().unwrap(), session)
}

#[tokio::test]
async fn a_file_of_format_1_is_migrated_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join(FILE_NAME), |_| ());
    assert!(matches!(check(folder.path()), Err(LedgerError::NotMigrated { .. })));

    let ledger = open(folder.path());
    assert_eq!(ledger.rows_of(1).unwrap(), [receipt_of(1, 5, 1), receipt_of(2, 5, 1)]);
    assert_eq!(ledger.rows_of(2).unwrap(), [receipt_of(3, 5, 4)]);
    assert_eq!(ledger.calls(license(5)).unwrap(), Calls { total: 6, open: 0 }, "counted again, in units");
    assert_eq!((ledger.calls_in(license(5), 1).unwrap(), ledger.calls_in(license(5), 2).unwrap()), (2, 4));
    assert_eq!(ledger.row(id(4)).unwrap().unwrap().state, RowState::Voided);
    let Outcome::Earned { row, answer: None } = ledger.reserve(reservation(3, 5)).await.unwrap() else { panic!() };
    assert_eq!((row.epoch, row.units), (Some(2), 4));

    let credential = |key| Credential::Key(Address::repeat_byte(key));
    assert_eq!(ledger.accesses(credential(4)).unwrap(), [access(4, 5, 300), access(4, 5, 12)]);
    let keys: Vec<Access> = ledger.keys_of(license(5)).unwrap().into_iter().map(|Key { access, .. }| access).collect();
    assert_eq!(keys, [access(4, 5, 12), access(3, 5, 30), access(4, 5, 300)]);
    let sessions: Vec<Session> = ledger.sessions_of(1).unwrap();
    assert_eq!(sessions, [access(4, 5, 12).session, access(4, 5, 300).session]);

    // It goes on from there, and a second opening has nothing to do.
    assert_eq!(ledger.reserve(Reservation { at: 40, ..reservation(4, 5) }).await, Ok(Outcome::Reserved));
    drop(ledger);
    let ledger = open(folder.path());
    assert_eq!(ledger.last_epoch().unwrap().unwrap().epoch, 2);
    let sealed = [ledger.epoch(1).unwrap().unwrap(), ledger.epoch(2).unwrap().unwrap()];
    drop(ledger);
    let report = check(folder.path()).unwrap();
    assert_eq!(report.findings, []);

    // The roots are those that this format would have sealed.
    let other = tempfile::tempdir().unwrap();
    let ledger = open(other.path());
    for (number, units) in [(1, 1), (2, 1), (3, 4)] {
        ledger.reserve(Reservation { units, ..reservation(number, 5) }).await.unwrap();
        ledger.earn(receipt_of(number, 5, units), vec![]).await.unwrap();
    }
    assert_eq!([ledger.seal(1, 2).await.unwrap(), ledger.seal(2, 3).await.unwrap()], sealed);
}

#[test]
fn a_file_of_format_1_with_an_open_epoch_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    write(&path, |transaction| {
        transaction.open_table(RESERVED).unwrap().insert(&id(8).0, ()).unwrap();
        transaction.open_table(OPEN).unwrap().insert(&id(9).0, 4).unwrap();
    });
    for _ in 0..2 {
        let error = Ledger::open(folder.path(), binding()).unwrap_err();
        assert_eq!(error, LedgerError::NotAtRest { path: path.clone(), reserved: 1, open: 1 });
    }
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.open_table(HEADS).is_ok() && transaction.open_table(SESSIONS).is_ok());
}

#[test]
fn a_file_of_format_1_of_another_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join(FILE_NAME), |_| ());
    let other = tributary_ledger::ChainBinding { chain_id: 1, ..binding() };
    assert!(matches!(Ledger::open(folder.path(), other), Err(LedgerError::WrongChain { .. })));
}

#[test]
fn a_file_of_format_1_that_does_not_add_up_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join(FILE_NAME), |transaction| {
        transaction.open_table(EPOCHS).unwrap().insert(2, (7, 3)).unwrap();
    });
    let error = Ledger::open(folder.path(), binding()).unwrap_err();
    assert!(error.to_string().contains("epoch 2 was sealed with 7 rows and has 1"), "{error}");
}
