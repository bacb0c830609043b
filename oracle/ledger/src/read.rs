//! What can be read at any moment. Readers see the last commit and wait for nobody.

use std::collections::BTreeSet;

use redb::{ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use tributary_sdk::{
    B256, U256,
    batch::{ReceiptRow, Session},
    sign_in::Credential,
};

use crate::{Access, Calls, Key, Ledger, LedgerError, Row, SealedEpoch, access, epochs, head, tables};

impl Ledger {
    /// The row of a request, if there is one.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`].
    pub fn row(&self, request_id: B256) -> Result<Option<Row>, LedgerError> {
        committed_row(&self.database.begin_read()?, request_id)
    }

    /// A sealed epoch, if this one is.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn epoch(&self, epoch: u64) -> Result<Option<SealedEpoch>, LedgerError> {
        let epochs = self.database.begin_read()?.open_table(tables::EPOCHS)?;
        Ok(epochs.get(epoch)?.map(|sealed| epochs::from_stored(epoch, sealed.value())))
    }

    /// The last sealed epoch, if any.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn last_epoch(&self) -> Result<Option<SealedEpoch>, LedgerError> {
        let epochs = self.database.begin_read()?.open_table(tables::EPOCHS)?;
        Ok(epochs.last()?.map(|(epoch, sealed)| epochs::from_stored(epoch.value(), sealed.value())))
    }

    /// The receipts of a sealed epoch, ascending by receipt id. Empty for an epoch that is not sealed.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`].
    pub fn rows_of(&self, epoch: u64) -> Result<Vec<ReceiptRow>, LedgerError> {
        rows_of(&self.database.begin_read()?, epoch)
    }

    /// The kept bytes of a request's input, if they are kept.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn input(&self, request_id: B256) -> Result<Option<Vec<u8>>, LedgerError> {
        let inputs = self.database.begin_read()?.open_table(tables::INPUTS)?;
        Ok(inputs.get(&request_id.0)?.map(|input| input.value().to_vec()))
    }

    /// Earned rows that are in no epoch yet.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn open_rows(&self) -> Result<u64, LedgerError> {
        Ok(self.database.begin_read()?.open_table(tables::OPEN)?.len()?)
    }

    /// A license's units so far, reserved and earned.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn calls(&self, license_id: U256) -> Result<Calls, LedgerError> {
        let calls = self.database.begin_read()?.open_table(tables::CALLS)?;
        let (total, open) = calls.get(&license_id.to_be_bytes())?.map_or((0, 0), |calls| calls.value());
        Ok(Calls { total, open })
    }

    /// A license's earned units in a sealed epoch.
    ///
    /// # Errors
    /// [`LedgerError::Storage`].
    pub fn calls_in(&self, license_id: U256, epoch: u64) -> Result<u64, LedgerError> {
        let calls = self.database.begin_read()?.open_table(tables::EPOCH_CALLS)?;
        Ok(calls.get((epoch, &license_id.to_be_bytes()))?.map_or(0, |calls| calls.value()))
    }

    /// What a credential may do, newest sign-in first, over all licenses, whether or not it has begun or expired. What was
    /// revoked is left out.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableAccess`].
    pub fn accesses(&self, credential: Credential) -> Result<Vec<Access>, LedgerError> {
        let transaction = self.database.begin_read()?;
        let revoked = transaction.open_table(tables::REVOKED)?;
        let who = access::bytes_of(credential);
        let mut numbers = Vec::new();
        let credentials = transaction.open_table(tables::CREDENTIALS)?;
        for entry in credentials.range((&who, &[0; 32], 0)..=(&who, &[0xff; 32], u64::MAX))? {
            let key = entry?.0;
            let (_, license, number) = key.value();
            if revoked.get((&who, license))?.is_none() {
                numbers.push(number);
            }
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let accesses = transaction.open_table(tables::ACCESSES)?;
        numbers.into_iter().map(|number| stored_access(&accesses, number)).collect()
    }

    /// A license's keys, oldest sign-in first, with the revoked and the expired ones.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableAccess`].
    pub fn keys_of(&self, license_id: U256) -> Result<Vec<Key>, LedgerError> {
        let transaction = self.database.begin_read()?;
        let (accesses, revoked) = (transaction.open_table(tables::ACCESSES)?, transaction.open_table(tables::REVOKED)?);
        let license = license_id.to_be_bytes();
        let mut keys = Vec::new();
        for entry in transaction.open_table(tables::LICENSE_KEYS)?.range((&license, 0)..=(&license, u64::MAX))? {
            let access = stored_access(&accesses, entry?.0.value().1)?;
            let revoked_at = revoked.get((&access::bytes_of(access.credential), &license))?.map(|at| at.value());
            keys.push(Key { access, revoked_at });
        }
        Ok(keys)
    }

    /// An earned row of the open epoch, if there is any.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`].
    pub fn first_open(&self) -> Result<Option<Row>, LedgerError> {
        let transaction = self.database.begin_read()?;
        let first = transaction.open_table(tables::OPEN)?.first()?.map(|(id, _)| B256::new(*id.value()));
        match first {
            Some(id) => committed_row(&transaction, id),
            None => Ok(None),
        }
    }

    /// Every session, revoked or not, of the credentials that asked in a sealed epoch, for the published batch.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::UnreadableRow`], [`LedgerError::UnreadableAccess`].
    pub fn sessions_of(&self, epoch: u64) -> Result<Vec<Session>, LedgerError> {
        let transaction = self.database.begin_read()?;
        let rows = rows_of(&transaction, epoch)?;
        let used: BTreeSet<_> = rows.iter().map(|row| (row.credential, row.receipt.licenseId)).collect();
        let (credentials, accesses) =
            (transaction.open_table(tables::CREDENTIALS)?, transaction.open_table(tables::ACCESSES)?);
        let mut sessions = Vec::new();
        for (credential, license_id) in used {
            let (who, license) = (access::bytes_of(credential), license_id.to_be_bytes());
            for entry in credentials.range((&who, &license, 0)..=(&who, &license, u64::MAX))? {
                sessions.push(stored_access(&accesses, entry?.0.value().2)?.session);
            }
        }
        Ok(sessions)
    }
}

