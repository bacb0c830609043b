//! Keys, from where an operator keeps them: the environment, a file of settings, or an encrypted keystore.

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use tributary_submission::{Key, Password};

use super::Settings;
use crate::secret::{Secret, SecretError};

/// A key cannot be had. No variant carries any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is given twice.
    #[error("`{0}` and `{0}store` are both given: keep one of them")]
    Twice(&'static str),
    /// A keystore without its password.
    #[error("`{0}store` needs `{0}store_password`")]
    NoPassword(&'static str),
    /// What is given is not a key.
    #[error("`{name}` (in the environment TRIBUTARY_{}): {source}", .name.to_uppercase())]
    NotAKey {
        /// The setting.
        name: &'static str,
        /// What is wrong.
        source: SecretError,
    },
    /// The keystore does not open.
    #[error(transparent)]
    Keystore(#[from] tributary_submission::KeyError),
}

impl Settings {
    /// The key of the account that acts, if one is given.
    pub fn acting_key(&self) -> Result<Option<PrivateKeySigner>, KeyError> {
        read("key", self.key.as_ref(), self.keystore.as_deref(), self.keystore_password.as_ref())
    }

    /// The key that posts, if it has one of its own.
    pub fn posting_key(&self) -> Result<Option<PrivateKeySigner>, KeyError> {
        let password = self.poster_keystore_password.as_ref();
        read("poster_key", self.poster_key.as_ref(), self.poster_keystore.as_deref(), password)
    }
}

fn read(
    name: &'static str,
    key: Option<&Secret>,
    keystore: Option<&Path>,
    password: Option<&Secret>,
) -> Result<Option<PrivateKeySigner>, KeyError> {
    match (key, keystore) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(KeyError::Twice(name)),
        (Some(key), None) => key.key().map(Some).map_err(|source| KeyError::NotAKey { name, source }),
        (None, Some(file)) => {
            let password = password.ok_or(KeyError::NoPassword(name))?;
            Ok(Some(Key::from_keystore(file, &Password::new(password.reveal()))?.into_signer()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Flags, *};

    /// The first test vector of the Web3 Secret Storage definition (PBKDF2); its password is `testpassword`.
    const KEYSTORE: &str = include_str!("../../../submission/tests/keystore.json");
    const OWNER: &str = "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b";

    #[test]
    fn a_key_is_read_from_one_place_and_nothing_of_it_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tributary.toml");
        let settings = |lines: &str| {
            std::fs::write(&file, lines).unwrap();
            Settings::load(Some(&file), &Flags::default()).unwrap()
        };
        let keystore = folder.path().join("keystore.json");
        std::fs::write(&keystore, KEYSTORE).unwrap();
        let stored = format!("keystore = {:?}\n", keystore.display().to_string());

        assert_eq!(settings("").acting_key(), Ok(None));
        let opened = settings(&format!("{stored}keystore_password = \"testpassword\"\n")).acting_key().unwrap();
        assert_eq!(opened.unwrap().address().to_string(), OWNER);
        assert_eq!(settings(&stored).acting_key(), Err(KeyError::NoPassword("key")));
        let wrong = settings(&format!("{stored}keystore_password = \"horse battery\"\n")).acting_key().unwrap_err();
        assert!(matches!(wrong, KeyError::Keystore(_)) && !wrong.to_string().contains("horse"), "{wrong}");
        let twice = settings(&format!("{stored}key = \"0x01\"\n"));
        assert_eq!(twice.acting_key(), Err(KeyError::Twice("key")));
        let broken = settings("poster_key = \"horse battery\"\n").posting_key().unwrap_err().to_string();
        assert!(broken.contains("`poster_key`") && !broken.contains("horse"), "{broken}");
    }
}
