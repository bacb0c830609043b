//! One thing that is wrong, and where.

use std::fmt;

use tributary_sdk::{B256, U256, sign_in::Credential};

/// One row that is not as the other tables say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table, by the name it has in the file.
    pub table: &'static str,
    /// The row.
    pub place: Place,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Which row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The file as a whole.
    File,
    /// A whole table.
    Table(String),
    /// That of a request.
    Request(B256),
    /// That of an epoch.
    Epoch(u64),
    /// That of a request in an epoch.
    RequestOfEpoch(u64, B256),
    /// That of a license.
    License(U256),
    /// That of a license in an epoch.
    LicenseOfEpoch(u64, U256),
    /// That of a license in a second.
    LicenseAt(U256, u64),
    /// That of a sign-in, by its number.
    SignIn(u64),
    /// That of a credential of a license.
    Key(Credential, U256),
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// redb's records of free pages were damaged and are repaired; the rows are as they were.
    Repaired,
    /// It does not read.
    Unreadable(String),
    /// Other tables call for it and it is not there.
    Missing,
    /// It is there and no other table calls for it.
    Stray,
    /// It says something else than the other tables.
    Differs {
        /// Which of its values.
        field: &'static str,
        /// What it says.
        found: String,
        /// What the others say.
        expected: String,
    },
    /// A receipt that nobody was signed in for.
    NoSession(Credential, U256),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, place, problem } = self;
        write!(f, "{table}, {place}: {problem}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Table(name) => write!(f, "table {name}"),
            Self::Request(id) => write!(f, "request {id}"),
            Self::Epoch(epoch) => write!(f, "epoch {epoch}"),
            Self::RequestOfEpoch(epoch, id) => write!(f, "epoch {epoch}, request {id}"),
            Self::License(license) => write!(f, "license {license}"),
            Self::LicenseOfEpoch(epoch, license) => write!(f, "epoch {epoch}, license {license}"),
            Self::LicenseAt(license, second) => write!(f, "license {license}, second {second}"),
            Self::SignIn(number) => write!(f, "sign-in {number}"),
            Self::Key(credential, license) => write!(f, "{credential} of license {license}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repaired => f.write_str("its records of free pages were damaged and are repaired"),
            Self::Unreadable(reason) => write!(f, "does not read ({reason})"),
            Self::Missing => f.write_str("is missing"),
            Self::Stray => f.write_str("is there and nothing else calls for it"),
            Self::Differs { field, found, expected } => write!(f, "its {field} is {found} and should be {expected}"),
            Self::NoSession(credential, license) => {
                write!(f, "{credential} was never signed in for license {license}")
            }
        }
    }
}