fn committed_row(transaction: &ReadTransaction, request_id: B256) -> Result<Option<Row>, LedgerError> {
    head::read_row(&transaction.open_table(tables::HEADS)?, &transaction.open_table(tables::RECEIPTS)?, request_id)
}

fn rows_of(transaction: &ReadTransaction, epoch: u64) -> Result<Vec<ReceiptRow>, LedgerError> {
    let ids = transaction.open_table(tables::EPOCH_ROWS)?;
    let receipts = transaction.open_table(tables::RECEIPTS)?;
    let mut rows = Vec::new();
    // A receipt's id is its request's, so key order is the order that is promised.
    for entry in ids.range((epoch, &[0; 32])..=(epoch, &[0xff; 32]))? {
        let request_id = B256::new(*entry?.0.value().1);
        rows.push(stored_receipt(&receipts, request_id)?);
    }
    Ok(rows)
}

/// The receipt that an index names.
pub(crate) fn stored_receipt(
    receipts: &impl ReadableTable<tables::Word, &'static [u8]>,
    request_id: B256,
) -> Result<ReceiptRow, LedgerError> {
    let json = receipts
        .get(&request_id.0)?
        .ok_or_else(|| LedgerError::UnreadableRow { request_id, reason: "its receipt is missing".into() })?;
    head::read_receipt(request_id, json.value())
}

/// The access that an index names.
fn stored_access(accesses: &impl ReadableTable<u64, &'static [u8]>, number: u64) -> Result<Access, LedgerError> {
    access::read(accesses, number)?
        .ok_or_else(|| LedgerError::UnreadableAccess { number, reason: "it is missing".into() })
}
