//! A dataset's host: contributions in, what became of them, proofs.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    identity::AssetId,
    typed_data::{Appeal, Contribution, ContributionReceipt, Correction, Erasure, Flag, Receipt, Review},
};

/// `GET /v1/dataset`: which dataset is collected here, under which rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DatasetInfo {
    /// The dataset.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub dataset: AssetId,
    /// The chain it is registered on.
    pub chain_id: u64,
    /// The consent registry there.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub consent: Address,
    /// keccak-256 of the charter: the terms hash of every contribution.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub terms_hash: B256,
    /// Whose key signs receipts.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub host: Address,
    /// The newest published snapshot.
    pub snapshot: Option<u32>,
    /// Most bytes of a part.
    pub longest_part: u64,
    /// Most bytes of a contribution.
    pub most_bytes: u64,
}

/// A part of a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartSummary {
    /// keccak-256 of its bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub hash: B256,
    /// How many there are.
    pub bytes: u64,
}

/// `POST /v1/dataset/contributions`: a signed consent, and what will be sent under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewContribution {
    /// What is agreed to.
    pub contribution: Contribution,
    /// The contributor's EIP-712 signature, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
    /// The parts, in order.
    pub parts: Vec<PartSummary>,
}

/// What a dataset's host has of a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContributionInfo {
    /// The consent's id in the registry.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: B256,
    /// Who gave it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub contributor: Address,
    /// How many records.
    pub records: u64,
    /// Whether the chain has the consent.
    pub is_recorded: bool,
    /// Places of the parts that have not come, from 0.
    pub missing: Vec<u32>,
    /// The host's receipt, once all has come.
    pub receipt: Option<SignedReceipt>,
}

/// A host's word that it has all of a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedReceipt {
    /// What it has.
    pub receipt: ContributionReceipt,
    /// The host's EIP-712 signature.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
}

/// `POST /v1/dataset/appeals`: a contributor asks the curator to look again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedAppeal {
    /// What is asked.
    pub appeal: Appeal,
    /// The contributor's EIP-712 signature, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
}

/// `POST /v1/dataset/erasures`: a contributor has rejected or withdrawn records deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedErasure {
    /// What is asked.
    pub erasure: Erasure,
    /// The contributor's EIP-712 signature, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Erased {
    /// How many records are gone for good.
    pub records: u64,
}

/// A served answer, as its host signed for it: what shows later what was answered. Kept by `tributary ask --keep`, one a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedAnswer {
    /// The receipt.
    pub receipt: Receipt,
    /// The host's EIP-712 signature of the receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub host_signature: Bytes,
    /// The salt of the receipt's input commitment.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub salt: B256,
    /// The model's answer, shape `[units, classes]`: what the receipt's output hash is of.
    pub logits: Vec<f32>,
}

/// `POST /v1/dataset/corrections`: a contributor says that a record of theirs is what an answer should have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedCorrection {
    /// Which record corrects which answer.
    pub correction: Correction,
    /// The contributor's EIP-712 signature, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
    /// The answer.
    pub answer: SignedAnswer,
}

/// `POST /v1/dataset/flags`: the payer of an answer says that it is wrong. A later one about the same answer replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedFlag {
    /// What is said of which answer.
    pub flag: Flag,
    /// The payer's EIP-712 signature, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
    /// The answer's receipt.
    pub receipt: Receipt,
    /// The host's EIP-712 signature of the receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub host_signature: Bytes,
}

/// `POST /v1/dataset/held`: records that wait for somebody to look at them, without those of who reads and without those
/// that they have reviewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HeldRecords {
    /// What the fields of a record are called.
    pub columns: Vec<String>,
    /// The records, by contribution and place; only so many at one time.
    pub records: Vec<HeldRecord>,
    /// How many more wait: they come when these are reviewed.
    pub more: u64,
}

/// A record that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HeldRecord {
    /// The contribution it is in.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub contribution: B256,
    /// Where in it, from 0.
    pub place: u64,
    /// The record, as a file would have it.
    pub fields: Vec<String>,
    /// Why it is held, in words.
    pub reasons: Vec<String>,
    /// What its contributor says about that, if they appealed.
    pub appeal: Option<String>,
    /// The answers that it corrects.
    pub corrects: Vec<CorrectedAnswer>,
}

/// An answer that a record corrects, as the dataset's host has checked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CorrectedAnswer {
    /// The answer's receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub receipt: B256,
    /// The model that answered.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub model: AssetId,
    /// Its version.
    pub version: u32,
    /// The class it answered with.
    pub answered: String,
}

/// `POST /v1/dataset/reviews`: what a validator says of a held record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedReview {
    /// What is said.
    pub review: Review,
    /// Who says it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub validator: Address,
    /// Their EIP-712 signature, or what ERC-1271 takes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Bytes,
}

/// `GET /v1/dataset/validators`: the accepted work of validators and what was paid for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Validators {
    /// How many reviews of each validator the published screening reports have accepted.
    pub accepted: Vec<AcceptedReviews>,
    /// Every payment, oldest first.
    pub payments: Vec<ValidatorPayment>,
}

/// A validator's accepted reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AcceptedReviews {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub validator: Address,
    /// How many, in all.
    pub reviews: u64,
}

/// What was divided among validators at one time. Everything in it can be recomputed from the chain and the published
/// screening reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidatorPayment {
    /// The token, in whose base units amounts are.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub token: Address,
    /// Whose income it is a part of, and who pays.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub curators: Address,
    /// The models' vaults that were looked at, ascending.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub vaults: Vec<Address>,
    /// The last block that was looked at.
    pub block: u64,
    /// The last snapshot whose accepted reviews count.
    pub snapshot: u32,
    /// All that was withdrawn from the vaults for `curators` up to that block.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub withdrawn: u128,
    /// What is paid: the charter's part of `withdrawn`, rounded down, less what earlier payments in the token were.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub amount: u128,
    /// Who gets how much of it, ascending by account.
    pub shares: Vec<ValidatorShare>,
}

/// A validator's share of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidatorShare {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub validator: Address,
    /// For how many accepted reviews that were not paid in this token before.
    pub reviews: u64,
    /// How much, by largest remainder.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[serde(with = "crate::money::decimal")]
    pub amount: u128,
    /// The transaction that paid it; none while it is under way, or where there is nothing to pay.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub transaction: Option<B256>,
}
