//! Commitments to contributed records: what is published about a record before, and without, showing it.

use alloy::primitives::{B256, keccak256};

use crate::merkle::{MerkleError, MerkleTree};

/// Contributors of fewer records share a row of the contributor table: a row of few records says too much about them.
pub const LEAST_RECORDS: usize = 10;

/// `keccak256(salt:32 ‖ recordHash:32)`. The salt keeps small records from being guessed; it stays with the contributor
/// and the dataset's host.
pub fn record_commitment(salt: B256, record_hash: B256) -> B256 {
    let mut bytes = [0u8; 64];
    bytes[..32].copy_from_slice(salt.as_slice());
    bytes[32..].copy_from_slice(record_hash.as_slice());
    keccak256(bytes)
}

/// The salt of the record at `place` of a contribution: `keccak256(seed:32 ‖ place:8)`, big-endian. The seed opens all of a
/// contribution's commitments, one salt opens one.
pub fn record_salt(seed: B256, place: u64) -> B256 {
    let mut bytes = [0u8; 40];
    bytes[..32].copy_from_slice(seed.as_slice());
    bytes[32..].copy_from_slice(&place.to_be_bytes());
    keccak256(bytes)
}

/// The commitment to an input: the same construction over the hash of its bytes.
pub fn input_commitment(salt: B256, input: &[u8]) -> B256 {
    record_commitment(salt, keccak256(input))
}

/// The root a contributor signs: a plain Merkle tree over their records' commitments, in the order given.
pub fn contribution_root(commitments: &[B256]) -> Result<B256, MerkleError> {
    Ok(MerkleTree::new(commitments)?.root())
}
