//! Every kind of damage is found, and nothing else.

use std::{fs, path::Path};

use redb::{Database, TableDefinition, WriteTransaction};
use tributary_ledger::{FILE_NAME, LedgerError, Place, Problem, check};
use tributary_sdk::{B256, U256};

use crate::{access::access, binding, id, license, open, receipt, reservation, serve};

type Word = &'static [u8; 32];
type Who = &'static [u8; 33];
/// Rows, end, root.
type Sealed = (u64, u64, B256);

const HEADS: TableDefinition<'static, Word, (u8, u64, Word, Word, u64, u64)> = TableDefinition::new("heads");
const RECEIPTS: TableDefinition<'static, Word, &[u8]> = TableDefinition::new("receipts");
const ANSWERS: TableDefinition<'static, Word, &[u8]> = TableDefinition::new("answers");
const RESERVED: TableDefinition<'static, Word, ()> = TableDefinition::new("reserved");
const OPEN: TableDefinition<'static, Word, (u64, Word)> = TableDefinition::new("open");
const EPOCHS: TableDefinition<'static, u64, (u64, u64, Word)> = TableDefinition::new("epochs");
const EPOCH_ROWS: TableDefinition<'static, (u64, Word), Word> = TableDefinition::new("epoch_rows");
const EPOCH_CALLS: TableDefinition<'static, (u64, Word), u64> = TableDefinition::new("epoch_calls");
const CALLS: TableDefinition<'static, Word, (u64, u64)> = TableDefinition::new("calls");
const MINUTES: TableDefinition<'static, (Word, u64), u64> = TableDefinition::new("minutes");
const ACCESSES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("accesses");
const LICENSE_KEYS: TableDefinition<'static, (Word, u64), ()> = TableDefinition::new("license_keys");
const CREDENTIALS: TableDefinition<'static, (Who, Word, u64), ()> = TableDefinition::new("credentials");
const REVOKED: TableDefinition<'static, (Who, Word), u64> = TableDefinition::new("revoked");
const OTHER: TableDefinition<'static, u64, u64> = TableDefinition::new("other");

/// Requests 1 and 2 in epoch 1, 3 in epoch 2, 4 open, 5 reserved, 6 voided; key 4 signed in, key 3 revoked.
async fn good(folder: &Path) {
    let ledger = open(folder);
    ledger.sign_in(access(4, 5, 1)).await.unwrap();
    ledger.sign_in(access(3, 5, 2)).await.unwrap();
    ledger.revoke(access(3, 5, 2).credential, license(5), 3).await.unwrap();
    for number in 1..=4 {
        serve(&ledger, number, 5).await;
    }
    ledger.seal(1, 2).await.unwrap();
    ledger.seal(2, 3).await.unwrap();
    ledger.reserve(reservation(6, 5)).await.unwrap();
    ledger.void(id(6)).await.unwrap();
    ledger.reserve(reservation(5, 5)).await.unwrap();
}

/// What is found after something was done to the file, as `table, place: problem`.
fn found(good: &Path, damage: impl FnOnce(&WriteTransaction)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(good.join(FILE_NAME), folder.path().join(FILE_NAME)).unwrap();
    let database = Database::open(folder.path().join(FILE_NAME)).unwrap();
    let transaction = database.begin_write().unwrap();
    damage(&transaction);
    transaction.commit().unwrap();
    drop(database);
    check(folder.path()).unwrap().findings.iter().map(ToString::to_string).collect()
}

/// A row of `heads` with this state and epoch.
fn put_head(transaction: &WriteTransaction, number: u64, (state, epoch): (u8, u64), units: u64, at: u64) {
    let mut heads = transaction.open_table(HEADS).unwrap();
    let print = B256::repeat_byte(number as u8);
    heads.insert(&id(number).0, (state, epoch, &print.0, &license(5).to_be_bytes(), units, at)).unwrap();
}

#[tokio::test]
async fn a_good_ledger_has_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path()).await;
    let report = check(folder.path()).unwrap();
    assert_eq!(report.findings, []);
    let counted = (report.epochs, report.sealed, report.open, report.reserved, report.accesses);
    assert_eq!((counted, report.binding), ((2, 3, 1, 1, 2), binding()));
    assert_eq!(check(folder.path()).unwrap(), report, "checking changes nothing");
}

