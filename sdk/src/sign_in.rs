//! Sign-in: by which a license's owner or user says who may ask under the license, and until when.
//!
//! Wallets sign an EIP-4361 message (Sign-In with Ethereum); programs may sign the EIP-712 [`SessionAuthorization`], which
//! contracts can read. Both say the same, and auditors accept either. An account with code signs by ERC-1271.

use std::{fmt, str::FromStr};

use alloy::{
    primitives::{Address, B256, U256, eip191_hash_message, keccak256},
    sol_types::{Eip712Domain, SolStruct},
};
use serde::{Deserialize, Serialize};
use signinwithethereum::{Message, TimeStamp, Version};
use time::OffsetDateTime;

use crate::typed_data::SessionAuthorization;

/// What asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credential {
    /// A session key, which signs every request: the host cannot invent its usage.
    Key(Address),
    /// A bearer key, by its keccak-256: whoever sends it may ask, and only the host's word stands for its usage.
    Bearer(B256),
}

impl Credential {
    /// What a receipt says of its request's signature: its keccak-256, or nothing where the host's word alone stands.
    pub fn signature_hash(&self, signature: &[u8]) -> B256 {
        match self {
            Self::Key(_) => keccak256(signature),
            Self::Bearer(_) => B256::ZERO,
        }
    }

    /// The credential of a bearer key's text.
    pub fn of_bearer(secret: &str) -> Self {
        Self::Bearer(keccak256(secret.as_bytes()))
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(address) => write!(f, "key:{address}"),
            Self::Bearer(digest) => write!(f, "bearer:{digest}"),
        }
    }
}

impl FromStr for Credential {
    type Err = SignInError;

    fn from_str(text: &str) -> Result<Self, SignInError> {
        let credential = match text.split_once(':') {
            Some(("key", address)) => address.parse().ok().map(Self::Key),
            Some(("bearer", digest)) => digest.parse().ok().map(Self::Bearer),
            _ => None,
        };
        credential.ok_or(SignInError::Resource("`key:` with an address, or `bearer:` with 32 bytes"))
    }
}

impl Serialize for Credential {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a wallet signed at sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Authorization {
    /// The text of an EIP-4361 message, signed by EIP-191.
    Message(String),
    /// The EIP-712 struct.
    Typed(SessionAuthorization),
}

/// What a sign-in says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The license to ask under.
    pub license_id: U256,
    /// What may ask.
    pub credential: Credential,
    /// The first second at which it may, in the chain's time.
    pub begins_at: u64,
    /// The first second at which it may not any more, in the chain's time.
    pub expires_at: u64,
    /// Who signs, if the text says so.
    pub holder: Option<Address>,
    /// What the holder calls it.
    pub label: Option<String>,
}

/// What a message says beside its permission: where it is to be used, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The host's authority, such as `models.example:8443`.
    pub domain: String,
    /// What is signed in to.
    pub uri: String,
    /// The host's random number for this sign-in.
    pub nonce: String,
    /// When it was made, in seconds since 1970.
    pub issued_at: u64,
}

impl Authorization {
    /// The message by which `holder` gives `permission`.
    pub fn message(
        holder: Address,
        permission: &Permission,
        occasion: &Occasion,
        ledger: &Eip712Domain,
    ) -> Result<Self, SignInError> {
        let Permission { license_id, credential, begins_at, expires_at, label, .. } = permission;
        let Occasion { domain, uri, nonce, issued_at } = occasion;
        let resources = [
            format!("tributary:ledger:{}", ledger.verifying_contract.unwrap_or_default()),
            format!("tributary:license:{license_id}"),
            format!("tributary:{credential}"),
        ];
        let resource = |text: String| text.parse().map_err(|_| SignInError::Resource("URIs"));
        let message = Message {
            scheme: None,
            domain: domain.parse().map_err(|_| SignInError::Text("its domain is no host and port"))?,
            address: holder.into_array(),
            address_raw: None,
            statement: Some(statement(*license_id, *credential)),
            uri: uri.parse().map_err(|_| SignInError::Text("what it signs in to is no URI"))?,
            version: Version::V1,
            chain_id: chain_id(ledger),
            nonce: nonce.clone(),
            issued_at: time(*issued_at)?,
            expiration_time: Some(time(*expires_at)?),
            not_before: if *begins_at > 0 { Some(time(*begins_at)?) } else { None },
            request_id: label.clone(),
            resources: resources.into_iter().map(resource).collect::<Result<_, _>>()?,
            warnings: Vec::new(),
        };
        let text = message.to_string();
        // What cannot be read again, a label with a space say, is refused before anybody signs it.
        let authorization = Self::Message(text);
        authorization.permission(ledger)?;
        Ok(authorization)
    }

    /// What it says, for the ledger whose domain this is.
    ///
    /// # Errors
    /// [`SignInError`], if it is no such text, or is for another chain or another ledger.
    pub fn permission(&self, ledger: &Eip712Domain) -> Result<Permission, SignInError> {
        match self {
            Self::Typed(SessionAuthorization { licenseId, sessionKey, expiresAt }) => Ok(Permission {
                license_id: *licenseId,
                credential: Credential::Key(*sessionKey),
                begins_at: 0,
                expires_at: *expiresAt,
                holder: None,
                label: None,
            }),
            Self::Message(text) => read(text, ledger),
        }
    }

