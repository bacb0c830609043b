//! What a host submits to the chain: its operator's to see and to decide.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

/// `GET /v1/submissions`: what the host submits to the chain, and what somebody has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Submissions {
    /// Oldest first.
    pub all: Vec<Submission>,
    /// The alarms that are on, in words.
    pub alarms: Vec<String>,
}

/// Something that is submitted to the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: B256,
    /// `built`, `signed`, `sent`, `included`, `final`, `adopted`, `halted` or `failed`.
    pub state: String,
    /// Why it was halted or has failed.
    pub reason: Option<String>,
    /// The nonce that its transactions compete for, while they do.
    pub nonce: Option<u64>,
    /// The hashes of its transactions, oldest first.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub transactions: Vec<B256>,
}
