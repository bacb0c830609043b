//! The tables of one ledger file.
//!
//! Request ids, licenses and session keys are keys as their big-endian bytes, so that key order is numeric order.

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};
use tributary_sdk::{B256, U256, batch::ReceiptRow};

use crate::{LedgerError, Row, RowState};

/// 32 bytes of an id or a number.
pub(crate) type Word = &'static [u8; 32];
/// State, sealed epoch (0 = none), request hash, license: what changes, and what is compared on every request.
pub(crate) type Head = (u8, u64, Word, Word);
/// Session key (20) ‖ license (32) ‖ block (8) ‖ expiry (8), big-endian.
pub(crate) type SessionKey = &'static [u8; 68];

/// What the file is and whose: `format`, `binding`.
pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("meta");
/// Request id → head.
pub(crate) const HEADS: TableDefinition<'static, Word, Head> = TableDefinition::new("heads");
/// Request id → receipt row, JSON. Written once.
pub(crate) const RECEIPTS: TableDefinition<'static, Word, &'static [u8]> = TableDefinition::new("receipts");
/// Request id → the answer's bytes, until its epoch is sealed.
pub(crate) const ANSWERS: TableDefinition<'static, Word, &'static [u8]> = TableDefinition::new("answers");
/// Ids of reserved rows.
pub(crate) const RESERVED: TableDefinition<'static, Word, ()> = TableDefinition::new("reserved");
/// Ids of earned rows without an epoch → `servedAt`.
pub(crate) const OPEN: TableDefinition<'static, Word, u64> = TableDefinition::new("open");
/// Sealed epoch → rows, its last second.
pub(crate) const EPOCHS: TableDefinition<'static, u64, (u64, u64)> = TableDefinition::new("epochs");
/// (Sealed epoch, request id).
pub(crate) const EPOCH_ROWS: TableDefinition<'static, (u64, Word), ()> = TableDefinition::new("epoch_rows");
/// (Sealed epoch, license) → earned rows.
pub(crate) const EPOCH_CALLS: TableDefinition<'static, (u64, Word), u64> = TableDefinition::new("epoch_calls");
/// License → calls in all, calls in the open epoch; reserved and earned.
pub(crate) const CALLS: TableDefinition<'static, Word, (u64, u64)> = TableDefinition::new("calls");
/// Session → JSON. Append-only: old receipts were signed under old sessions.
pub(crate) const SESSIONS: TableDefinition<'static, SessionKey, &'static [u8]> = TableDefinition::new("sessions");

/// All tables of one write.
pub(crate) struct Tables<'t> {
    pub(crate) heads: Table<'t, Word, Head>,
    pub(crate) receipts: Table<'t, Word, &'static [u8]>,
    pub(crate) answers: Table<'t, Word, &'static [u8]>,
    pub(crate) reserved: Table<'t, Word, ()>,
    pub(crate) open: Table<'t, Word, u64>,
    pub(crate) epochs: Table<'t, u64, (u64, u64)>,
    pub(crate) epoch_rows: Table<'t, (u64, Word), ()>,
    pub(crate) epoch_calls: Table<'t, (u64, Word), u64>,
    pub(crate) calls: Table<'t, Word, (u64, u64)>,
    pub(crate) sessions: Table<'t, SessionKey, &'static [u8]>,
}

impl<'t> Tables<'t> {
    /// Opens every table, creating those that are missing.
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, LedgerError> {
        Ok(Self {
            heads: transaction.open_table(HEADS)?,
            receipts: transaction.open_table(RECEIPTS)?,
            answers: transaction.open_table(ANSWERS)?,
            reserved: transaction.open_table(RESERVED)?,
            open: transaction.open_table(OPEN)?,
            epochs: transaction.open_table(EPOCHS)?,
            epoch_rows: transaction.open_table(EPOCH_ROWS)?,
            epoch_calls: transaction.open_table(EPOCH_CALLS)?,
            calls: transaction.open_table(CALLS)?,
            sessions: transaction.open_table(SESSIONS)?,
        })
    }

    /// The row of a request.
    pub(crate) fn row(&self, request_id: B256) -> Result<Option<Row>, LedgerError> {
        read_row(&self.heads, &self.receipts, request_id)
    }
}

/// The row of a request, outside a write.
pub(crate) fn committed_row(transaction: &ReadTransaction, request_id: B256) -> Result<Option<Row>, LedgerError> {
    read_row(&transaction.open_table(HEADS)?, &transaction.open_table(RECEIPTS)?, request_id)
}

fn read_row(
    heads: &impl ReadableTable<Word, Head>,
    receipts: &impl ReadableTable<Word, &'static [u8]>,
    request_id: B256,
) -> Result<Option<Row>, LedgerError> {
    let Some(head) = heads.get(&request_id.0)? else {
        return Ok(None);
    };
    let (state, epoch, request_hash, license_id) = head.value();
    let receipt = match receipts.get(&request_id.0)? {
        Some(json) => Some(read_receipt(request_id, json.value())?),
        None => None,
    };
    Ok(Some(Row {
        request_id,
        request_hash: B256::new(*request_hash),
        license_id: U256::from_be_bytes(*license_id),
        state: RowState::from_code(request_id, state)?,
        epoch: (epoch > 0).then_some(epoch),
        receipt,
    }))
}

/// Reads what `earn` stored.
pub(crate) fn read_receipt(request_id: B256, json: &[u8]) -> Result<ReceiptRow, LedgerError> {
    serde_json::from_slice(json).map_err(|error| LedgerError::UnreadableRow { request_id, reason: error.to_string() })
}
