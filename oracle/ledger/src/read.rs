//! What can be read at any moment. Readers see the last commit and wait for nobody.

use std::collections::BTreeSet;

use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata};
use tributary_sdk::{
    Address, B256, U256,
    batch::{ReceiptRow, Session},
};

use crate::{Calls, Ledger, LedgerError, Row, SealedEpoch, sessions, tables};

impl Ledger {
    /// The row of a request, if there is one.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`].
    pub fn row(&self, request_id: B256) -> Result<Option<Row>, LedgerError> {
        tables::committed_row(&self.database.begin_read()?, request_id)
    }

    /// The last sealed epoch, if any.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn last_epoch(&self) -> Result<Option<SealedEpoch>, LedgerError> {
        let epochs = self.database.begin_read()?.open_table(tables::EPOCHS)?;
        Ok(epochs.last()?.map(|(epoch, sealed)| {
            let (rows, period_end) = sealed.value();
            SealedEpoch { epoch: epoch.value(), rows, period_end }
        }))
    }

    /// The receipts of a sealed epoch, ascending by receipt id. Empty for an epoch that is not sealed.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`].
    pub fn rows_of(&self, epoch: u64) -> Result<Vec<ReceiptRow>, LedgerError> {
        let transaction = self.database.begin_read()?;
        let ids = transaction.open_table(tables::EPOCH_ROWS)?;
        let receipts = transaction.open_table(tables::RECEIPTS)?;
        let mut rows = Vec::new();
        for entry in ids.range((epoch, &[0; 32])..=(epoch, &[0xff; 32]))? {
            let (key, ()) = entry.map(|(key, _)| (key, ()))?;
            let request_id = B256::new(*key.value().1);
            let json = receipts
                .get(&request_id.0)?
                .ok_or_else(|| LedgerError::UnreadableRow { request_id, reason: "its receipt is missing".into() })?;
            rows.push(tables::read_receipt(request_id, json.value())?);
        }
        rows.sort_unstable_by_key(|row| row.receipt.id);
        Ok(rows)
    }

    /// Earned rows that are in no epoch yet.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn open_rows(&self) -> Result<u64, LedgerError> {
        Ok(self.database.begin_read()?.open_table(tables::OPEN)?.len()?)
    }

    /// A license's calls so far, reserved and earned.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn calls(&self, license_id: U256) -> Result<Calls, LedgerError> {
        let calls = self.database.begin_read()?.open_table(tables::CALLS)?;
        let (total, open) = calls.get(&license_id.to_be_bytes())?.map_or((0, 0), |calls| calls.value());
        Ok(Calls { total, open })
    }

    /// A license's earned calls in a sealed epoch.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn calls_in(&self, license_id: U256, epoch: u64) -> Result<u64, LedgerError> {
        let calls = self.database.begin_read()?.open_table(tables::EPOCH_CALLS)?;
        Ok(calls.get((epoch, &license_id.to_be_bytes()))?.map_or(0, |calls| calls.value()))
    }

    /// The sessions of a key for a license, newest first, whether or not they have expired.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn sessions(&self, session_key: Address, license_id: U256) -> Result<Vec<Session>, LedgerError> {
        let mut sessions = self.sessions_of_key(session_key, license_id)?;
        sessions.reverse();
        Ok(sessions)
    }

    /// An earned row of the open epoch, if there is any.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`].
    pub fn first_open(&self) -> Result<Option<Row>, LedgerError> {
        let transaction = self.database.begin_read()?;
        let first = transaction.open_table(tables::OPEN)?.first()?.map(|(id, _)| B256::new(*id.value()));
        match first {
            Some(id) => tables::committed_row(&transaction, id),
            None => Ok(None),
        }
    }

    /// Every session of the keys that signed requests of a sealed epoch, for the published batch.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`].
    pub fn sessions_of(&self, epoch: u64) -> Result<Vec<Session>, LedgerError> {
        let rows = self.rows_of(epoch)?;
        let used: BTreeSet<_> = rows.iter().map(|row| (row.session_key, row.receipt.licenseId)).collect();
        let mut sessions = Vec::new();
        for (session_key, license_id) in used {
            sessions.extend(self.sessions_of_key(session_key, license_id)?);
        }
        Ok(sessions)
    }

    /// Oldest first.
    fn sessions_of_key(&self, session_key: Address, license_id: U256) -> Result<Vec<Session>, LedgerError> {
        let sessions = self.database.begin_read()?.open_table(tables::SESSIONS)?;
        let (first, last) =
            (sessions::key(session_key, license_id, 0, 0), sessions::key(session_key, license_id, u64::MAX, u64::MAX));
        sessions.range::<&[u8; 68]>(&first..=&last)?.map(|entry| sessions::read(entry?.1.value())).collect()
    }
}
