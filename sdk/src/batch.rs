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
    /// The quantised sketch of the answer; left out where the release lets only attestors read it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch: Option<Sketch>,
}

/// The sketches of an epoch whose release lets only attestors read them: what its batch leaves out. Nothing needs to commit
/// to them but the receipts, which have each one's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sketches {
    /// The batch, by the keccak-256 of its bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub batch: B256,
    /// In the order of its receipts.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub sketches: Vec<Sketch>,
}

/// Sketches that are not a batch's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SketchesError {
    /// There are more or fewer than receipts.
    #[error("there are {found} sketches for {expected} receipts")]
    Count {
        /// Sketches.
        found: usize,
        /// Receipts.
        expected: usize,
    },
    /// One is not the one that its receipt commits to.
    #[error("the sketch of receipt {0} is not the one it commits to")]
    Other(B256),
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

    /// The batch with the sketches that it leaves out, each compared with its receipt's hash.
    pub fn with_sketches(mut self, sketches: Vec<Sketch>) -> Result<Self, SketchesError> {
        if sketches.len() != self.receipts.len() {
            return Err(SketchesError::Count { found: sketches.len(), expected: self.receipts.len() });
        }
        for (row, sketch) in self.receipts.iter_mut().zip(sketches) {
            if sketch.hash() != row.receipt.sketchHash {
                return Err(SketchesError::Other(row.receipt.id));
            }
            row.sketch = Some(sketch);
        }
        Ok(self)
    }

    /// The batch as it is published where only attestors may read sketches.
    pub fn without_sketches(mut self) -> Self {
        self.receipts.iter_mut().for_each(|row| row.sketch = None);
        self
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
