//! Amounts in whole units of a token, exactly.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// An amount in whole units of a token: decimal digits, at most one point between them. `0` is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    whole: String,
    fraction: String,
}

/// What was written is not an amount of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits and a point.
    #[error(
        "`{0}` is not an amount: write digits, and a point before any decimals, such as \"100\", \"100.00\" or \"0.05\""
    )]
    Spelling(String),
    /// More decimals than the token has.
    #[error("`{amount}` has {given} decimals and the token has {decimals}: write at most {decimals}")]
    Decimals {
        /// What was written.
        amount: Amount,
        /// Its decimals.
        given: usize,
        /// The token's.
        decimals: u8,
    },
    /// No contract can count so many base units.
    #[error("`{0}` is more base units than a price can have: write less")]
    TooMuch(Amount),
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Signs, spaces, separators and leading zeros are refused: what could be read in two ways is no price.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let wrong = || AmountError::Spelling(text.chars().take(64).collect());
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(wrong()),
            Some(parts) => parts,
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let padded = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || padded || !digits(whole) || !digits(fraction) {
            return Err(wrong());
        }
        Ok(Self { whole: whole.to_owned(), fraction: fraction.to_owned() })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)?;
        if self.fraction.is_empty() { Ok(()) } else { write!(f, ".{}", self.fraction) }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in quotes, such as \"100.00\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        // A number of TOML may have been rounded before anybody sees it.
        deserializer.deserialize_str(Text)
    }
}

impl Amount {
    /// In base units of a token with so many decimals, exactly.
    ///
    /// # Errors
    /// [`AmountError::Decimals`], [`AmountError::TooMuch`].
    pub fn base_units(&self, decimals: u8) -> Result<u128, AmountError> {
        let given = self.fraction.len();
        let Some(missing) = usize::from(decimals).checked_sub(given) else {
            return Err(AmountError::Decimals { amount: self.clone(), given, decimals });
        };
        let digits = [&self.whole, &self.fraction, "0".repeat(missing).as_str()].concat();
        digits.parse().map_err(|_| AmountError::TooMuch(self.clone()))
    }
}

/// Base units of a token with so many decimals, in whole units, exactly and without zeros at the end: 1,500,000 with 6 decimals
/// is `1.5`.
#[must_use]
pub fn whole_units(amount: u128, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let digits = format!("{amount:0>width$}", width = decimals.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}
