//! The rules that a dataset's contributors agree to.
//!
//! A charter is one JSON file; the keccak-256 of its bytes is the terms hash that every contributor signs and the asset's URI
//! on chain, so that nobody can agree to another one by mistake and nobody can change it afterwards. Other rules are another
//! dataset.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, B256, U256, money::BasisPoints, release::Manifest};

use crate::{DatasetError, Schema, access::Purposes, screening::ScreeningRules};

/// The rules of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Charter {
    /// `tributary-charter/1`.
    pub format: String,
    /// What the dataset is called. It makes the asset's id.
    pub name: String,
    /// What its records look like.
    pub schema: Schema,
    /// What the records may be used for; grants for other purposes are not followed.
    pub purposes: Purposes,
    /// The terms in words.
    pub terms: String,
    /// Who may contribute.
    pub membership: Membership,
    /// Who screens contributions and answers appeals.
    pub curator: Address,
    /// Name of the settlement policy that divides the pools of models made of the records.
    pub pay_policy: String,
    /// [`crate::records_hash`] of the records that gate and baseline shares use, on chain before contributions open.
    pub held_out_hash: B256,
    /// How contributions are screened.
    pub screening: ScreeningRules,
    /// Whether validators decide about what is held beside the curator, and what they are paid; the curator alone if not
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

/// What validators do: those accounts to whom the dataset's owner grants the purpose `curate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validation {
    /// How many of them must say the same of a held record, and more than say the opposite, to decide about it.
    pub agree: u32,
    /// What part of the curators' income is theirs.
    pub share_bps: BasisPoints,
}

impl Manifest for Charter {
    const FORMAT: &'static str = "tributary-charter/1";

    fn format(&self) -> &str {
        &self.format
    }
}

/// Who may contribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Membership {
    /// Everybody.
    Open,
    /// These accounts.
    Listed {
        /// In any order.
        members: BTreeSet<Address>,
    },
    /// Whoever holds enough of a token (ERC-20, or ERC-721 by number) when the contribution is taken.
    Holders {
        /// The token's contract.
        token: Address,
        /// The least balance, in base units.
        least: U256,
    },
    /// Whoever the dataset's owner has granted the purpose `contribute`. Where the owner is a community's timelock, that is
    /// a vote of the community.
    Admitted,
}

/// What the chain says of somebody who wants to contribute, as far as the membership rule asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Their balance of the rule's token.
    pub balance: U256,
    /// Whether the owner has granted them to contribute.
    pub is_admitted: bool,
}

impl Charter {
    /// The charter, if it makes sense.
    ///
    /// # Errors
    /// [`DatasetError::Schema`], [`DatasetError::Rules`], [`DatasetError::Charter`].
    pub fn checked(self) -> Result<Self, DatasetError> {
        let refuse = |what: &str| Err(DatasetError::Charter(what.to_owned()));
        let (schema, screening) = (self.schema.clone().checked()?, self.screening.clone().checked()?);
        if self.name.trim().is_empty() || self.terms.trim().is_empty() {
            return refuse("it needs a name and terms");
        }
        if self.purposes.is_empty() {
            return refuse("it allows nothing: name purposes, such as `train`");
        }
        if self.membership == (Membership::Listed { members: BTreeSet::new() }) {
            return refuse("nobody is on the list of members");
        }
        if self.validation.is_some_and(|validation| validation.agree == 0) {
            return refuse("no validator need agree: say how many, from 1");
        }
        Ok(Self { schema, screening, ..self })
    }

    /// Whether somebody may contribute.
    ///
    /// # Errors
    /// [`DatasetError::NotAMember`].
    pub fn admits(&self, account: Address, standing: Standing) -> Result<(), DatasetError> {
        let admitted = match &self.membership {
            Membership::Open => true,
            Membership::Listed { members } => members.contains(&account),
            Membership::Holders { least, .. } => standing.balance >= *least,
            Membership::Admitted => standing.is_admitted,
        };
        match admitted {
            true => Ok(()),
            false => Err(DatasetError::NotAMember { account, rule: self.membership.to_string() }),
        }
    }
}

/// In words.
impl std::fmt::Display for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => write!(f, "everybody may contribute"),
            Self::Listed { members } => {
                write!(f, "the {} accounts on the charter's list may contribute", members.len())
            }
            Self::Holders { token, least } => write!(f, "whoever holds {least} or more of {token} may contribute"),
            Self::Admitted => write!(f, "whoever the dataset's owner has granted `contribute` may contribute"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_charter_does_not_say_is_not_in_its_bytes() {
        let charter = Charter {
            format: Charter::FORMAT.to_owned(),
            name: "digits".to_owned(),
            schema: Schema::digits(),
            purposes: Purposes::TRAIN,
            terms: "Train on these.".to_owned(),
            membership: Membership::Open,
            curator: Address::ZERO,
            pay_policy: "epoch-signed/1".to_owned(),
            held_out_hash: B256::ZERO,
            screening: ScreeningRules::default(),
            validation: None,
        };
        let bytes = charter.to_bytes().unwrap();
        assert!(!String::from_utf8(bytes.clone()).unwrap().contains("validation"), "older charters keep their hash");
        assert_eq!(serde_json::from_slice::<Charter>(&bytes).unwrap(), charter);
        let with = |agree, share: u16| {
            let validation = Some(Validation { agree, share_bps: share.try_into().unwrap() });
            Charter { validation, ..charter.clone() }
        };
        let some = with(2, 3_000).checked().unwrap();
        assert_eq!(serde_json::from_slice::<Charter>(&some.to_bytes().unwrap()).unwrap(), some);
        assert!(matches!(with(0, 3_000).checked(), Err(DatasetError::Charter(_))));
        let too_much = String::from_utf8(some.to_bytes().unwrap()).unwrap().replace("3000", "10001");
        assert!(serde_json::from_str::<Charter>(&too_much).is_err());
    }
}
