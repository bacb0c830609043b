//! Bytes as they are kept: sealed, and named by what they were sealed to.

use chacha20poly1305::{AeadInPlace, KeyInit, XChaCha20Poly1305, XNonce};
use tributary_sdk::{AssetId, B256, keccak256};
use zeroize::Zeroizing;

use super::key::{DatasetKey, fill};
use crate::DatasetError;

/// The first byte of every blob of this form.
const FORM: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
/// What a blob has beside what is sealed in it.
const AROUND: usize = 1 + NONCE + TAG;
/// The longest blob, sealed: it is held in memory whole.
pub const LONGEST: usize = 256 << 20;

/// What a blob belongs to. Who opens it as anything else gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobContext {
    /// The dataset.
    pub dataset: AssetId,
    /// What of the dataset's: a contribution's id, a snapshot's root.
    pub subject: B256,
    /// Which part of it.
    pub part: u32,
}

impl BlobContext {
    /// What the cipher binds the blob to: `tributary-blob/1`, then dataset, subject and part, big-endian.
    fn bytes(&self) -> [u8; 68] {
        let mut bytes = [0; 68];
        let parts: [&[u8]; 4] =
            [b"tributary-blob/1", &self.dataset.0.to_be_bytes(), self.subject.as_slice(), &self.part.to_be_bytes()];
        for (byte, of_part) in bytes.iter_mut().zip(parts.concat()) {
            *byte = of_part;
        }
        bytes
    }
}

/// The name of a blob: keccak-256 of its sealed bytes. It takes no key to compare them.
pub fn blob_name(sealed: &[u8]) -> B256 {
    keccak256(sealed)
}

/// `0x01`, 24 random bytes, then the XChaCha20-Poly1305 ciphertext with its tag.
///
/// The nonce is long enough to be drawn at random as often as anybody likes.
pub(crate) fn seal(key: &DatasetKey, context: &BlobContext, plaintext: &[u8]) -> Result<Vec<u8>, DatasetError> {
    let length = plaintext.len().saturating_add(AROUND);
    let too_long = || DatasetError::BlobTooLong { length: length as u64, longest: LONGEST as u64 };
    if length > LONGEST {
        return Err(too_long());
    }
    let mut nonce = [0; NONCE];
    fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(length);
    sealed.push(FORM);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let body = sealed.get_mut(1 + NONCE..).unwrap_or_default();
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let tag = cipher.encrypt_in_place_detached(&XNonce::from(nonce), &context.bytes(), body);
    // It refuses nothing but bytes beyond its own limit, which is far above ours.
    sealed.extend_from_slice(&tag.map_err(|_| too_long())?);
    Ok(sealed)
}

/// Refuses bytes that are not the ones named.
pub(crate) fn check(name: B256, sealed: &[u8]) -> Result<(), DatasetError> {
    let found = blob_name(sealed);
    if found == name { Ok(()) } else { Err(DatasetError::BlobAltered { name, found }) }
}

/// What [`seal`] sealed, of bytes that [`check`] has passed.
pub(crate) fn open(
    key: &DatasetKey,
    name: B256,
    context: &BlobContext,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DatasetError> {
    let unknown = || DatasetError::BlobUnknown { name };
    let (form, rest) = sealed.split_first().ok_or_else(unknown)?;
    if *form != FORM {
        return Err(unknown());
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or_else(unknown)?;
    let (body, tag) = rest.split_last_chunk::<TAG>().ok_or_else(unknown)?;
    let mut plaintext = Zeroizing::new(body.to_vec());
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let opened = cipher.decrypt_in_place_detached(&XNonce::from(*nonce), &context.bytes(), &mut plaintext, tag.into());
    opened.map_err(|_| DatasetError::BlobLocked { name })?;
    Ok(plaintext)
}
