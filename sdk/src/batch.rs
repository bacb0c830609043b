//! One epoch as it is published: everything a stranger needs, with the chain, to recompute who is paid what.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    sol_types::SolStruct,
};
use serde::{Deserialize, Serialize};

use crate::{
    merkle::{MerkleError, MerkleTree},
    release::{Manifest, VersionRef},
    sign_in::{Authorization, Credential},
    sketch::Sketch,
    sum_tree::Leaf,
    typed_data::{InferenceRequest, Receipt},
};

/// A sign-in as it was given: who may ask under a license.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// What was signed.
    pub authorization: Authorization,
    /// Who signed: the license's owner or user.
    pub holder: Address,
    /// Their signature: of the key, or what ERC-1271 takes for an account with code.
    pub signature: Bytes,
    /// The block at which the host took it: its own note, on which nothing depends. Auditors ask the chain
    /// whether the holder was licensed when each receipt was served.
    pub block: u64,
}

/// One served inference with everything that proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptRow {
    /// What the host says it served.
    pub receipt: Receipt,
    /// The host's EIP-712 signature of the receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub host_signature: Bytes,
    /// What the buyer asked.
    pub request: InferenceRequest,
    /// The session key's EIP-712 signature of the request; empty under a bearer key, where the request is the host's word.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub request_signature: Bytes,
    /// What asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub credential: Credential,
    /// The quantised sketch of the answer.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sketch: Sketch,
}

/// A closed epoch of one (vault, token).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// `tributary-batch/1`.
    pub format: String,
    /// The chain the money is on.
    pub chain_id: u64,
    /// The model's vault.
    pub vault: Address,
    /// The token that is divided.
    pub token: Address,
    /// The release that served.
    pub release: VersionRef,
    /// Who signed the receipts.
    pub host: Address,
    /// The root's index for this (vault, token), from 1.
    pub index: u64,
    /// How often roots of this index were rejected before.
    pub attempt: u32,
    /// The last active root, or zero.
    pub prev_root: B256,
    /// Its leaves: what had been allocated before this epoch.
    pub previous: Vec<Leaf>,
    /// The last second that belongs to the epoch, in the chain's time.
    pub period_end: u64,
    /// The release manifest's bytes, as text.
    pub manifest: String,
    /// The contributor table's encoding.
    pub table: Bytes,
    /// Every session that signed a request.
    pub sessions: Vec<Session>,
    /// Every earned receipt, strictly ascending by receipt id.
    pub receipts: Vec<ReceiptRow>,
    /// What each account may have claimed after this epoch: the leaves of the posted root.
    pub leaves: Vec<Leaf>,
}

impl Batch {
    /// The plain Merkle tree over the receipts' EIP-712 struct hashes; none if nothing was served.
    pub fn receipts_tree(&self) -> Result<Option<MerkleTree>, MerkleError> {
        let hashes: Vec<B256> = self.receipts.iter().map(|row| row.receipt.eip712_hash_struct()).collect();
        if hashes.is_empty() { Ok(None) } else { MerkleTree::new(&hashes).map(Some) }
    }

    /// The name of published bytes: their keccak-256, which the root commits to as `dataHash`.
    pub fn data_hash(bytes: &[u8]) -> B256 {
        keccak256(bytes)
    }
}

impl Manifest for Batch {
    const FORMAT: &'static str = "tributary-batch/1";

    fn format(&self) -> &str {
        &self.format
    }
}
