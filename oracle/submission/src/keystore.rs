//! Keys in encrypted files.

use std::{fmt, path::Path};

use alloy::signers::local::PrivateKeySigner;
use eth_keystore::KeystoreError;

use crate::keys::{Key, KeyError, variable_of};

/// The password of a keystore file.
#[derive(Clone)]
pub struct Password(String);

impl Key {
    /// The key in an encrypted JSON keystore file (version 3).
    ///
    /// # Errors
    /// [`KeyError::Unreadable`], [`KeyError::WrongPassword`], [`KeyError::NotAKeystore`].
    pub fn from_keystore(file: &Path, password: &Password) -> Result<Self, KeyError> {
        let path = || file.to_owned();
        // Also tells a missing file from a broken one.
        std::fs::File::open(file).map_err(|error| unreadable(file, &error))?;
        let secret = match eth_keystore::decrypt_key(file, &password.0) {
            Ok(secret) => secret,
            Err(KeystoreError::MacMismatch) => return Err(KeyError::WrongPassword { path: path() }),
            Err(KeystoreError::StdIo(reason)) => return Err(KeyError::Unreadable { path: path(), reason }),
            Err(_) => return Err(KeyError::NotAKeystore { path: path() }),
        };
        PrivateKeySigner::from_slice(&secret).map(Self).map_err(|_| KeyError::NotAKeystore { path: path() })
    }
}

impl Password {
    /// A password that the program was given otherwise.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The first line of a file, such as a systemd credential.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`].
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self(text.lines().next().unwrap_or_default().into()))
    }

    /// An environment variable.
    ///
    /// # Errors
    /// [`KeyError::NoVariable`].
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        variable_of(variable).map(Self)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> KeyError {
    KeyError::Unreadable { path: path.to_owned(), reason: error.to_string() }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, address};

    use super::*;

    /// The first test vector of the Web3 Secret Storage definition (PBKDF2); its password is `testpassword`.
    const KEYSTORE: &str = include_str!("../tests/keystore.json");
    const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    const OWNER: Address = address!("0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b");

    #[test]
    fn a_keystore_opens_with_its_password_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let file = at("key.json", KEYSTORE);
        let password = Password::from_file(&at("password", "testpassword\n")).unwrap();
        let key = Key::from_keystore(&file, &password).unwrap();
        assert_eq!(key.address(), OWNER);
        let wrong = Password::from_file(&at("wrong", "password")).unwrap();
        assert_eq!(Key::from_keystore(&file, &wrong).unwrap_err(), KeyError::WrongPassword { path: file });
        let broken = at("broken.json", "{}");
        assert_eq!(Key::from_keystore(&broken, &password).unwrap_err(), KeyError::NotAKeystore { path: broken });
        let missing = folder.path().join("missing.json");
        assert!(matches!(Key::from_keystore(&missing, &password), Err(KeyError::Unreadable { .. })));
    }

    #[test]
    fn nothing_prints_a_secret() {
        let key = Key(SECRET.parse().unwrap());
        assert_eq!(format!("{key:?}"), format!("Key({OWNER:?})"));
        assert!(!format!("{:?}", key.into_signer()).contains(&SECRET[..8]));
        assert_eq!(format!("{:?}", Password("testpassword".into())), "Password(..)");
    }
}