#[test]
fn a_folder_without_a_ledger_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(check(folder.path()).unwrap_err(), LedgerError::NoLedger { path: folder.path().join(FILE_NAME) });
    assert!(!folder.path().join(FILE_NAME).exists());
    let database = Database::create(folder.path().join(FILE_NAME)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(OTHER).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(check(folder.path()), Err(LedgerError::Unreadable { .. })));
}

#[tokio::test]
async fn every_damage_to_rows_is_found() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path()).await;
    let found = |damage: fn(&WriteTransaction)| found(folder.path(), damage);
    let request = |number| format!("request {}", id(number));
    let license = "license 5";

    let strays =
        |table: &str, number| vec![format!("{table}, {}: is there and nothing else calls for it", request(number))];
    let missing = |table: &str, place: String| vec![format!("{table}, {place}: is missing")];

    assert_eq!(
        found(|t| drop(t.open_table(OTHER).unwrap())),
        ["redb, table other: is there and nothing else calls for it"]
    );
    let lost = found(|t| drop(t.open_table(HEADS).unwrap().remove(&id(4).0).unwrap()));
    assert!(lost.contains(&strays("receipts", 4)[0]) && lost.contains(&strays("open", 4)[0]), "{lost:?}");
    let bad = found(|t| put_head(t, 6, (9, 0), 1, 6));
    assert!(bad.len() == 1 && bad[0].starts_with(&format!("heads, {}: does not read", request(6))), "{bad:?}");
    let none = found(|t| put_head(t, 6, (2, 0), 0, 6));
    assert_eq!(none, [format!("heads, {}: its number of units is 0 and should be 1", request(6))]);
    let early = found(|t| put_head(t, 6, (2, 1), 1, 6));
    assert_eq!(early, [format!("heads, {}: its epoch is 1 and should be 0", request(6))]);

    assert_eq!(
        found(|t| drop(t.open_table(RESERVED).unwrap().remove(&id(5).0).unwrap())),
        missing("reserved", request(5))
    );
    assert_eq!(found(|t| drop(t.open_table(RESERVED).unwrap().insert(&id(6).0, ()).unwrap())), strays("reserved", 6));

    let gone = found(|t| drop(t.open_table(RECEIPTS).unwrap().remove(&id(4).0).unwrap()));
    assert_eq!(gone, missing("receipts", request(4)), "nothing is earned without a receipt");
    let gone = found(|t| drop(t.open_table(RECEIPTS).unwrap().remove(&id(3).0).unwrap()));
    assert_eq!(gone[0], missing("receipts", request(3))[0]);
    assert!(gone[1].starts_with("epochs, epoch 2: its number of rows is 1"), "{gone:?}");
    assert_eq!(
        found(|t| drop(t.open_table(RECEIPTS).unwrap().insert(&id(5).0, &b"{}"[..]).unwrap())),
        strays("receipts", 5)
    );
    let torn = found(|t| drop(t.open_table(RECEIPTS).unwrap().insert(&id(4).0, &b"{\"rec"[..]).unwrap()));
    assert!(torn.len() == 1 && torn[0].starts_with(&format!("receipts, {}: does not read", request(4))), "{torn:?}");

    assert_eq!(
        found(|t| drop(t.open_table(ANSWERS).unwrap().remove(&id(4).0).unwrap())),
        missing("answers", request(4))
    );
    assert_eq!(
        found(|t| drop(t.open_table(ANSWERS).unwrap().insert(&id(1).0, &b""[..]).unwrap())),
        strays("answers", 1)
    );

    let lost = found(|t| drop(t.open_table(OPEN).unwrap().remove(&id(4).0).unwrap()));
    assert_eq!(lost, [missing("open", request(4)), strays("answers", 4)].concat());
    assert_eq!(
        found(|t| drop(t.open_table(OPEN).unwrap().insert(&id(2).0, (2, &[0; 32])).unwrap())),
        strays("open", 2)
    );
    let wrong = found(|t| drop(t.open_table(OPEN).unwrap().insert(&id(4).0, (9, &[7; 32])).unwrap()));
    assert!(wrong.len() == 2 && wrong[0].contains("its time is 9 and should be 4"), "{wrong:?}");
    assert!(wrong[1].contains("its struct hash is 0x0707"), "{wrong:?}");

    let of = |epoch: u64, number| format!("epoch {epoch}, {}", request(number));
    let lost = found(|t| drop(t.open_table(EPOCH_ROWS).unwrap().remove((2, &id(3).0)).unwrap()));
    assert_eq!(lost[0], missing("epoch_rows", of(2, 3))[0]);
    assert!(lost[1].contains("number of rows is 1 and should be 0") && lost[2].contains("receipts root"), "{lost:?}");
    let twice = found(|t| drop(t.open_table(EPOCH_ROWS).unwrap().insert((2, &id(1).0), &[0; 32]).unwrap()));
    assert_eq!(twice, [format!("epoch_rows, {}: is there and nothing else calls for it", of(2, 1))]);
    let wrong = found(|t| drop(t.open_table(EPOCH_ROWS).unwrap().insert((1, &id(1).0), &[7; 32]).unwrap()));
    assert!(
        wrong.len() == 1 && wrong[0].starts_with(&format!("epoch_rows, {}: its struct hash", of(1, 1))),
        "{wrong:?}"
    );

    let calls = found(|t| drop(t.open_table(CALLS).unwrap().insert(&U256::from(5).to_be_bytes(), (9, 8)).unwrap()));
    let said =
        |field, found, expected| format!("calls, {license}: its units in {field} is {found} and should be {expected}");
    assert_eq!(calls, [said("all", 9, 5), said("the open epoch", 8, 2)]);
    let gone = found(|t| drop(t.open_table(CALLS).unwrap().remove(&U256::from(5).to_be_bytes()).unwrap()));
    assert_eq!(gone, missing("calls", license.into()));
    let minute = found(|t| drop(t.open_table(MINUTES).unwrap().insert((&U256::from(5).to_be_bytes(), 4), 3).unwrap()));
    assert_eq!(minute, [format!("minutes, {license}, second 4: its units is 3 and should be 1")]);
    let minute = found(|t| drop(t.open_table(MINUTES).unwrap().remove((&U256::from(5).to_be_bytes(), 4)).unwrap()));
    assert_eq!(minute, missing("minutes", format!("{license}, second 4")));
    let old = found(|t| drop(t.open_table(MINUTES).unwrap().insert((&U256::from(5).to_be_bytes(), 99), 0).unwrap()));
    assert!(old.iter().any(|line| line.ends_with("second 4: is there and nothing else calls for it")), "{old:?}");
}

