//! Receipts as a table for other programs: one row a receipt.

#[cfg(feature = "parquet")]
mod columns;
mod comma;

use std::io::Write;

use redb::{ReadableDatabase, ReadableTable};
use tributary_sdk::{B256, batch::ReceiptRow};

use crate::{Ledger, LedgerError, RowState, read::stored_receipt, tables::Snapshot};

/// Which receipts to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those of a sealed epoch.
    Epoch(u64),
    /// Those without an epoch.
    Open,
}

/// How to write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// RFC 4180, with a header line.
    Csv,
    /// Apache Parquet, uncompressed.
    #[cfg(feature = "parquet")]
    Parquet,
}

/// The columns, in order. Numbers of 128 and 256 bits are decimal text, as Parquet has no such numbers that all its
/// readers know.
const COLUMNS: [&str; 16] = [
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

/// One receipt as it is exported.
struct Line {
    epoch: Option<u64>,
    state: &'static str,
    row: ReceiptRow,
}

/// Where lines go.
trait Sink {
    fn line(&mut self, line: Line) -> Result<(), LedgerError>;
    fn finish(&mut self) -> Result<(), LedgerError>;
}

impl Ledger {
    /// Writes receipts, ascending by receipt id, as they were committed when this began. Returns how many.
    ///
    /// Addresses, hashes and ids are `0x` text, `units` and `served_at` are numbers, `epoch` is empty for receipts without
    /// one.
    ///
    /// # Errors
    /// [`LedgerError::NotSealed`], [`LedgerError::Export`], [`LedgerError::UnreadableRow`], [`LedgerError::Storage`].
    pub fn export(
        &self,
        selection: Selection,
        format: Format,
        to: &mut (impl Write + Send),
    ) -> Result<u64, LedgerError> {
        let tables = Snapshot::open(&self.database.begin_read()?)?;
        if let Selection::Epoch(epoch) = selection
            && tables.epochs.get(epoch)?.is_none()
        {
            return Err(LedgerError::NotSealed { epoch });
        }
        match format {
            Format::Csv => write(&tables, selection, &mut comma::Lines::new(to)?),
            #[cfg(feature = "parquet")]
            Format::Parquet => write(&tables, selection, &mut columns::Groups::new(to)?),
        }
    }
}

fn write(tables: &Snapshot, selection: Selection, sink: &mut impl Sink) -> Result<u64, LedgerError> {
    let mut lines = 0_u64;
    let mut line = |epoch: Option<u64>, id: &[u8; 32]| {
        let row = stored_receipt(&tables.receipts, B256::new(*id))?;
        lines = lines.saturating_add(1);
        sink.line(Line { epoch, state: RowState::Earned.name(), row })
    };
    match selection {
        Selection::Open => {
            for entry in tables.open.iter()? {
                line(None, entry?.0.value())?;
            }
        }
        Selection::Epoch(epoch) => {
            for entry in tables.epoch_rows.range((epoch, &[0; 32])..=(epoch, &[0xff; 32]))? {
                line(Some(epoch), entry?.0.value().1)?;
            }
        }
    }
    sink.finish()?;
    Ok(lines)
}

fn failed(error: &dyn std::error::Error) -> LedgerError {
    LedgerError::Export { reason: error.to_string() }
}
