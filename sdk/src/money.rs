//! Integers of money. Amounts are `u128` base units of a token, everywhere; JSON carries them as decimal text.

use serde::{Deserialize, Serialize};

/// Hundredths of a percent; never above 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// The whole: 10,000.
    pub const WHOLE: Self = Self(10_000);

    /// As a plain number between 0 and 10,000.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// More than the whole was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0} basis points are more than the whole: use at most 10000")]
pub struct BasisPointsError(u16);

impl TryFrom<u16> for BasisPoints {
    type Error = BasisPointsError;

    fn try_from(value: u16) -> Result<Self, Self::Error> {
        if value <= 10_000 { Ok(Self(value)) } else { Err(BasisPointsError(value)) }
    }
}

impl From<BasisPoints> for u16 {
    fn from(value: BasisPoints) -> Self {
        value.0
    }
}

/// Serde for amounts as decimal text: JSON numbers lose digits above 2⁵³.
pub mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the amount as decimal text.
    pub fn serialize<S: Serializer>(value: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    /// Reads decimal digits; signs, spaces and leading zeros are refused so that a value has one spelling.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u128, D::Error> {
        let text = String::deserialize(d)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || (text.len() > 1 && text.starts_with('0')) {
            return Err(serde::de::Error::custom(format!(
                "`{text}` is not an amount in base units: write decimal digits"
            )));
        }
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Writes base units for people: `1234567` with 6 decimals is `1.234567`.
pub fn format_units(amount: u128, decimals: u8) -> String {
    let scale = 10u128.checked_pow(u32::from(decimals)).filter(|scale| *scale > 1);
    let parts = scale.and_then(|scale| Some((amount.checked_div(scale)?, amount.checked_rem(scale)?)));
    match parts {
        Some((whole, rest)) => format!("{whole}.{rest:0width$}", width = usize::from(decimals)),
        None => amount.to_string(),
    }
}
