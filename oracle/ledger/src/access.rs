//! Who may ask: sign-ins, and which of them were revoked. Kept so that a restart signs nobody out.

use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, B256, U256, batch::Session, sign_in::Credential};

use crate::{LedgerError, tables::Tables};

/// A sign-in, and what it says. The ledger believes the caller, who has read what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Access {
    /// The sign-in as it was given, for the published batch.
    pub session: Session,
    /// What may ask.
    pub credential: Credential,
    /// The license to ask under.
    pub license_id: U256,
    /// The first second at which it may, in the chain's time.
    pub begins_at: u64,
    /// The first second at which it may not any more, in the chain's time.
    pub expires_at: u64,
    /// What the holder calls it.
    pub label: Option<String>,
}

/// One of a license's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The sign-in that made it.
    pub access: Access,
    /// When its credential was revoked, in the chain's time.
    pub revoked_at: Option<u64>,
}

/// Stores a sign-in beside the earlier ones of the same credential: receipts asked for under those still need them.
///
/// The same sign-in again changes nothing, so that whoever repeats a signed text cannot fill the disk.
pub(crate) fn sign_in(tables: &mut Tables<'_>, access: &Access) -> Result<(), LedgerError> {
    let (who, license) = (bytes_of(access.credential), access.license_id.to_be_bytes());
    for entry in tables.credentials.range((&who, &license, 0)..=(&who, &license, u64::MAX))? {
        let number = entry?.0.value().2;
        if read(&tables.accesses, number)?.is_some_and(|known| is_same(&known, access)) {
            return Ok(());
        }
    }
    let last = tables.accesses.last()?.map_or(0, |(number, _)| number.value());
    let number = last.checked_add(1).ok_or(LedgerError::Overflow { what: "sign-ins" })?;
    let json = serde_json::to_vec(access).map_err(|error| LedgerError::Storage { reason: error.to_string() })?;
    tables.accesses.insert(number, json.as_slice())?;
    tables.license_keys.insert((&license, number), ())?;
    tables.credentials.insert((&who, &license, number), ())?;
    Ok(())
}

/// Whether two sign-ins differ in nothing but the block at which the host took them.
fn is_same(known: &Access, new: &Access) -> bool {
    let block = known.session.block;
    *known == Access { session: Session { block, ..new.session.clone() }, ..new.clone() }
}

/// Revokes a license's credential, whether signed in once or often. The first time stands. `false` if there is none.
pub(crate) fn revoke(
    tables: &mut Tables<'_>,
    credential: Credential,
    license_id: U256,
    at: u64,
) -> Result<bool, LedgerError> {
    let (who, license) = (bytes_of(credential), license_id.to_be_bytes());
    if tables.credentials.range((&who, &license, 0)..=(&who, &license, u64::MAX))?.next().transpose()?.is_none() {
        return Ok(false);
    }
    if tables.revoked.get((&who, &license))?.is_none() {
        tables.revoked.insert((&who, &license), at)?;
    }
    Ok(true)
}

/// Reads what [`sign_in`] stored.
pub(crate) fn read(
    accesses: &impl ReadableTable<u64, &'static [u8]>,
    number: u64,
) -> Result<Option<Access>, LedgerError> {
    let Some(json) = accesses.get(number)? else { return Ok(None) };
    let access = serde_json::from_slice(json.value());
    access.map(Some).map_err(|error| LedgerError::UnreadableAccess { number, reason: error.to_string() })
}

/// The key of a credential: its kind, then its 32 bytes.
pub(crate) fn bytes_of(credential: Credential) -> [u8; 33] {
    let (kind, word) = match credential {
        Credential::Key(address) => (0, address.into_word()),
        Credential::Bearer(digest) => (1, digest),
    };
    let mut bytes = [kind; 33];
    for (byte, of_word) in bytes.iter_mut().skip(1).zip(word) {
        *byte = of_word;
    }
    bytes
}

/// The credential of a key, if the bytes are one.
pub(crate) fn of_bytes(bytes: &[u8; 33]) -> Option<Credential> {
    let (kind, word) = bytes.split_first()?;
    let word = B256::try_from(word).ok()?;
    let credential = match kind {
        0 => Credential::Key(Address::from_word(word)),
        1 => Credential::Bearer(word),
        _ => return None,
    };
    (bytes_of(credential) == *bytes).then_some(credential)
}
