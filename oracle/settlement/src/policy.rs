//! Named, versioned policies. A policy never changes; a better one gets a new name.

use std::{fmt, num::NonZero, thread};

use tributary_sdk::{B256, keccak256, table::ContributorTable};

use crate::{Settlement, SettlementError, SubPool, settlement};

/// How an epoch is settled. A root on chain carries [`Policy::id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// `epoch-signed/1`: signed attribution summed over each sub-pool, then clipped once. See
    /// [`Policy::settle`].
    EpochSigned1,
    /// `per-inference/1`: every receipt divided by itself, clipped before the sum. See [`Policy::settle`].
    PerInference1,
}

impl Policy {
    /// Every policy this program knows.
    pub const ALL: &'static [Self] = &[Self::EpochSigned1, Self::PerInference1];

    /// The policy's name, for configuration and people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EpochSigned1 => "epoch-signed/1",
            Self::PerInference1 => "per-inference/1",
        }
    }

    /// The policy's id on chain: keccak-256 of its name.
    #[must_use]
    pub fn id(self) -> B256 {
        keccak256(self.name())
    }

    /// Finds a policy by name.
    ///
    /// # Errors
    /// [`SettlementError::UnknownPolicy`].
    pub fn from_name(name: &str) -> Result<Self, SettlementError> {
        Self::ALL
            .iter()
            .copied()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| SettlementError::UnknownPolicy { name: name.chars().take(64).collect(), known: known() })
    }

    /// Finds a policy by the id a root carries.
    ///
    /// # Errors
    /// [`SettlementError::UnknownPolicyId`].
    pub fn from_id(id: B256) -> Result<Self, SettlementError> {
        Self::ALL
            .iter()
            .copied()
            .find(|policy| policy.id() == id)
            .ok_or_else(|| SettlementError::UnknownPolicyId { id, known: known() })
    }

    /// Divides every sub-pool's money among the contributors of `table`.
    ///
    /// `epoch-signed/1`, for each sub-pool by itself:
    ///
    /// 1. A receipt with scores `s` (one per contributor, exact integers) adds `units · s_c / Σ s⁺` to every
    ///    contributor `c`, signed; a receipt without any positive score adds nothing. `Σ s⁺` runs over all
    ///    contributors, whether or not they pass the gate, so that nobody's receipt weighs more because somebody
    ///    else was shut out. Each term is truncated toward zero at 2⁻⁶⁴.
    /// 2. The total of a contributor who fails the release's gate becomes zero.
    /// 3. Negative totals become zero: once, after the sum, never per receipt.
    /// 4. The amount is divided by the totals: largest remainder, ties to the lower account.
    /// 5. Where no total is positive, and for money without receipts, the amount is divided by the release's baseline
    ///    weights; where these are all zero, by record counts. The gate does not act here: it says whose attribution is
    ///    believed, while the baseline is what the release itself committed to.
    ///
    /// `per-inference/1` is the same but for the first three steps: a receipt adds `units · s_c⁺ / Σ s⁺` to every
    /// contributor who passes the gate, and `Σ s⁺` runs over these alone. A receipt that helps nobody adds nothing.
    ///
    /// It runs on all cores; see [`Policy::settle_with`].
    ///
    /// # Errors
    /// [`SettlementError::DuplicateSubPool`], [`SettlementError::UnexpectedReceipts`], [`SettlementError::Sketch`],
    /// [`SettlementError::NoWeights`] for a table without baseline and records, [`SettlementError::Overflow`].
    pub fn settle(self, table: &ContributorTable, subpools: &[SubPool<'_>]) -> Result<Settlement, SettlementError> {
        let threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        self.settle_with(table, subpools, threads)
    }

    /// As [`Policy::settle`], on at most this many threads, whose number changes nothing in the result. Each holds 64
    /// bytes a contributor and up to 8 receipts' scores, or a mebibyte of scores if that is more.
    ///
    /// # Errors
    /// As [`Policy::settle`].
    pub fn settle_with(
        self,
        table: &ContributorTable,
        subpools: &[SubPool<'_>],
        threads: NonZero<usize>,
    ) -> Result<Settlement, SettlementError> {
        settlement::settle(self, table, subpools, threads)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn known() -> String {
    Policy::ALL.iter().map(|policy| policy.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_found_by_its_name_and_its_id() {
        for policy in Policy::ALL {
            assert_eq!(Policy::from_name(policy.name()), Ok(*policy));
            assert_eq!(Policy::from_id(policy.id()), Ok(*policy));
        }
        assert_eq!(Policy::EpochSigned1.to_string(), "epoch-signed/1");
        assert_eq!(Policy::EpochSigned1.id(), keccak256(b"epoch-signed/1"));
        assert_eq!(Policy::PerInference1.to_string(), "per-inference/1");
        assert_eq!(Policy::PerInference1.id(), keccak256(b"per-inference/1"));
    }

    #[test]
    fn an_unknown_policy_is_named_beside_the_known_ones() {
        let text = Policy::from_name("epoch-signed/9").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("epoch-signed/9"), "{text}");
        assert!(Policy::ALL.iter().all(|policy| text.contains(policy.name())), "{text}");
        assert!(matches!(Policy::from_id(B256::ZERO), Err(SettlementError::UnknownPolicyId { .. })));
    }
}