#[tokio::test]
async fn every_damage_to_epochs_is_found() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path()).await;
    let found = |damage: fn(&WriteTransaction)| found(folder.path(), damage);
    let change = |change: fn(Sealed) -> Sealed| {
        self::found(folder.path(), move |t| {
            let mut epochs = t.open_table(EPOCHS).unwrap();
            let (rows, end, root) = {
                let stored = redb::ReadableTable::get(&epochs, 2).unwrap().unwrap();
                let (rows, end, root) = stored.value();
                (rows, end, B256::new(*root))
            };
            let (rows, end, root) = change((rows, end, root));
            epochs.insert(2, (rows, end, &root.0)).unwrap();
        })
    };
    let rows = change(|(_, end, root)| (7, end, root));
    assert_eq!(rows, ["epochs, epoch 2: its number of rows is 7 and should be 1"]);
    let root = change(|(rows, end, _)| (rows, end, B256::ZERO));
    assert!(root.len() == 1 && root[0].starts_with("epochs, epoch 2: its receipts root is 0x0000"), "{root:?}");
    let late = change(|(rows, _, root)| (rows, 9, root));
    assert!(late.len() == 1 && late[0].contains("its time is 4 and should be after 9"), "{late:?}");
    let early = change(|(rows, _, root)| (rows, 1, root));
    assert!(early.iter().any(|line| line == "epochs, epoch 2: its end is 1 and should be after 2"), "{early:?}");
    assert!(early.iter().any(|line| line.contains("its time is 3 and should be after 2 and by 1")), "{early:?}");

    let gone = found(|t| drop(t.open_table(EPOCHS).unwrap().remove(2).unwrap()));
    assert_eq!(gone, ["epochs, epoch 2: is missing"]);
    let gap = found(|t| drop(t.open_table(EPOCHS).unwrap().insert(4, (0, 4, &[0; 32])).unwrap()));
    assert!(gap.contains(&"epochs, epoch 4: its number is 4 and should be 3".to_owned()), "{gap:?}");

    let units =
        found(|t| drop(t.open_table(EPOCH_CALLS).unwrap().insert((1, &U256::from(5).to_be_bytes()), 7).unwrap()));
    assert_eq!(units, ["epoch_calls, epoch 1, license 5: its units is 7 and should be 2"]);
    let gone = found(|t| drop(t.open_table(EPOCH_CALLS).unwrap().remove((1, &U256::from(5).to_be_bytes())).unwrap()));
    assert_eq!(gone, ["epoch_calls, epoch 1, license 5: is missing"]);
    let more = found(|t| drop(t.open_table(EPOCH_CALLS).unwrap().insert((1, &[9; 32]), 7).unwrap()));
    assert!(more.len() == 1 && more[0].ends_with("is there and nothing else calls for it"), "{more:?}");
}

