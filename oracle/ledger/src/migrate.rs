//! From `tributary-ledger/1`, which knew session keys only and counted requests, not records.
//!
//! All in the transaction that opens the file: a crash leaves the old file as it was.

use std::{collections::BTreeMap, path::Path};

use alloy::sol_types::SolStruct;
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use serde::Deserialize;
use tributary_sdk::{
    Address, B256, Bytes,
    batch::{self, Session},
    sign_in::{Authorization, Credential},
    sketch::Sketch,
    typed_data::{InferenceRequest, Receipt},
};

use crate::{
    Access, LedgerError, RowState, access, epochs,
    head::Head,
    tables::{self, Tables, Word},
};

/// What a file of the old format says it is.
pub(crate) const FORMAT: &[u8] = b"tributary-ledger/1";

type OldHead = (u8, u64, Word, Word);

const HEADS: TableDefinition<'static, Word, OldHead> = TableDefinition::new("heads");
const OPEN: TableDefinition<'static, Word, u64> = TableDefinition::new("open");
const EPOCHS: TableDefinition<'static, u64, (u64, u64)> = TableDefinition::new("epochs");
const EPOCH_ROWS: TableDefinition<'static, (u64, Word), ()> = TableDefinition::new("epoch_rows");
const SESSIONS: TableDefinition<'static, &'static [u8; 68], &'static [u8]> = TableDefinition::new("sessions");

const HEADS_ASIDE: TableDefinition<'static, Word, OldHead> = TableDefinition::new("heads/1");
const EPOCHS_ASIDE: TableDefinition<'static, u64, (u64, u64)> = TableDefinition::new("epochs/1");

/// A receipt row when session keys alone could ask.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReceiptRow {
    receipt: Receipt,
    host_signature: Bytes,
    request: InferenceRequest,
    request_signature: Bytes,
    session_key: Address,
    sketch: Sketch,
}

impl From<ReceiptRow> for batch::ReceiptRow {
    fn from(old: ReceiptRow) -> Self {
        let ReceiptRow { receipt, host_signature, request, request_signature, session_key, sketch } = old;
        let credential = Credential::Key(session_key);
        Self { receipt, host_signature, request, request_signature, credential, sketch: Some(sketch) }
    }
}

/// Rewrites every table. The binding stays; the caller has compared it.
pub(crate) fn migrate(transaction: &WriteTransaction, path: &Path) -> Result<(), LedgerError> {
    let reserved = transaction.open_table(tables::RESERVED)?.len()?;
    let open = transaction.open_table(OPEN)?.len()?;
    if reserved > 0 || open > 0 {
        return Err(LedgerError::NotAtRest { path: path.to_owned(), reserved, open });
    }
    transaction.rename_table(HEADS, HEADS_ASIDE)?;
    transaction.rename_table(EPOCHS, EPOCHS_ASIDE)?;
    transaction.delete_table(OPEN)?;
    transaction.delete_table(EPOCH_ROWS)?;
    // Counted anew, in units.
    transaction.delete_table(tables::CALLS)?;
    transaction.delete_table(tables::EPOCH_CALLS)?;
    {
        let mut tables = Tables::open(transaction)?;
        rows(&mut tables, &transaction.open_table(HEADS_ASIDE)?)?;
        seals(&mut tables, &transaction.open_table(EPOCHS_ASIDE)?, path)?;
        sessions(&mut tables, &transaction.open_table(SESSIONS)?)?;
        tables.meta.insert("format", super::open::FORMAT)?;
    }
    transaction.delete_table(HEADS_ASIDE)?;
    transaction.delete_table(EPOCHS_ASIDE)?;
    transaction.delete_table(SESSIONS)?;
    Ok(())
}

