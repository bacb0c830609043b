//! What contributors are paid.

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

use crate::identity::AssetId;

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
