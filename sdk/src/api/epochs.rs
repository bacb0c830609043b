//! Closed epochs: what is attested and claimed, and copies of the records behind them.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    sum_tree::Leaf,
    typed_data::{AttestationRefusal, RootStatement},
};

/// `GET /v1/models/{asset}/epochs`: a closed epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EpochInfo {
    /// Index of its root, from 1.
    pub index: u64,
    /// Name of its batch: `GET /v1/batches/{dataHash}`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub data_hash: B256,
    /// The Merkle-sum root.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub root: B256,
    /// Receipts in it.
    pub receipts: u64,
    /// Last second, in the chain's time.
    pub period_end: u64,
}

/// An attestor's word: what was recomputed, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attested {
    /// What was recomputed.
    pub statement: RootStatement,
    /// Who recomputed it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signer: Address,
    /// Their EIP-712 signature of the statement, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
}

/// An attestor's word that a batch does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refused {
    /// Which batch, and why not.
    pub refusal: AttestationRefusal,
    /// Who recomputed it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signer: Address,
    /// Their EIP-712 signature of the refusal, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
}

/// `POST /v1/models/{asset}/epochs/{index}/attestations`: what an attestor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Finding {
    /// The batch holds.
    Attested(Box<Attested>),
    /// It does not.
    Refused(Box<Refused>),
}

/// `GET /v1/models/{asset}/epochs/{index}/attestations`: what attestors have said of a closed epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quorum {
    /// What is to be attested, with the deadline that all attestors use.
    pub statement: RootStatement,
    /// Attestations so far, by signer.
    pub attested: Vec<Attested>,
    /// Refusals so far, by signer.
    pub refused: Vec<Refused>,
}

/// `GET /v1/models/{asset}/epochs/{index}/proofs/{account}`: what a claim needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub proof: Bytes,
}

/// `POST /v1/models/{asset}/backups`: a copy of a model's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BackupInfo {
    /// Where it is, on the host's machine.
    pub folder: String,
    /// How many batches are in it.
    pub batches: u64,
}