fn rows(tables: &mut Tables<'_>, old: &impl ReadableTable<Word, OldHead>) -> Result<(), LedgerError> {
    const OVERFLOW: LedgerError = LedgerError::Overflow { what: "a license's units" };
    let mut by_license = BTreeMap::<[u8; 32], u64>::new();
    let mut by_epoch = BTreeMap::<(u64, [u8; 32]), u64>::new();
    for entry in old.iter()? {
        let (id, head) = entry?;
        let request_id = B256::new(*id.value());
        let unreadable = |reason: String| LedgerError::UnreadableRow { request_id, reason };
        let (state, epoch, fingerprint, license) = head.value();
        let state = RowState::from_code(request_id, state)?;
        let mut units = 1;
        match state {
            RowState::Reserved => return Err(unreadable("it is reserved and nothing lists it".into())),
            RowState::Earned if epoch == 0 => return Err(unreadable("it is earned and in no epoch".into())),
            RowState::Voided => {}
            RowState::Earned => {
                let json = tables.receipts.get(id.value())?.map(|json| json.value().to_vec());
                let json = json.ok_or_else(|| unreadable("its receipt is missing".into()))?;
                let row: ReceiptRow = serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))?;
                let row = batch::ReceiptRow::from(row);
                let json = serde_json::to_vec(&row).map_err(|error| unreadable(error.to_string()))?;
                tables.receipts.insert(id.value(), json.as_slice())?;
                tables.epoch_rows.insert((epoch, id.value()), &row.receipt.eip712_hash_struct().0)?;
                units = row.receipt.units;
                let total = by_license.entry(*license).or_default();
                *total = total.checked_add(units).ok_or(OVERFLOW)?;
                let sealed = by_epoch.entry((epoch, *license)).or_default();
                *sealed = sealed.checked_add(units).ok_or(OVERFLOW)?;
            }
        }
        // The old format did not keep when a request was asked: second 0 counts in no minute.
        let (fingerprint, license_id) = (B256::new(*fingerprint), tributary_sdk::U256::from_be_bytes(*license));
        Head { state, epoch, fingerprint, license_id, units, at: 0 }.write(tables, request_id)?;
    }
    for (license, total) in &by_license {
        tables.calls.insert(license, (*total, 0))?;
    }
    for ((epoch, license), units) in &by_epoch {
        tables.epoch_calls.insert((*epoch, license), units)?;
    }
    Ok(())
}

fn seals(tables: &mut Tables<'_>, old: &impl ReadableTable<u64, (u64, u64)>, path: &Path) -> Result<(), LedgerError> {
    for entry in old.iter()? {
        let (epoch, sealed) = entry?;
        let (epoch, (rows, period_end)) = (epoch.value(), sealed.value());
        let mut hashes = Vec::new();
        for entry in tables.epoch_rows.range((epoch, &[0; 32])..=(epoch, &[0xff; 32]))? {
            hashes.push(B256::new(*entry?.1.value()));
        }
        if hashes.len() as u64 != rows {
            let reason = format!("epoch {epoch} was sealed with {rows} rows and has {}", hashes.len());
            return Err(LedgerError::Unreadable { path: path.to_owned(), reason });
        }
        tables.epochs.insert(epoch, (rows, period_end, &epochs::root(hashes.into_iter())?.0))?;
    }
    Ok(())
}

/// Numbers the sign-ins in the order in which the host took them.
fn sessions(
    tables: &mut Tables<'_>,
    old: &impl ReadableTable<&'static [u8; 68], &'static [u8]>,
) -> Result<(), LedgerError> {
    let mut sessions = Vec::new();
    for (number, entry) in old.iter()?.enumerate() {
        let unreadable = |reason: String| LedgerError::UnreadableAccess { number: number as u64, reason };
        let session: Session =
            serde_json::from_slice(entry?.1.value()).map_err(|error| unreadable(error.to_string()))?;
        let Authorization::Typed(said) = &session.authorization else {
            return Err(unreadable("it is a message, which the old format did not know".into()));
        };
        let (license_id, expires_at) = (said.licenseId, said.expiresAt);
        let credential = Credential::Key(said.sessionKey);
        sessions.push(Access { session, credential, license_id, begins_at: 0, expires_at, label: None });
    }
    sessions.sort_by_key(|access| access.session.block);
    sessions.iter().try_for_each(|access| access::sign_in(tables, access))
}
