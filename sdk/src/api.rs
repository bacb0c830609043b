//! The JSON bodies of the host's HTTP interface, used by the server and the client alike.

use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::{
    identity::AssetId,
    sign_in::{Authorization, Credential},
    sum_tree::Leaf,
    typed_data::{AttestationRefusal, InferenceRequest, Receipt, RootStatement},
};

/// Every refusal: a stable code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// Stable, in `snake_case`.
    pub code: String,
    /// What is wrong and what to do. It is called as the Open Inference Protocol calls it.
    #[serde(rename = "error")]
    pub message: String,
}

/// `GET /v1/host`: who serves, and where the accounts are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostInfo {
    /// The chain.
    pub chain_id: u64,
    /// The attribution ledger: the verifying contract of receipts, requests and sessions.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub ledger: Address,
    /// Whose key signs the receipts.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub host: Address,
    /// In how many closed epochs inputs are kept for those who ask the model again; 0: none is kept at all.
    pub keeps_inputs: u64,
    /// What is served.
    pub models: Vec<ModelInfo>,
}

/// One served release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// The model.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub asset: AssetId,
    /// Its release.
    pub version: u32,
    /// Its vault.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub vault: Address,
    /// The token whose revenue this host settles.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub token: Address,
    /// keccak-256 of the ONNX file, as on chain.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub weights_hash: B256,
    /// Numbers of one record.
    pub input_width: u32,
    /// Numbers an answer to one record carries.
    pub classes: u32,
    /// Most records of one request.
    pub max_records: u32,
    /// Where it was asked to compute: `auto`, `cpu`, `cuda`, `cuda:1`, `webgpu`.
    pub asked_provider: String,
    /// Where it computes.
    pub execution_provider: String,
}

/// `GET /v1/models/{asset}`: what it is, where it comes from, and on which terms it is licensed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelPage {
    /// The served release.
    pub release: ModelInfo,
    /// Its manifest as published; its keccak-256 is on chain.
    pub manifest: String,
    /// What the registry calls the model's parents.
    pub lineage: Vec<Parent>,
    /// Open offers of licenses, oldest first.
    pub offers: Vec<OfferPage>,
}

/// One edge of a model's lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    /// `base`, `data`, `finetune`, `merge`, `distil` or `eval`.
    pub kind: String,
    /// The parent.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub asset: AssetId,
    /// Which version of it.
    pub version: u32,
    /// The parent's share of the model's revenue, in basis points.
    pub share_bps: u16,
}

/// What an owner sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OfferPage {
    /// The offer.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: U256,
    /// The payment token.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub token: Address,
    /// Of one license, in base units of the token, as decimal text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub price: u128,
    /// Seconds a license is good for; 0 is for ever.
    pub duration: u64,
    /// What may be done.
    pub may: Vec<String>,
    /// What may not.
    pub may_not: Vec<String>,
    /// Calls over the license's life; none is unlimited.
    pub max_calls: Option<u64>,
    /// Calls in any minute; none is unlimited.
    pub calls_per_minute: Option<u32>,
    /// Whether the license can change hands.
    pub transferable: bool,
    /// Whether its holder can name a user.
    pub delegable: bool,
    /// Whether the owner may revoke it against what is not earned of its fee.
    pub revocable: bool,
    /// keccak-256 of the legal text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub legal_text_hash: B256,
}

/// `GET /v1/nonce`: a number for one sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Nonce {
    /// For the message's `Nonce:` line.
    pub nonce: String,
    /// How long it is good for, in seconds.
    pub expires_in: u64,
    /// The newest block's time, for the message's times: the chain's clock is the one that counts.
    pub chain_time: u64,
}

/// `POST /v1/sessions`: sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// What may ask, under which license, until when: the text of an EIP-4361 message, or an EIP-712
    /// `SessionAuthorization`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub authorization: Authorization,
    /// The license holder's signature: EIP-191 or EIP-712, of the key, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
    /// Who signs. Needed only where the holder is a contract and the authorisation does not name it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Address>,
}

/// The answer to a sign-in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Who signed: the license's owner or user.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub holder: Address,
    /// The license.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub license_id: U256,
    /// What may ask now.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub credential: Credential,
    /// When it may not any more, in the chain's time.
    pub expires_at: u64,
    /// Bearer token for the license's keys: list, revoke. None after an EIP-712 sign-in, which anybody may repeat who has
    /// seen it.
    pub token: Option<String>,
    /// How long the token is good for, in seconds.
    pub token_expires_in: u64,
}

impl std::fmt::Debug for SignedIn {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("holder", &self.holder)
            .field("license_id", &self.license_id)
            .field("credential", &self.credential)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// `GET /v1/licenses/{id}/keys`: a key that was signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyInfo {
    /// `key:` and the session key's address, or `bearer:` and the bearer key's keccak-256.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub credential: Credential,
    /// What its holder calls it.
    pub label: Option<String>,
    /// Who signed it in.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub holder: Address,
    /// The first second at which it may ask, in the chain's time.
    pub begins_at: u64,
    /// The first second at which it may not any more, in the chain's time.
    pub expires_at: u64,
    /// When it was revoked, in the chain's time.
    pub revoked_at: Option<u64>,
}

/// `GET /v1/licenses/{id}/usage`: what was asked under a license at this host, in records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LicenseUsage {
    /// Over its life.
    pub total: u64,
    /// In the open epoch.
    pub open_epoch: u64,
    /// Its terms' limit over its life; none is unlimited.
    pub max_calls: Option<u64>,
    /// Its terms' limit in any minute; none is unlimited.
    pub calls_per_minute: Option<u32>,
}

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

/// `POST /v1/receipts/{id}/input`: who reads an input that the host keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reader {
    /// An attestor of the vault, or the receipt's payer.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signer: Address,
    /// Until when the signature is good, in the chain's time.
    pub until: u64,
    /// Their EIP-712 signature of `InputAccess { receiptId, until }`, or what ERC-1271 takes.
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

/// `GET /v1/accounts/{account}`: what a contributor is paid, by model and epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountPage {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub account: Address,
    /// Every served model that ever allotted it something.
    pub models: Vec<AccountBooks>,
}

/// What one model pays an account, in base units of its token, as decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountBooks {
    /// The model.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub asset: AssetId,
    /// Its vault.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub vault: Address,
    /// The token.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub token: Address,
    /// Allotted by every closed epoch, posted or not.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub allocated: u128,
    /// Allotted by roots that are on chain.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub posted: u128,
    /// Allotted by roots that can be claimed against.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub active: u128,
    /// Claimed so far.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub claimed: u128,
    /// Epoch by epoch, oldest first.
    pub epochs: Vec<AccountEpoch>,
}

/// What one epoch added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountEpoch {
    /// The epoch.
    pub index: u64,
    /// What it added, in base units, as decimal text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub amount: u128,
    /// Where its root stands.
    pub state: RootStanding,
}

/// Where a root stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum RootStanding {
    /// Its epoch is closed; it is not on chain.
    Closed,
    /// On chain, in its window.
    Posted,
    /// On chain, and challenged.
    Challenged,
    /// Claims are good.
    Active,
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

/// The bytes a request commits to and a receipt hashes: little-endian `f32`s.
pub fn tensor_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