    /// Where and for which occasion a message was made; none for the EIP-712 form, which says nothing of it.
    pub fn occasion(&self) -> Result<Option<Occasion>, SignInError> {
        match self {
            Self::Typed(_) => Ok(None),
            Self::Message(text) => {
                let message = parse(text)?;
                let issued_at = seconds(&message.issued_at)?;
                let (domain, uri) = (message.domain.to_string(), message.uri.to_string());
                Ok(Some(Occasion { domain, uri, nonce: message.nonce, issued_at }))
            }
        }
    }

    /// What the wallet's signature is over.
    pub fn digest(&self, ledger: &Eip712Domain) -> B256 {
        match self {
            Self::Typed(authorization) => authorization.eip712_signing_hash(ledger),
            Self::Message(text) => eip191_hash_message(text),
        }
    }
}

fn read(text: &str, ledger: &Eip712Domain) -> Result<Permission, SignInError> {
    let message = parse(text)?;
    if message.chain_id != chain_id(ledger) {
        return Err(SignInError::Chain { found: message.chain_id, expected: chain_id(ledger) });
    }
    let [ledger_at, license, credential] = message.resources.as_slice() else {
        return Err(SignInError::Resource("exactly three: the ledger, the license, and the key"));
    };
    let named = |resource: &str, kind: &str| -> Option<String> {
        resource.strip_prefix("tributary:")?.strip_prefix(kind)?.strip_prefix(':').map(str::to_owned)
    };
    let expected = ledger.verifying_contract.unwrap_or_default();
    match named(ledger_at.as_str(), "ledger").and_then(|text| text.parse::<Address>().ok()) {
        Some(found) if found == expected => {}
        Some(found) => return Err(SignInError::Ledger { found, expected }),
        None => return Err(SignInError::Resource("`tributary:ledger:` with an address first")),
    }
    let license = named(license.as_str(), "license").and_then(|text| U256::from_str_radix(&text, 10).ok());
    let license_id = license.ok_or(SignInError::Resource("`tributary:license:` with a decimal number second"))?;
    let credential: Credential = credential
        .as_str()
        .strip_prefix("tributary:")
        .ok_or(SignInError::Resource("`tributary:key:` or `tributary:bearer:` third"))?
        .parse()?;
    // What a wallet shows must be what is meant.
    if message.statement.as_deref() != Some(&statement(license_id, credential)) {
        return Err(SignInError::Statement { expected: statement(license_id, credential) });
    }
    let expires_at = message.expiration_time.as_ref().ok_or(SignInError::Text("it has no expiration time"))?;
    Ok(Permission {
        license_id,
        credential,
        begins_at: message.not_before.as_ref().map(seconds).transpose()?.unwrap_or_default(),
        expires_at: seconds(expires_at)?,
        holder: Some(Address::from(message.address)),
        label: message.request_id,
    })
}

/// Most bytes of a message: far more than any needs.
const LONGEST: usize = 4096;

fn parse(text: &str) -> Result<Message, SignInError> {
    if text.len() > LONGEST {
        return Err(SignInError::Text("it is longer than 4096 bytes"));
    }
    text.parse().map_err(|error: signinwithethereum::ParseError| SignInError::Syntax(error.to_string()))
}

/// The sentence that a wallet shows.
fn statement(license_id: U256, credential: Credential) -> String {
    match credential {
        Credential::Key(_) => format!("Let a session key ask under license {license_id}; it signs every request."),
        Credential::Bearer(_) => format!(
            "Let whoever sends a bearer key ask under license {license_id}; the host alone attests to its usage."
        ),
    }
}

fn chain_id(ledger: &Eip712Domain) -> u64 {
    ledger.chain_id.map_or(0, |id| id.saturating_to())
}

fn seconds(time: &TimeStamp) -> Result<u64, SignInError> {
    let whole = time.as_ref().unix_timestamp();
    u64::try_from(whole).map_err(|_| SignInError::Text("it has a time before 1970"))
}

fn time(seconds: u64) -> Result<TimeStamp, SignInError> {
    let far = SignInError::Text("it has a time after the year 9999");
    let Ok(signed) = i64::try_from(seconds) else { return Err(far) };
    OffsetDateTime::from_unix_timestamp(signed).map(TimeStamp::from).map_err(|_| far)
}

/// The text does not say who may ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Not an EIP-4361 message.
    #[error("the message is not EIP-4361 text: {0}")]
    Syntax(String),
    /// An EIP-4361 message that cannot be used.
    #[error("the message cannot be used: {0}")]
    Text(&'static str),
    /// A resource is missing or is another.
    #[error("the message's resources do not read; give {0}")]
    Resource(&'static str),
    /// For another chain.
    #[error("the message is for chain {found}, this is chain {expected}")]
    Chain {
        /// In the message.
        found: u64,
        /// Here.
        expected: u64,
    },
    /// For another deployment.
    #[error("the message is for the ledger {found}, the one here is {expected}")]
    Ledger {
        /// In the message.
        found: Address,
        /// Here.
        expected: Address,
    },
    /// The sentence that a wallet shows says something else.
    #[error("the message's statement must be: {expected}")]
    Statement {
        /// For this license and key.
        expected: String,
    },
}
