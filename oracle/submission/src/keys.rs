//! The signer's key, from where an operator keeps it. Nothing here prints it.

use std::{fmt, path::PathBuf};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};

/// A private key in memory. For one in a key service, give [`Submitter::open`](crate::Submitter::open) its signer.
#[derive(Clone)]
pub struct Key(pub(crate) PrivateKeySigner);

/// Why there is no key. No variant carries any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no such variable.
    #[error("the environment variable {variable} is not set: set it, or name another one")]
    NoVariable {
        /// Its name.
        variable: String,
    },
    /// The variable has something else.
    #[error("the environment variable {variable} is no private key: it must be 32 bytes in hexadecimal")]
    NotAKey {
        /// Its name.
        variable: String,
    },
    /// The file could not be read.
    #[error("{} cannot be read ({reason}): check the path, and that this account may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        reason: String,
    },
    /// The password is not the file's.
    #[error("the password does not open {}: give the one that it was made with", path.display())]
    WrongPassword {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is no encrypted JSON keystore (version 3): make one with `cast wallet import` or geth", path.display())]
    NotAKeystore {
        /// The file.
        path: PathBuf,
    },
}

impl Key {
    /// The key in an environment variable, as 32 bytes in hexadecimal with or without `0x`.
    ///
    /// # Errors
    /// [`KeyError::NoVariable`], [`KeyError::NotAKey`].
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        let text = variable_of(variable)?;
        text.trim().parse().map(Self).map_err(|_| KeyError::NotAKey { variable: variable.into() })
    }

    /// Whose it is.
    #[must_use]
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// For [`Submitter::open`](crate::Submitter::open).
    #[must_use]
    pub fn into_signer(self) -> PrivateKeySigner {
        self.0
    }
}

pub(crate) fn variable_of(name: &str) -> Result<String, KeyError> {
    std::env::var(name).map_err(|_| KeyError::NoVariable { variable: name.into() })
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.address()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let variable = "TRIBUTARY_SUBMISSION_NO_SUCH_VARIABLE";
        assert_eq!(Key::from_env(variable).unwrap_err(), KeyError::NoVariable { variable: variable.into() });
        // Set by cargo, and no key.
        let variable = "CARGO_PKG_NAME";
        assert_eq!(Key::from_env(variable).unwrap_err(), KeyError::NotAKey { variable: variable.into() });
    }
}
