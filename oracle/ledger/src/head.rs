//! What is kept of every request: little enough to read and write on each step of its life.

use redb::ReadableTable;
use tributary_sdk::{B256, U256, batch::ReceiptRow};

use crate::{
    LedgerError, Row, RowState,
    tables::{Tables, Word},
};

/// A head as its table holds it: state, sealed epoch, fingerprint, license, units, second.
pub(crate) type Stored<'a> = (u8, u64, &'a [u8; 32], &'a [u8; 32], u64, u64);

/// A request without its receipt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) state: RowState,
    /// 0 = none.
    pub(crate) epoch: u64,
    pub(crate) fingerprint: B256,
    pub(crate) license_id: U256,
    pub(crate) units: u64,
    pub(crate) at: u64,
}

impl Head {
    pub(crate) fn from_stored(request_id: B256, stored: Stored<'_>) -> Result<Self, LedgerError> {
        let (state, epoch, fingerprint, license_id, units, at) = stored;
        let state = RowState::from_code(request_id, state)?;
        let (fingerprint, license_id) = (B256::new(*fingerprint), U256::from_be_bytes(*license_id));
        Ok(Self { state, epoch, fingerprint, license_id, units, at })
    }

    /// The head of a request, if there is one.
    pub(crate) fn read(
        heads: &impl ReadableTable<Word, Stored<'static>>,
        request_id: B256,
    ) -> Result<Option<Self>, LedgerError> {
        heads.get(&request_id.0)?.map(|stored| Self::from_stored(request_id, stored.value())).transpose()
    }

    pub(crate) fn write(&self, tables: &mut Tables<'_>, request_id: B256) -> Result<(), LedgerError> {
        let Self { state, epoch, fingerprint, license_id, units, at } = self;
        let license = license_id.to_be_bytes();
        tables.heads.insert(&request_id.0, (state.code(), *epoch, &fingerprint.0, &license, *units, *at))?;
        Ok(())
    }
}

/// The row of a request: its head and, once earned, its receipt.
pub(crate) fn read_row(
    heads: &impl ReadableTable<Word, Stored<'static>>,
    receipts: &impl ReadableTable<Word, &'static [u8]>,
    request_id: B256,
) -> Result<Option<Row>, LedgerError> {
    let Some(Head { state, epoch, fingerprint, license_id, units, at }) = Head::read(heads, request_id)? else {
        return Ok(None);
    };
    let receipt = match receipts.get(&request_id.0)? {
        Some(json) => Some(read_receipt(request_id, json.value())?),
        None => None,
    };
    let epoch = (epoch > 0).then_some(epoch);
    Ok(Some(Row { request_id, fingerprint, license_id, units, at, state, epoch, receipt }))
}

/// Reads what `earn` stored.
pub(crate) fn read_receipt(request_id: B256, json: &[u8]) -> Result<ReceiptRow, LedgerError> {
    serde_json::from_slice(json).map_err(|error| LedgerError::UnreadableRow { request_id, reason: error.to_string() })
}
