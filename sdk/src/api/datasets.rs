//! A dataset's host: contributions in, what became of them, proofs.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    identity::AssetId,
    typed_data::{Appeal, Contribution, ContributionReceipt, Erasure},
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
