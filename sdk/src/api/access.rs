//! Sign-in, and the keys of a license.

use alloy::primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::sign_in::{Authorization, Credential};

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
