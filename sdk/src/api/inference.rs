//! Questions, answers, and what is known of an answer afterwards.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    identity::AssetId,
    typed_data::{InferenceRequest, Receipt},
};

/// `POST /v1/models/{asset}/infer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Infer {
    /// What is asked, as signed.
    pub request: InferenceRequest,
    /// The session key's EIP-712 signature of `request`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
    /// The salt of `request.inputCommitment`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub salt: B256,
    /// The input, shape `[request.units, input_width]`.
    pub features: Vec<f32>,
}

/// The answer, with its proof of service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Inferred {
    /// The model's answer, shape `[units, classes]`.
    pub logits: Vec<f32>,
    /// The class with the largest logit, of each record.
    pub predicted: Vec<u32>,
    /// The receipt.
    pub receipt: Receipt,
    /// The host's EIP-712 signature of the receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub host_signature: Bytes,
    /// The salt of the receipt's input commitment.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub salt: B256,
    /// The contributors whose data helped this answer most, largest first.
    pub contributors: Vec<Influence>,
}

/// `POST /v1/receipts/{id}/input`, `POST /v1/attributions/{id}`, `POST /v1/batches/{hash}/sketches`, and of a dataset's host
/// `POST /v1/dataset/held`: who reads what is not everybody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reader {
    /// An attestor of the vault; of one receipt also its payer; of held records whoever may curate the dataset.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signer: Address,
    /// Host and port of the host that is asked, as in a sign-in's `domain`: with another host's name it is refused.
    pub authority: String,
    /// Until when the signature is good, in the chain's time.
    pub until: u64,
    /// Their EIP-712 signature, or what ERC-1271 takes: of `InputAccess { receiptId, authority, until }`, or for
    /// sketches of `SketchAccess { dataHash, authority, until }`, for held records of `HeldAccess { datasetId, authority,
    /// until }` under the consent registry's domain.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
}

/// An input that the host keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptInput {
    /// The salt of the receipt's input commitment.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub salt: B256,
    /// The input, shape `[units, input_width]`.
    pub features: Vec<f32>,
}

/// A contributor's part in one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Influence {
    /// The contributor.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub account: Address,
    /// Their score over the sum of all positive scores, in basis points, truncated. Negative: their data spoke against.
    pub bps: i64,
}

/// `GET /v1/attributions/{id}`: who made an answer, by exact integer scores of the receipt's sketch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Attribution {
    /// The receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub receipt: B256,
    /// The contributor table that was used: its keccak-256, as the release's manifest has it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub table_hash: B256,
    /// Every contributor, in the table's order.
    pub scores: Vec<ContributorScore>,
}

/// A contributor's score in one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContributorScore {
    /// The contributor.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub account: Address,
    /// Row · sketch, exactly.
    pub score: i64,
    /// Over the sum of all positive scores, in basis points, truncated.
    pub bps: i64,
}

/// `GET /v1/receipts/{id}/proof`: that a receipt is among those which a root commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReceiptProof {
    /// The model whose vault the root is of.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub asset: AssetId,
    /// The root's index.
    pub epoch: u64,
    /// The root over receipts that the posted statement carries.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub receipts_root: B256,
    /// The receipt's EIP-712 struct hash: the leaf.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub leaf: B256,
    /// Where it stands.
    pub leaf_index: u64,
    /// How many receipts the root has.
    pub leaf_count: u64,
    /// Siblings, from the leaf up.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub proof: Vec<B256>,
}
