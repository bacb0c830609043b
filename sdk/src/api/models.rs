//! Who serves, what, and on which terms.

use alloy::primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::identity::AssetId;

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
