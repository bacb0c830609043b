//! What records may be read for.

use std::{fmt, ops::BitOr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::DatasetError;

/// What a grant lets its grantee do with a dataset: bits as the consent registry counts them.
///
/// As text, and in files, their names in this order, separated by commas: `train,audit`; `none` for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Purposes(u128);

impl Purposes {
    /// No purpose.
    pub const NONE: Self = Self(0);
    /// Train a model on the records.
    pub const TRAIN: Self = Self(1);
    /// Measure a model on the records.
    pub const EVALUATE: Self = Self(1 << 1);
    /// Read the records to screen them.
    pub const CURATE: Self = Self(1 << 2);
    /// Read the records to recompute attribution.
    pub const AUDIT: Self = Self(1 << 3);
    /// Give records to the dataset, where its charter lets members alone.
    pub const CONTRIBUTE: Self = Self(1 << 4);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::TRAIN, "train"),
        (Self::EVALUATE, "evaluate"),
        (Self::CURATE, "curate"),
        (Self::AUDIT, "audit"),
        (Self::CONTRIBUTE, "contribute"),
    ];

    /// The purposes of bits as the chain has them.
    ///
    /// # Errors
    /// [`DatasetError::UnknownPurpose`] for a bit that has no name here.
    pub fn from_bits(bits: u128) -> Result<Self, DatasetError> {
        let known = Self::NAMES.iter().fold(Self::NONE, |all, (purpose, _)| all | *purpose);
        match bits & !known.0 {
            0 => Ok(Self(bits)),
            unknown => Err(DatasetError::UnknownPurpose { found: format!("bits {unknown:#x}") }),
        }
    }

    /// The bits.
    pub fn bits(self) -> u128 {
        self.0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Whether all of `others` are among these.
    pub fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those of these that are not among `others`.
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl BitOr for Purposes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Purposes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let mut separator = "";
        for (_, name) in Self::NAMES.iter().filter(|(purpose, _)| self.contains(*purpose)) {
            write!(f, "{separator}{name}")?;
            separator = ",";
        }
        Ok(())
    }
}

impl FromStr for Purposes {
    type Err = DatasetError;

    /// In any order, with blanks around names.
    fn from_str(text: &str) -> Result<Self, DatasetError> {
        if text.trim() == "none" {
            return Ok(Self::NONE);
        }
        text.split(',').map(str::trim).try_fold(Self::NONE, |all, name| {
            let known = Self::NAMES.iter().find(|(_, of)| *of == name);
            let unknown =
                || DatasetError::UnknownPurpose { found: format!("`{}`", name.chars().take(20).collect::<String>()) };
            known.map(|(purpose, _)| all | *purpose).ok_or_else(unknown)
        })
    }
}

impl Serialize for Purposes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Purposes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_names_are_those_of_the_registry() {
        for (bits, text) in
            [(0, "none"), (1, "train"), (2, "evaluate"), (4, "curate"), (8, "audit"), (16, "contribute")]
        {
            let purposes = Purposes::from_bits(bits).unwrap();
            assert_eq!((purposes.bits(), purposes.to_string().as_str()), (bits, text));
        }
        for bits in 0..32 {
            let purposes = Purposes::from_bits(bits).unwrap();
            assert_eq!(purposes.to_string().parse::<Purposes>().unwrap(), purposes);
            let json = serde_json::to_string(&purposes).unwrap();
            assert_eq!(json, format!("\"{purposes}\""));
            assert_eq!(serde_json::from_str::<Purposes>(&json).unwrap(), purposes);
        }
        assert_eq!("audit, train".parse::<Purposes>().unwrap(), Purposes::TRAIN | Purposes::AUDIT);
        for unknown in ["", "train,", "Train", "sell", "train audit", "none,train"] {
            assert!(matches!(unknown.parse::<Purposes>(), Err(DatasetError::UnknownPurpose { .. })), "{unknown}");
        }
        for unknown in [32, u128::MAX, 1 << 127 | 1] {
            assert!(matches!(Purposes::from_bits(unknown), Err(DatasetError::UnknownPurpose { .. })));
        }
    }
}
