//! A release's plan: the file in which a builder says how a model's money is divided, who attests it, and what it must have
//! shown before it is published.

use std::{fs, io, path::PathBuf};

use alloy::primitives::{Address, U256};
use serde::Deserialize;
use tributary_sdk::{
    AssetId,
    contracts::registry::{DERIVATION_CLOSED, DERIVATION_LICENSED, DERIVATION_OPEN, Derivation, Shares},
};

use super::{Arbitration, BaseEdge, NewModel};

const WHOLE: u32 = 10_000;
const DAY: u32 = 86_400;

/// How a model is released: a TOML file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// The model's name. With the account that publishes it makes the asset's id: under the same name a later release is the
    /// next version.
    pub name: String,
    /// Who serves it.
    pub host: Address,
    /// Who is paid for building it; who publishes it, if left out.
    pub builder: Option<Address>,
    /// Who curates the data; who publishes it, if left out.
    pub curators: Option<Address>,
    /// How its money is divided.
    #[serde(default)]
    pub shares: SharePlan,
    /// What it was made from.
    pub base: Option<Base>,
    /// Who recomputes payouts.
    pub attestation: Attestation,
    /// What it asks of models that are made from it.
    #[serde(default)]
    pub derivation: Deriving,
    /// What it must have shown.
    #[serde(default)]
    pub required: Required,
}

/// How a model's money is divided, in basis points; all of them make 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SharePlan {
    /// Who built it.
    pub builder: u16,
    /// Who serves it.
    pub host: u16,
    /// Who curates the data.
    pub curators: u16,
    /// The dataset's vault.
    pub dataset: u16,
    /// The base's vault.
    pub base: u16,
    /// The pool that attribution divides among contributors.
    pub pool: u16,
}

impl Default for SharePlan {
    fn default() -> Self {
        Self { builder: 2_000, host: 1_000, curators: 500, dataset: 500, base: 0, pool: 6_000 }
    }
}

/// A release on the same chain that training started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Base {
    /// The model.
    pub asset: AssetId,
    /// Its version; the newest if left out.
    pub version: Option<u32>,
    /// The license under which, if its owner asks for one.
    pub license: Option<u64>,
}

/// Who recomputes payouts, and who judges where they are disputed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attestation {
    /// Who may sign roots.
    pub attestors: Vec<Address>,
    /// How many of them it takes.
    #[serde(default = "two")]
    pub threshold: u8,
    /// How long a posted root waits, in seconds.
    #[serde(default = "a_day")]
    pub window: u32,
    /// Who rules on challenged roots; nobody, if left out: then only faults that can be proven count.
    pub arbiter: Option<Address>,
    /// How long the arbiter has, in days.
    #[serde(default = "three")]
    pub arbiter_days: u32,
    /// What a challenger stakes, in wei of the chain's coin.
    #[serde(default = "a_hundredth")]
    pub challenge_bond: u64,
    /// What is staked on a root, in wei of the chain's coin.
    #[serde(default)]
    pub poster_bond: u64,
    /// After how many days of silent attestors the pool can go to the dataset's vault; 0 is never.
    #[serde(default = "ninety")]
    pub fallback_days: u32,
}

fn two() -> u8 {
    2
}

fn a_day() -> u32 {
    DAY
}

fn three() -> u32 {
    3
}

fn ninety() -> u32 {
    90
}

fn a_hundredth() -> u64 {
    10_000_000_000_000_000
}

/// What a model asks of those made from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deriving {
    /// Who may.
    pub rule: Rule,
    /// The least share of what they earn, in basis points.
    pub share: u16,
}

/// Who may make models from a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Anyone.
    #[default]
    Open,
    /// Who has a license that allows it.
    Licensed,
    /// Nobody but its owner.
    Closed,
}

/// What a release must have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Required {
    /// The least accuracy on test records.
    pub accuracy: f64,
    /// The least contributor LDS.
    pub contributor_lds: f64,
    /// Release it although nobody has measured its contributor LDS; buyers and contributors are told.
    pub unmeasured: bool,
}

