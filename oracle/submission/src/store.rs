//! The file: intents, nonces and signed transactions. A write returns when it is on disk.
//!
//! Writes are few and take milliseconds, so they are made where they are needed, with nothing awaited between a read
//! and the write that depends on it: a future that is dropped leaves no write half decided.

use alloy::primitives::{B256, U256};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Attempt, Record, SubmissionError};

type Word = &'static [u8; 32];

/// `format`, `binding`, `next` (the next nonce), `place` (the next place in the queue), `spent` (wei of fees),
/// `acknowledged` (foreign nonces below it are known to the operator).
pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("meta");
/// Intent → record without its attempts, JSON.
const RECORDS: TableDefinition<'static, Word, &'static [u8]> = TableDefinition::new("records");
/// (Intent, number from 0) → attempt, JSON. Written once, never changed.
const ATTEMPTS: TableDefinition<'static, (Word, u32), &'static [u8]> = TableDefinition::new("attempts");
/// Place in the queue → intent, as long as there is something to do for it.
const OPEN: TableDefinition<'static, u64, Word> = TableDefinition::new("open");
/// Nonce → owner, JSON; every nonce from the file's first to its last.
const NONCES: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("nonces");

/// Whose a nonce is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    /// An intent's.
    Intent(B256),
    /// Somebody else used it, who has the key too, in this transaction.
    Foreign(B256),
}

/// Facts that are written together with a record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// Fees paid, in wei.
    pub(crate) paid: U256,
    /// A nonce that somebody else used, and in which transaction.
    pub(crate) foreign: Option<(u64, B256)>,
}

#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
}

pub(crate) fn create_tables(transaction: &WriteTransaction) -> Result<(), SubmissionError> {
    transaction.open_table(META)?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(ATTEMPTS)?;
    transaction.open_table(OPEN)?;
    transaction.open_table(NONCES)?;
    Ok(())
}

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// An intent's record, with all its attempts.
    pub(crate) fn record(&self, key: B256) -> Result<Option<Record>, SubmissionError> {
        let transaction = self.database.begin_read()?;
        let json = transaction.open_table(RECORDS)?.get(&key.0)?.map(|json| json.value().to_vec());
        let Some(json) = json else { return Ok(None) };
        let mut record: Record = serde_json::from_slice(&json)?;
        for entry in transaction.open_table(ATTEMPTS)?.range((&key.0, 0)..=(&key.0, u32::MAX))? {
            record.attempts.push(serde_json::from_slice(entry?.1.value())?);
        }
        Ok(Some(record))
    }

    /// Every record with something left to do, in the order of submission.
    pub(crate) fn open_records(&self) -> Result<Vec<Record>, SubmissionError> {
        let transaction = self.database.begin_read()?;
        let mut records = Vec::new();
        for entry in transaction.open_table(OPEN)?.iter()? {
            records.extend(self.record(B256::from(entry?.1.value()))?);
        }
        Ok(records)
    }

    /// Every record, with its attempts.
    pub(crate) fn records(&self) -> Result<Vec<Record>, SubmissionError> {
        let transaction = self.database.begin_read()?;
        let mut records = Vec::new();
        for entry in transaction.open_table(RECORDS)?.iter()? {
            records.extend(self.record(B256::from(entry?.0.value()))?);
        }
        records.sort_by_key(|record| record.place);
        Ok(records)
    }

    /// The next nonce: one above every nonce that the file knows of.
    pub(crate) fn next_nonce(&self) -> Result<u64, SubmissionError> {
        self.meta("next")
    }

    /// Wei of fees paid by transactions that are final.
    pub(crate) fn paid(&self) -> Result<U256, SubmissionError> {
        self.meta("spent")
    }

    pub(crate) fn owner(&self, nonce: u64) -> Result<Option<Owner>, SubmissionError> {
        let json = self.database.begin_read()?.open_table(NONCES)?.get(nonce)?.map(|json| json.value().to_vec());
        Ok(json.map(|json| serde_json::from_slice(&json)).transpose()?)
    }

    /// Nonces that somebody else used since an operator last looked, with their transactions.
    pub(crate) fn unacknowledged_foreign(&self) -> Result<Vec<(u64, B256)>, SubmissionError> {
        let since: u64 = self.meta("acknowledged")?;
        let mut foreign = Vec::new();
        for entry in self.database.begin_read()?.open_table(NONCES)?.range(since..)? {
            let (nonce, json) = entry?;
            if let Owner::Foreign(hash) = serde_json::from_slice(json.value())? {
                foreign.push((nonce.value(), hash));
            }
        }
        Ok(foreign)
    }

    /// Remembers that an operator has seen every nonce so far.
    pub(crate) fn acknowledge_foreign(&self) -> Result<(), SubmissionError> {
        let transaction = self.begin()?;
        {
            let mut meta = transaction.open_table(META)?;
            let next: u64 = read(&meta, "next")?;
            meta.insert("acknowledged", serde_json::to_vec(&next)?.as_slice())?;
        }
        Ok(transaction.commit()?)
    }

    fn meta<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, SubmissionError> {
        let json = self.database.begin_read()?.open_table(META)?.get(name)?.map(|json| json.value().to_vec());
        Ok(json.map(|json| serde_json::from_slice(&json)).transpose()?.unwrap_or_default())
    }

    /// Takes a new record into the queue, unless its key is there: then that record is returned.
    pub(crate) fn insert(&self, mut record: Record) -> Result<Result<(), Record>, SubmissionError> {
        let key = record.intent.key;
        let transaction = self.begin()?;
        if transaction.open_table(RECORDS)?.get(&key.0)?.is_some() {
            transaction.abort()?;
            let found = self.record(key)?.ok_or(SubmissionError::Unknown { key })?;
            return Ok(Err(found));
        }
        {
            let mut meta = transaction.open_table(META)?;
            let place: u64 = read(&meta, "place")?;
            record.place = place;
            meta.insert("place", serde_json::to_vec(&place.saturating_add(1))?.as_slice())?;
        }
        write(&transaction, &record)?;
        transaction.commit()?;
        Ok(Ok(()))
    }

    /// Writes a record, the attempts that are not on disk yet, and what goes with them, all or nothing.
    pub(crate) fn save(&self, record: &Record, facts: Facts) -> Result<(), SubmissionError> {
        let transaction = self.begin()?;
        write(&transaction, record)?;
        if let Some((nonce, hash)) = facts.foreign {
            own(&transaction, nonce, Owner::Foreign(hash))?;
        }
        if facts.paid > U256::ZERO {
            let mut meta = transaction.open_table(META)?;
            let paid: U256 = read(&meta, "spent")?;
            meta.insert("spent", serde_json::to_vec(&paid.saturating_add(facts.paid))?.as_slice())?;
        }
        Ok(transaction.commit()?)
    }

    /// Remembers that somebody else used a nonce.
    pub(crate) fn note_foreign(&self, nonce: u64, hash: B256) -> Result<(), SubmissionError> {
        let transaction = self.begin()?;
        own(&transaction, nonce, Owner::Foreign(hash))?;
        Ok(transaction.commit()?)
    }

    fn begin(&self) -> Result<WriteTransaction, SubmissionError> {
        let mut transaction = self.database.begin_write()?;
        // Nodes' words are in the file: one phase would let crafted ones pass for a commit after a crash.
        transaction.set_two_phase_commit(true);
        Ok(transaction)
    }
}

