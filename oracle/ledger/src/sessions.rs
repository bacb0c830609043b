//! Session keys and who authorised them, kept so that a restart signs nobody out.

use tributary_sdk::{Address, U256, batch::Session, typed_data::SessionAuthorization};

use crate::{LedgerError, tables::Tables};

/// Stores a session beside the earlier ones of the same key: receipts signed under those still need them.
pub(crate) fn sign_in(tables: &mut Tables<'_>, session: &Session) -> Result<(), LedgerError> {
    let json = serde_json::to_vec(session).map_err(|error| LedgerError::Storage { reason: error.to_string() })?;
    let SessionAuthorization { licenseId, sessionKey, expiresAt } = session.authorization;
    let key = key(sessionKey, licenseId, session.block, expiresAt);
    tables.sessions.insert(&key, json.as_slice())?;
    Ok(())
}

/// The table's key: the newest session of a key and license sorts last.
pub(crate) fn key(session_key: Address, license_id: U256, block: u64, expires_at: u64) -> [u8; 68] {
    let mut key = [0; 68];
    let (account, rest) = key.split_at_mut(20);
    let (license, rest) = rest.split_at_mut(32);
    let (number, expiry) = rest.split_at_mut(8);
    account.copy_from_slice(session_key.as_slice());
    license.copy_from_slice(&license_id.to_be_bytes::<32>());
    number.copy_from_slice(&block.to_be_bytes());
    expiry.copy_from_slice(&expires_at.to_be_bytes());
    key
}

/// Reads what [`sign_in`] stored.
pub(crate) fn read(json: &[u8]) -> Result<Session, LedgerError> {
    serde_json::from_slice(json)
        .map_err(|error| LedgerError::Storage { reason: format!("a stored session does not read: {error}") })
}
