//! Values that are used and never shown.

use std::fmt;

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that prints as `[hidden]`, in logs, errors and printed settings.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads the text as a private key: 32 bytes in hexadecimal.
    pub fn key(&self) -> Result<PrivateKeySigner, SecretError> {
        let bytes: B256 = self.0.trim().parse().map_err(|_| SecretError)?;
        PrivateKeySigner::from_bytes(&bytes).map_err(|_| SecretError)
    }

    /// Whether `other` is the same text, in time that does not depend on where they differ.
    pub fn matches(&self, other: &str) -> bool {
        let digest = |text: &str| alloy::primitives::keccak256(text.as_bytes());
        let (ours, theirs) = (digest(&self.0), digest(other));
        ours.iter().zip(theirs.iter()).fold(0u8, |differing, (a, b)| differing | (a ^ b)) == 0
    }
}

/// A secret is not a private key. It does not say what it is instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not 32 bytes in hexadecimal")]
pub struct SecretError;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// An error of the format would quote what it found; this one does not.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d);
        text.map(Self).map_err(|_| serde::de::Error::custom("a secret is text: put it into quotation marks"))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_text_that_is_made_of_it() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret:?}"), "[hidden]");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[hidden]\"");
        assert!(!secret.key().unwrap_err().to_string().contains("horse"));
        assert!(secret.matches("correct horse") && !secret.matches("correct horsf"));
    }
}