fn write(transaction: &WriteTransaction, record: &Record) -> Result<(), SubmissionError> {
    let key = record.intent.key;
    transaction.open_table(RECORDS)?.insert(&key.0, serde_json::to_vec(record)?.as_slice())?;
    {
        let mut attempts = transaction.open_table(ATTEMPTS)?;
        for (number, attempt) in (0_u32..).zip(&record.attempts) {
            if attempts.get((&key.0, number))?.is_none() {
                attempts.insert((&key.0, number), serde_json::to_vec::<Attempt>(attempt)?.as_slice())?;
            }
        }
        let mut open = transaction.open_table(OPEN)?;
        if record.is_open() {
            open.insert(record.place, &key.0)?;
        } else {
            open.remove(record.place)?;
        }
    }
    match record.nonce {
        Some(nonce) => own(transaction, nonce, Owner::Intent(key)),
        None => Ok(()),
    }
}

fn own(transaction: &WriteTransaction, nonce: u64, owner: Owner) -> Result<(), SubmissionError> {
    transaction.open_table(NONCES)?.insert(nonce, serde_json::to_vec(&owner)?.as_slice())?;
    let mut meta = transaction.open_table(META)?;
    let next: u64 = read(&meta, "next")?;
    let next = next.max(nonce.saturating_add(1));
    meta.insert("next", serde_json::to_vec(&next)?.as_slice())?;
    Ok(())
}

fn read<T: DeserializeOwned + Default>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<T, SubmissionError> {
    let json = meta.get(name)?.map(|json| json.value().to_vec());
    Ok(json.map(|json| serde_json::from_slice(&json)).transpose()?.unwrap_or_default())
}