/// A plan that is not one.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not TOML, or not these keys.
    #[error("{}: {reason}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// What the parser says, with the line.
        reason: String,
    },
    /// Shares that are not a whole.
    #[error("the shares make {sum} basis points, and must make 10,000: {}", told(*sum))]
    NotWhole {
        /// Their sum.
        sum: u32,
    },
    /// A share of a base that is not named.
    #[error("`shares.base` is {0} and no [base] is named: name it, or leave the share out")]
    ShareOfNoBase(u16),
    /// Attestors that cannot attest.
    #[error(
        "{threshold} of {attestors} attestors cannot sign: name at least as many as the threshold, each once, and at least one"
    )]
    Attestors {
        /// How many are named, each once.
        attestors: usize,
        /// How many it takes.
        threshold: u8,
    },
    /// Not a name.
    #[error("the model needs a name")]
    NoName,
    /// A number out of its range.
    #[error("`{0}` is too large")]
    TooLarge(&'static str),
    /// A requirement that is none.
    #[error("`required.{0}` is from 0 to 1")]
    Requirement(&'static str),
}

fn told(sum: u32) -> String {
    match sum < WHOLE {
        true => format!("{} are given to nobody", WHOLE - sum),
        false => format!("{} too many are given", sum - WHOLE),
    }
}

impl Plan {
    /// Reads a plan's file, checked.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn read(path: &std::path::Path) -> Result<Self, PlanError> {
        let text = fs::read_to_string(path).map_err(|source| PlanError::File { path: path.to_owned(), source })?;
        let syntax = |error: toml::de::Error| PlanError::Syntax { path: path.to_owned(), reason: error.to_string() };
        toml::from_str::<Self>(&text).map_err(syntax)?.checked()
    }

    /// The plan, if it can be followed.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn checked(self) -> Result<Self, PlanError> {
        if self.name.trim().is_empty() {
            return Err(PlanError::NoName);
        }
        let SharePlan { builder, host, curators, dataset, base, pool } = self.shares;
        let sum = [builder, host, curators, dataset, base, pool].into_iter().map(u32::from).sum();
        if sum != WHOLE {
            return Err(PlanError::NotWhole { sum });
        }
        if base > 0 && self.base.is_none() {
            return Err(PlanError::ShareOfNoBase(base));
        }
        let Attestation { attestors, threshold, arbiter_days, fallback_days, .. } = &self.attestation;
        let different: std::collections::BTreeSet<_> = attestors.iter().collect();
        if different.len() != attestors.len() || *threshold == 0 || usize::from(*threshold) > attestors.len() {
            return Err(PlanError::Attestors { attestors: different.len(), threshold: *threshold });
        }
        let seconds = |days: &u32, name| days.checked_mul(DAY).ok_or(PlanError::TooLarge(name));
        seconds(arbiter_days, "attestation.arbiter-days")?;
        seconds(fallback_days, "attestation.fallback-days")?;
        for (name, value) in [("accuracy", self.required.accuracy), ("contributor-lds", self.required.contributor_lds)]
        {
            if !(0.0..=1.0).contains(&value) {
                return Err(PlanError::Requirement(name));
            }
        }
        Ok(self)
    }

    /// The model as it is registered by this account, whose licenses are tokens of `license_token`.
    pub fn model(&self, account: Address, license_token: Address) -> NewModel {
        let SharePlan { builder, host, curators, dataset, base, pool } = self.shares;
        // Who gets nothing is not named.
        let named = |address: Address, bps: u16| if bps == 0 { Address::ZERO } else { address };
        let attestation = &self.attestation;
        let (rule, license_token) = match self.derivation.rule {
            Rule::Open => (DERIVATION_OPEN, Address::ZERO),
            Rule::Licensed => (DERIVATION_LICENSED, license_token),
            Rule::Closed => (DERIVATION_CLOSED, Address::ZERO),
        };
        NewModel {
            name: self.name.clone(),
            shares: Shares {
                payee: named(self.builder.unwrap_or(account), builder),
                payeeBps: builder,
                host: named(self.host, host),
                hostBps: host,
                curators: named(self.curators.unwrap_or(account), curators),
                curatorsBps: curators,
                poolBps: pool,
            },
            dataset_bps: dataset,
            base: self.base.map(|of| BaseEdge {
                asset: of.asset,
                version: of.version,
                share_bps: base,
                license: of.license.map(U256::from),
            }),
            derivation: Derivation { rule, minShareBps: self.derivation.share, licenseToken: license_token },
            attestors: attestation.attestors.clone(),
            threshold: attestation.threshold,
            window: attestation.window,
            arbitration: attestation.arbiter.map(|arbiter| Arbitration {
                arbiter,
                period: attestation.arbiter_days.saturating_mul(DAY),
                bond: attestation.challenge_bond,
            }),
            poster_bond: attestation.poster_bond,
            fallback_after: attestation.fallback_days.saturating_mul(DAY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "name = \"second opinion\"\nhost = \"0x0000000000000000000000000000000000000007\"\n\
                        [attestation]\nattestors = [\"0x0000000000000000000000000000000000000001\", \
                        \"0x0000000000000000000000000000000000000002\"]\n";

    fn plan(more: &str) -> Result<Plan, String> {
        let plan: Plan = toml::from_str(&format!("{PLAN}{more}")).map_err(|error| error.to_string())?;
        plan.checked().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_as_usual_and_adds_up() {
        let me = Address::repeat_byte(9);
        let new = plan("").unwrap().model(me, Address::repeat_byte(8));
        let shares = &new.shares;
        assert_eq!((shares.payee, shares.curators, shares.poolBps), (me, me, 6_000));
        assert_eq!((new.threshold, new.window, new.fallback_after), (2, DAY, 90 * DAY));
        assert_eq!((new.derivation.rule, new.derivation.licenseToken), (DERIVATION_OPEN, Address::ZERO));
        let licensed = plan("[derivation]\nrule = \"licensed\"\nshare = 700\n").unwrap();
        let derivation = licensed.model(me, Address::repeat_byte(8)).derivation;
        assert_eq!((derivation.licenseToken, derivation.minShareBps), (Address::repeat_byte(8), 700));
        let alone = plan("[shares]\nbuilder = 3000\nhost = 1000\ncurators = 0\ndataset = 0\n").unwrap();
        assert_eq!(alone.model(me, me).shares.curators, Address::ZERO, "who gets nothing is not named");
    }

    #[test]
    fn a_plan_that_cannot_be_followed_says_what_is_wrong() {
        let refused = |more: &str, words: &str| {
            let said = plan(more).unwrap_err();
            assert!(said.contains(words), "{said}");
        };
        refused("[shares]\npool = 5999\n", "1 are given to nobody");
        refused("[shares]\npool = 6500\n", "500 too many are given");
        refused("[shares]\nbase = 500\npool = 5500\n", "no [base] is named");
        refused("threshold = 3\n", "3 of 2 attestors");
        refused("threshold = 0\n", "0 of 2 attestors");
        refused("fallback-days = 4000000000\n", "too large");
        refused("[required]\naccuracy = 96.0\n", "from 0 to 1");
        refused("[share]\npool = 1\n", "unknown field `share`");
        assert!(toml::from_str::<Plan>("name = \"\"").is_err());
    }
}
