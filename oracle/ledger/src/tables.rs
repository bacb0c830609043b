//! The tables of one ledger file, each named once: writes, backups and checks run over the same list.
//!
//! Ids, licenses and credentials are keys as their big-endian bytes, so that key order is numeric order.
//! `docs/ledger-format.md` is the manual.

use std::ops::Bound;

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, TableHandle, Value, WriteTransaction,
};

use crate::LedgerError;

/// 32 bytes of an id or a number.
pub(crate) type Word = &'static [u8; 32];
/// A credential's kind and its 32 bytes.
pub(crate) type Who = &'static [u8; 33];

macro_rules! tables {
    ($($(#[doc = $doc:literal])+ $field:ident $name:ident: $key:ty => $value:ty;)+) => {
        $($(#[doc = $doc])+ pub(crate) const $name: TableDefinition<'static, $key, $value> =
            TableDefinition::new(stringify!($field));)+

        /// All tables of one write.
        pub(crate) struct Tables<'t> { $(pub(crate) $field: Table<'t, $key, $value>,)+ }

        impl<'t> Tables<'t> {
            /// Opens every table, creating those that are missing.
            pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, LedgerError> {
                Ok(Self { $($field: transaction.open_table($name)?,)+ })
            }
        }

        /// All tables as one commit left them.
        pub(crate) struct Snapshot { $(pub(crate) $field: ReadOnlyTable<$key, $value>,)+ }

        impl Snapshot {
            /// Opens every table.
            pub(crate) fn open(transaction: &ReadTransaction) -> Result<Self, LedgerError> {
                Ok(Self { $($field: transaction.open_table($name)?,)+ })
            }

            /// Writes every row into a new file.
            pub(crate) fn copy(&self, to: &WriteTransaction) -> Result<(), LedgerError> {
                $(copy(&self.$field, &mut to.open_table($name)?)?;)+
                Ok(())
            }
        }

        /// Every table of a ledger.
        const NAMES: &[&str] = &[$(stringify!($field)),+];
    };
}

tables! {
    /// What the file is and whose: `format`, `binding`.
    meta META: &'static str => &'static [u8];
    /// Request id → state, sealed epoch (0 = none), fingerprint, license, units, second: what changes, and what is compared
    /// on every request.
    heads HEADS: Word => (u8, u64, Word, Word, u64, u64);
    /// Request id → receipt row, JSON. Written once.
    receipts RECEIPTS: Word => &'static [u8];
    /// Request id → the answer's bytes, until its epoch is sealed.
    answers ANSWERS: Word => &'static [u8];
    /// Request id → the input's bytes, as long as the host keeps them for those who ask the model again.
    inputs INPUTS: Word => &'static [u8];
    /// Ids of reserved rows.
    reserved RESERVED: Word => ();
    /// Ids of earned rows without an epoch → `servedAt`, the receipt's struct hash.
    open OPEN: Word => (u64, Word);
    /// Sealed epoch → rows, its last second, its receipts' root.
    epochs EPOCHS: u64 => (u64, u64, Word);
    /// (Sealed epoch, request id) → the receipt's struct hash.
    epoch_rows EPOCH_ROWS: (u64, Word) => Word;
    /// (Sealed epoch, license) → earned units.
    epoch_calls EPOCH_CALLS: (u64, Word) => u64;
    /// License → units in all, units in the open epoch; reserved and earned.
    calls CALLS: Word => (u64, u64);
    /// (License, second) → units reserved and earned in it; the license's last 60 seconds.
    minutes MINUTES: (Word, u64) => u64;
    /// Number of a sign-in, from 1 → access, JSON. Append-only: old receipts were asked for under old sessions.
    accesses ACCESSES: u64 => &'static [u8];
    /// (License, number of a sign-in).
    license_keys LICENSE_KEYS: (Word, u64) => ();
    /// (Credential, license, number of a sign-in).
    credentials CREDENTIALS: (Who, Word, u64) => ();
    /// (Credential, license) → when it was revoked.
    revoked REVOKED: (Who, Word) => u64;
}

/// The tables of a file that are none of a ledger's.
pub(crate) fn foreign(transaction: &ReadTransaction) -> Result<Vec<String>, LedgerError> {
    let names = transaction.list_tables()?.map(|table| table.name().to_owned());
    Ok(names.filter(|name| !NAMES.contains(&name.as_str())).collect())
}

fn copy<K: Key, V: Value>(from: &ReadOnlyTable<K, V>, to: &mut Table<'_, K, V>) -> Result<(), LedgerError> {
    // Rows come in key order, so that each has its place behind the last.
    let mut end = to.upper_bound_mut(Bound::<K::SelfType<'_>>::Unbounded)?;
    for entry in from.iter()? {
        let (key, value) = entry?;
        end.insert_before(key.value(), value.value())?;
    }
    Ok(end.close()?)
}
