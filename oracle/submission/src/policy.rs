//! What an operator decides: how patient, how costly, how sure.

use std::time::Duration;

use alloy::primitives::U256;

use crate::fees::LEAST_BUMP_PERCENT;

const GWEI: u128 = 1_000_000_000;

/// From when on a block will not go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// When the chain says so: the block is not above the one tagged `finalized`.
    Tag,
    /// When this many blocks follow it; for chains without the tag.
    Depth(u64),
}

/// How a signer's transactions are submitted.
#[derive(Clone, Debug)]
pub struct Policy {
    /// From when on a block will not go away.
    pub finality: Finality,
    /// Most seconds for one call of one node.
    pub call_timeout: Duration,
    /// How often a read is tried, over all nodes in turn.
    pub read_tries: u32,
    /// The wait before the second try; it doubles, and is shortened by up to half at random.
    pub backoff: Duration,
    /// The pause between two looks at the chain while waiting.
    pub poll: Duration,
    /// How long a transaction may wait for its block before it is replaced by one that offers more.
    pub replace_after: Duration,
    /// By how many percent a replacement offers more, at least 10.
    pub bump_percent: u32,
    /// Most wei per gas that is ever offered.
    pub max_fee_per_gas: u128,
    /// Most wei of fees that one intent may cost.
    pub max_cost: u128,
    /// Least tip, in wei per gas.
    pub least_tip: u128,
    /// Most transactions that wait for their block at one time.
    pub in_flight: usize,
    /// How many nodes must agree on what is final; 0 for two, or one where there is only one.
    pub quorum: usize,
    /// Wei that the signer keeps: a transaction that could touch it is not signed.
    pub reserve: U256,
    /// Fewer transactions than this left at present fees is an alarm.
    pub runway_alarm: u64,
    /// Most missing nonces that are filled; more are for an operator to look at.
    pub max_gap: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            finality: Finality::Tag,
            call_timeout: Duration::from_secs(10),
            read_tries: 4,
            backoff: Duration::from_millis(250),
            poll: Duration::from_secs(4),
            replace_after: Duration::from_secs(90),
            bump_percent: 12,
            max_fee_per_gas: 200 * GWEI,
            max_cost: 100_000_000 * GWEI,
            least_tip: GWEI / 100,
            in_flight: 1,
            quorum: 0,
            reserve: U256::ZERO,
            runway_alarm: 10,
            max_gap: 8,
        }
    }
}

impl Policy {
    /// The same with values that would make it useless or unsafe brought into range.
    pub(crate) fn in_range(mut self) -> Self {
        self.read_tries = self.read_tries.max(1);
        self.bump_percent = self.bump_percent.max(LEAST_BUMP_PERCENT);
        self.in_flight = self.in_flight.max(1);
        // The file keeps fees as JSON numbers.
        self.max_fee_per_gas = self.max_fee_per_gas.min(u128::from(u64::MAX));
        self
    }

    /// How many of `endpoints` must agree.
    pub(crate) fn quorum_of(&self, endpoints: usize) -> usize {
        let asked = if self.quorum == 0 { 2 } else { self.quorum };
        asked.min(endpoints).max(1)
    }
}