#[tokio::test]
async fn a_receipt_of_something_else_is_found() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path()).await;
    let with = |row: tributary_sdk::batch::ReceiptRow| {
        found(folder.path(), move |t| {
            let json = serde_json::to_vec(&row).unwrap();
            t.open_table(RECEIPTS).unwrap().insert(&id(4).0, json.as_slice()).unwrap();
        })
    };
    let changed = |change: fn(&mut tributary_sdk::batch::ReceiptRow)| {
        let mut row = receipt(4, 5);
        change(&mut row);
        with(row)
    };
    let finds = |found: Vec<String>, what: &str| assert!(found.iter().any(|line| line.contains(what)), "{found:?}");
    finds(
        changed(|row| row.receipt.id = id(9)),
        "receipts, request 0x0000000000000000000000000000000000000000000000000000000000000004: its id",
    );
    finds(changed(|row| row.request.id = id(9)), "its request's id");
    finds(changed(|row| row.receipt.licenseId = license(6)), "its license is 6 and should be 5");
    finds(changed(|row| row.request.licenseId = license(6)), "its request's license is 6");
    finds(changed(|row| row.receipt.units = 6), "its number of units is 6 and should be 1");
    finds(changed(|row| row.request.units = 6), "its request's number of units is 6");
    finds(
        changed(|row| row.receipt.amount = 6),
        "open, request 0x0000000000000000000000000000000000000000000000000000000000000004: its struct hash",
    );
    let nobody = changed(|row| row.credential = tributary_sdk::sign_in::Credential::of_bearer("x"));
    assert!(nobody.len() == 1 && nobody[0].ends_with("was never signed in for license 5"), "{nobody:?}");
}

#[tokio::test]
async fn every_damage_to_sign_ins_is_found() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path()).await;
    let found = |damage: fn(&WriteTransaction)| found(folder.path(), damage);
    fn who(key: u8) -> [u8; 33] {
        let mut who = [0; 33];
        who[13..].fill(key);
        who
    }
    fn of(license: u64) -> [u8; 32] {
        U256::from(license).to_be_bytes()
    }

    let torn = found(|t| drop(t.open_table(ACCESSES).unwrap().insert(2, &b"{"[..]).unwrap()));
    assert!(torn.iter().any(|line| line.starts_with("accesses, sign-in 2: does not read")), "{torn:?}");
    let gone = found(|t| drop(t.open_table(ACCESSES).unwrap().remove(2).unwrap()));
    let stray = |table| format!("{table}, sign-in 2: is there and nothing else calls for it");
    assert_eq!(gone, [stray("license_keys"), stray("credentials")]);
    let gone = found(|t| drop(t.open_table(LICENSE_KEYS).unwrap().remove((&of(5), 1)).unwrap()));
    assert_eq!(gone, ["license_keys, sign-in 1: is missing"]);

    let gone = found(|t| drop(t.open_table(CREDENTIALS).unwrap().remove((&who(4), &of(5), 1)).unwrap()));
    assert!(gone.contains(&"credentials, sign-in 1: is missing".to_owned()), "{gone:?}");
    let nobody = gone.iter().filter(|line| line.ends_with("was never signed in for license 5")).count();
    assert_eq!(nobody, 4, "every row of an epoch has a session: {gone:?}");

    let revoked = found(|t| drop(t.open_table(REVOKED).unwrap().insert((&who(9), &of(5)), 1).unwrap()));
    assert!(revoked.len() == 1 && revoked[0].starts_with("revoked, key:0x0909"), "{revoked:?}");
    let strange = found(|t| drop(t.open_table(REVOKED).unwrap().insert((&[7; 33], &of(5)), 1).unwrap()));
    assert_eq!(strange, ["revoked, license 5: does not read (its key is no credential)"]);
}

#[tokio::test]
async fn findings_are_typed() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path()).await;
    let database = Database::open(folder.path().join(FILE_NAME)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(RECEIPTS).unwrap().remove(&id(4).0).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let findings = check(folder.path()).unwrap().findings;
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(
        (finding.table, &finding.place, &finding.problem),
        ("receipts", &Place::Request(id(4)), &Problem::Missing)
    );
}
