//! What a transaction offers per gas (EIP-1559), and what its replacement must offer.

use serde::{Deserialize, Serialize};

/// Nodes replace a waiting transaction only by one that offers at least this much more on both figures.
pub(crate) const LEAST_BUMP_PERCENT: u32 = 10;

/// Both figures of EIP-1559, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// Most that is paid in all (`maxFeePerGas`).
    pub cap: u128,
    /// Most of it that the block's proposer gets (`maxPriorityFeePerGas`).
    pub tip: u128,
}

impl Fees {
    /// A first offer: room for the base fee to double, within the ceiling.
    pub(crate) fn offer(base: u128, tip: u128, ceiling: u128) -> Self {
        let cap = base.saturating_mul(2).saturating_add(tip).min(ceiling);
        Self { cap, tip: tip.min(cap) }
    }

    /// The offer that replaces this one: `percent` and a wei more on both figures, or the fresh offer where that is
    /// more. None if the ceiling has no room for what nodes ask of a replacement.
    pub(crate) fn replacement(self, fresh: Self, percent: u32, ceiling: u128) -> Option<Self> {
        let least = Self { cap: raised(self.cap, LEAST_BUMP_PERCENT), tip: raised(self.tip, LEAST_BUMP_PERCENT) };
        if least.cap > ceiling {
            return None;
        }
        let percent = percent.max(LEAST_BUMP_PERCENT);
        let cap = raised(self.cap, percent).max(fresh.cap).min(ceiling);
        let tip = raised(self.tip, percent).max(fresh.tip).min(cap);
        (tip >= least.tip).then_some(Self { cap, tip })
    }
}

fn raised(fee: u128, percent: u32) -> u128 {
    let more = fee.saturating_mul(u128::from(percent)).div_ceil(100);
    fee.saturating_add(more).saturating_add(1)
}

/// Most wei per gas: the policy's ceiling per gas, and what its ceiling per intent leaves for this much gas.
pub(crate) fn ceiling(max_fee_per_gas: u128, max_cost: u128, gas_limit: u64) -> u128 {
    let by_cost = max_cost.checked_div(u128::from(gas_limit)).unwrap_or(max_cost);
    max_fee_per_gas.min(by_cost)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_replacement_is_one_that_nodes_take_and_the_ceiling_allows(
            cap in 0u128..1 << 70, tip in 0u128..1 << 70, fresh in 0u128..1 << 70, percent in 0u32..200,
            ceiling in 0u128..1 << 71,
        ) {
            let old = Fees { cap, tip: tip.min(cap) };
            let fresh = Fees::offer(fresh, fresh / 2, ceiling);
            if let Some(new) = old.replacement(fresh, percent, ceiling) {
                prop_assert!(new.cap * 100 >= old.cap * 110 && new.cap > old.cap);
                prop_assert!(new.tip * 100 >= old.tip * 110 && new.tip > old.tip);
                prop_assert!(new.tip <= new.cap && new.cap <= ceiling);
            } else {
                prop_assert!(raised(old.cap, 10) > ceiling || raised(old.tip, 10) > ceiling);
            }
        }

        #[test]
        fn bumping_ends_at_the_ceiling(ceiling in 1u128..1 << 60) {
            let mut fees = Fees::offer(1, 1, ceiling);
            let mut bumps = 0;
            while let Some(next) = fees.replacement(fees, 10, ceiling) {
                fees = next;
                bumps += 1;
                prop_assert!(bumps < 1_000);
            }
            prop_assert!(raised(fees.cap, 10) > ceiling);
        }
    }

    #[test]
    fn the_ceiling_is_the_lower_of_both() {
        assert_eq!(ceiling(100, 1_000, 5), 100);
        assert_eq!(ceiling(100, 1_000, 20), 50);
        assert_eq!(ceiling(100, 1_000, 0), 100);
    }
}
