//! Who and what: asset ids.

use std::{fmt, str::FromStr};

use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolValue,
};
use serde::{Deserialize, Serialize};

/// The id of a dataset or a model: its ERC-721 token id in the registry.
///
/// It is the low 128 bits of `keccak256(abi.encode(registrant, salt))`, so whoever registers knows it beforehand and
/// nobody else can take it. Text form: `0x` and 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(pub u128);

impl AssetId {
    /// The id that `registrant` obtains by registering with `salt`.
    pub fn derive(registrant: Address, salt: B256) -> Self {
        let hash = keccak256((registrant, salt).abi_encode());
        let mut low = [0u8; 16];
        low.copy_from_slice(&hash[16..]);
        Self(u128::from_be_bytes(low))
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:032x}", self.0)
    }
}

/// The text is not an asset id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an asset id: write 0x and up to 32 hexadecimal digits")]
pub struct AssetIdError(String);

impl FromStr for AssetId {
    type Err = AssetIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AssetIdError(text.chars().take(64).collect());
        let digits = text.strip_prefix("0x").ok_or_else(wrong)?;
        if digits.starts_with('+') {
            return Err(wrong());
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| wrong())
    }
}

impl Serialize for AssetId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AssetId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}
