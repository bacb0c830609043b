//! Exports, read back by the formats' own readers.

use std::io::{self, Write};

use tributary_ledger::{Format, Ledger, LedgerError, Selection};
use tributary_sdk::{Address, sign_in::Credential};

use crate::{id, open, receipt_of, reservation, serve};

const HEADER: [&str; 16] = [
    "epoch",
    "state",
    "receipt_id",
    "asset",
    "version",
    "license",
    "payer",
    "credential",
    "units",
    "served_at",
    "request_hash",
    "input_commitment",
    "output_hash",
    "sketch_hash",
    "token",
    "amount",
];

/// Requests 1 and 2 in epoch 1, 3 open: a bearer's, with the largest numbers there are.
async fn ledger(folder: &std::path::Path) -> Ledger {
    let ledger = open(folder);
    serve(&ledger, 2, 5).await;
    serve(&ledger, 1, 6).await;
    ledger.seal(1, 2).await.unwrap();
    let mut row = receipt_of(3, 5, u64::MAX);
    row.credential = Credential::of_bearer("secret");
    (row.receipt.assetId, row.receipt.amount) = (u128::MAX, u128::MAX);
    (row.receipt.servedAt, row.receipt.version) = (u64::MAX, u32::MAX);
    ledger.reserve(tributary_ledger::Reservation { units: u64::MAX, ..reservation(3, 7) }).await.unwrap();
    (row.receipt.licenseId, row.request.licenseId) = (crate::license(7), crate::license(7));
    ledger.earn(row, vec![]).await.unwrap();
    ledger
}

/// What request 1 is exported as.
fn first() -> [String; 16] {
    let hash = format!("0x{}", "ab".repeat(32));
    let text = |account| Address::repeat_byte(account).to_string();
    [
        "1".into(),
        "earned".into(),
        id(1).to_string(),
        "1".into(),
        "1".into(),
        "6".into(),
        text(2),
        format!("key:{}", text(4)),
        "1".into(),
        "1".into(),
        format!("0x{}", "01".repeat(32)),
        hash.clone(),
        hash.clone(),
        hash,
        text(3),
        "0".into(),
    ]
}

#[tokio::test]
async fn an_epoch_is_exported_as_comma_separated_lines() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path()).await;
    let mut bytes = Vec::new();
    assert_eq!(ledger.export(Selection::Epoch(1), Format::Csv, &mut bytes), Ok(2));
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    assert_eq!(reader.headers().unwrap(), HEADER.as_slice());
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records[0].iter().collect::<Vec<_>>(), first());
    assert_eq!((records.len(), &records[1][2]), (2, id(2).to_string().as_str()));

    let mut bytes = Vec::new();
    assert_eq!(ledger.export(Selection::Open, Format::Csv, &mut bytes), Ok(1));
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(!text.contains("secret"), "a bearer key is known by its hash alone");
    let record = csv::Reader::from_reader(bytes.as_slice()).records().next().unwrap().unwrap();
    let (asset, units) = (u128::MAX.to_string(), u64::MAX.to_string());
    assert_eq!([&record[0], &record[3], &record[8], &record[15]], ["", &asset, &units, &asset]);
    assert_eq!(record[7], Credential::of_bearer("secret").to_string());
}

#[tokio::test]
async fn only_a_sealed_epoch_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path()).await;
    let refused = ledger.export(Selection::Epoch(2), Format::Csv, &mut Vec::new());
    assert_eq!(refused, Err(LedgerError::NotSealed { epoch: 2 }));
}

/// A place with no room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_export_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path()).await;
    let error = ledger.export(Selection::Open, Format::Csv, &mut Full).unwrap_err();
    assert!(matches!(error, LedgerError::Export { .. }), "{error}");
}

#[cfg(feature = "parquet")]
mod columns {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::{Field, Row},
    };

    use super::*;

    fn read(ledger: &Ledger, selection: Selection) -> Vec<Row> {
        let mut file = tempfile::tempfile().unwrap();
        let lines = ledger.export(selection, Format::Parquet, &mut file).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<Row> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len() as u64, lines);
        rows
    }

    fn text(field: &Field) -> String {
        match field {
            Field::Null => String::new(),
            Field::Str(text) => text.clone(),
            Field::ULong(number) => number.to_string(),
            Field::UInt(number) => number.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_epoch_is_exported_as_parquet() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path()).await;
        let rows = read(&ledger, Selection::Epoch(1));
        let (names, fields): (Vec<_>, Vec<_>) =
            rows[0].get_column_iter().map(|(name, field)| (name.clone(), text(field))).unzip();
        assert_eq!(names, HEADER);
        assert_eq!((fields.as_slice(), rows.len()), (first().as_slice(), 2));

        let rows = read(&ledger, Selection::Open);
        let fields: Vec<_> = rows[0].get_column_iter().map(|(_, field)| text(field)).collect();
        let (asset, units) = (u128::MAX.to_string(), u64::MAX.to_string());
        assert_eq!([&fields[0], &fields[3], &fields[8], &fields[9]], ["", &asset, &units, &units]);
        assert_eq!(fields[4], u32::MAX.to_string());
    }

    #[tokio::test]
    async fn an_empty_selection_is_a_file_without_rows() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(&open(folder.path()), Selection::Open).is_empty());
    }
}
