//! The JSON bodies of the host's HTTP interface, used by the server and the client alike.

use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::{
    identity::AssetId,
    sum_tree::Leaf,
    typed_data::{InferenceRequest, Receipt, SessionAuthorization},
};

/// Every refusal: a stable code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Stable, in `snake_case`.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// `GET /v1/host`: who serves, and where the accounts are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostInfo {
    /// The chain.
    pub chain_id: u64,
    /// The attribution ledger: the verifying contract of receipts, requests and sessions.
    pub ledger: Address,
    /// Whose key signs the receipts.
    pub host: Address,
    /// What is served.
    pub models: Vec<ModelInfo>,
}

/// One served release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// The model.
    pub asset: AssetId,
    /// Its release.
    pub version: u32,
    /// keccak-256 of the ONNX file, as on chain.
    pub weights_hash: B256,
    /// Numbers a request carries.
    pub input_width: u32,
    /// Numbers an answer carries.
    pub classes: u32,
    /// What runs the model.
    pub execution_provider: String,
}

/// `POST /v1/sessions`: sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// Which key may ask, under which license, until when.
    pub authorization: SessionAuthorization,
    /// The license holder's EIP-712 signature.
    pub signature: Bytes,
}

/// The answer to a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Who signed: the license's owner or user.
    pub holder: Address,
    /// The license.
    pub license_id: U256,
    /// When the session ends, in the chain's time.
    pub expires_at: u64,
}

/// `POST /v1/models/{asset}/infer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Infer {
    /// What is asked, as signed.
    pub request: InferenceRequest,
    /// The session key's EIP-712 signature of `request`.
    pub signature: Bytes,
    /// The salt of `request.inputCommitment`.
    pub salt: B256,
    /// The input, shape `[input_width]`.
    pub features: Vec<f32>,
}

/// The answer, with its proof of service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inferred {
    /// The model's answer, shape `[classes]`.
    pub logits: Vec<f32>,
    /// The class with the largest logit.
    pub class: u32,
    /// The receipt.
    pub receipt: Receipt,
    /// The host's EIP-712 signature of the receipt.
    pub host_signature: Bytes,
    /// The contributors whose data helped this answer most, largest first.
    pub contributors: Vec<Influence>,
}

/// A contributor's part in one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Influence {
    /// The contributor.
    pub account: Address,
    /// Their score over the sum of all positive scores, in basis points, truncated. Negative: their data spoke against.
    pub bps: i64,
}

/// `GET /v1/epochs`: a closed epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochInfo {
    /// Index of its root, from 1.
    pub index: u64,
    /// Name of its batch: `GET /v1/batches/{dataHash}`.
    pub data_hash: B256,
    /// The Merkle-sum root.
    pub root: B256,
    /// Receipts in it.
    pub receipts: u64,
    /// Last second, in the chain's time.
    pub period_end: u64,
}

/// `GET /v1/epochs/{index}/proofs/{account}`: what a claim needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimProof {
    /// Index of the root the proof is for.
    pub index: u64,
    /// The account's leaf.
    pub leaf: Leaf,
    /// Where it stands.
    pub leaf_index: u64,
    /// How many leaves the root has.
    pub leaf_count: u64,
    /// Packed siblings.
    pub proof: Bytes,
}

/// The bytes a request commits to and a receipt hashes: little-endian `f32`s.
pub fn tensor_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
