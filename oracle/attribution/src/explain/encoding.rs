//! The index as bytes.
//!
//! `TRIBIDX1 ‖ k:2 ‖ records:8 ‖ contributors:4 ‖ exponent:4 ‖ shifts:n ‖ owners:4·n ‖ mantissas:k·n`, little-endian.

use tributary_sdk::{B256, keccak256};

use super::RecordIndex;
use crate::{AttributionError, rows::RecordRows};

const MAGIC: &[u8; 8] = b"TRIBIDX1";

/// The bytes are no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// They do not start like one.
    #[error("not a record index: the first bytes are of another format; fetch the release's index again")]
    Magic,
    /// They are cut short or go on too long.
    #[error("not a record index: {found} bytes where the header announces {expected}; fetch the release's index again")]
    Length {
        /// What the header comes to.
        expected: u128,
        /// What is there.
        found: usize,
    },
    /// The numbers do not make an index.
    #[error(transparent)]
    Rows(#[from] AttributionError),
}

impl RecordIndex {
    /// The bytes that are stored and hashed.
    pub fn encode(&self) -> Vec<u8> {
        let rows = &self.rows;
        let mut bytes = Vec::with_capacity(30 + rows.len() * (rows.width() + 5));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(rows.width() as u16).to_le_bytes());
        bytes.extend_from_slice(&(rows.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&(self.contributors as u32).to_le_bytes());
        bytes.extend_from_slice(&rows.exponent().to_le_bytes());
        bytes.extend_from_slice(rows.shifts());
        self.owners.iter().for_each(|owner| bytes.extend_from_slice(&owner.to_le_bytes()));
        bytes.extend(rows.mantissas().iter().map(|mantissa| mantissa.cast_unsigned()));
        bytes
    }

    /// keccak-256 of the encoding: what a release's manifest names.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// Reads what [`RecordIndex::encode`] wrote.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, IndexError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(IndexError::Magic)?;
        let short = IndexError::Length { expected: 26, found: bytes.len() };
        let Some((header, body)) = rest.split_first_chunk::<18>() else { return Err(short) };
        let [k0, k1, n0, n1, n2, n3, n4, n5, n6, n7, c0, c1, c2, c3, e0, e1, e2, e3] = *header;
        let width = u16::from_le_bytes([k0, k1]);
        let records = u64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]);
        let contributors = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
        let exponent = i32::from_le_bytes([e0, e1, e2, e3]);

        let expected = 26 + u128::from(records) * (u128::from(width) + 5);
        let length = IndexError::Length { expected, found: bytes.len() };
        if expected != bytes.len() as u128 || contributors as u64 > records.max(1).saturating_mul(1 << 10) {
            return Err(length);
        }
        let records = usize::try_from(records).unwrap_or(usize::MAX);
        let parts = body.split_at_checked(records).and_then(|(shifts, rest)| {
            let (owners, mantissas) = rest.split_at_checked(records.checked_mul(4)?)?;
            Some((shifts, owners.as_chunks::<4>().0, mantissas))
        });
        let Some((shifts, owners, mantissas)) = parts else { return Err(length) };
        let owners: Vec<usize> = owners.iter().map(|owner| u32::from_le_bytes(*owner) as usize).collect();
        let mantissas = mantissas.iter().map(|mantissa| mantissa.cast_signed()).collect();
        let rows = RecordRows::new(width.into(), exponent, shifts.to_vec(), mantissas)?;
        Ok(Self::new(rows, &owners, contributors)?)
    }
}
