//! The money of one license in one epoch, or of one payment, and the receipts that divide it.

use std::{collections::BTreeSet, fmt};

use tributary_sdk::{B256, U256, sketch::Sketch, table::ContributorTable};

use crate::{SettlementError, divide};

/// Whose money a sub-pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubPoolId {
    /// What one license earned in the epoch. The license's token id.
    License(U256),
    /// One payment for one call. The payment's id.
    Payment(B256),
    /// Money that no receipt stands for: upstream income, bare transfers, forfeited bonds.
    WithoutReceipts,
}

impl fmt::Display for SubPoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::License(id) => write!(f, "license {id}"),
            Self::Payment(id) => write!(f, "payment {id}"),
            Self::WithoutReceipts => f.write_str("money without receipts"),
        }
    }
}

/// What settlement needs of one earned receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage<'s> {
    /// Units served, as the receipt counts them; the receipt's weight in its sub-pool.
    pub units: u64,
    /// The answer's sketch, `[k]` of the release's table.
    pub sketch: &'s Sketch,
}

/// Money and the receipts that divide it, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubPool<'s> {
    /// Whose money.
    pub id: SubPoolId,
    /// Base units to divide.
    pub amount: u128,
    /// All earned receipts of this license or payment in the epoch, in any order.
    pub receipts: Vec<Usage<'s>>,
}

/// Refuses a sub-pool that appears twice, receipts without a payer, and sketches of another release.
pub(crate) fn check(table: &ContributorTable, subpools: &[SubPool<'_>]) -> Result<(), SettlementError> {
    let mut seen = BTreeSet::new();
    for subpool in subpools {
        if !seen.insert(subpool.id) {
            return Err(SettlementError::DuplicateSubPool(subpool.id));
        }
        if subpool.id == SubPoolId::WithoutReceipts && !subpool.receipts.is_empty() {
            return Err(SettlementError::UnexpectedReceipts { receipts: subpool.receipts.len() });
        }
        for (receipt, usage) in subpool.receipts.iter().enumerate() {
            table.check(usage.sketch).map_err(|source| SettlementError::Sketch {
                subpool: subpool.id,
                receipt,
                source,
            })?;
        }
    }
    Ok(())
}

/// Divides what the vault credited to the pool among sub-pools, pro rata to what each earned in the epoch.
///
/// The vault credits one number per token; who earned it is known from the market's and the vault's events, in base
/// units. Largest remainder, ties to the earlier entry: pass `earned` ascending by id so that everyone divides alike.
///
/// # Errors
/// [`SettlementError::DuplicateSubPool`]; [`SettlementError::NoWeights`] if money was credited and nothing earned;
/// [`SettlementError::Overflow`].
pub fn divide_credit(credited: u128, earned: &[(SubPoolId, u128)]) -> Result<Vec<(SubPoolId, u128)>, SettlementError> {
    let mut seen = BTreeSet::new();
    for (id, _) in earned {
        if !seen.insert(*id) {
            return Err(SettlementError::DuplicateSubPool(*id));
        }
    }
    let weights: Vec<u128> = earned.iter().map(|(_, amount)| *amount).collect();
    let amounts = divide(credited, &weights)?;
    Ok(earned.iter().map(|(id, _)| *id).zip(amounts).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: SubPoolId = SubPoolId::License(U256::ZERO);
    const SECOND: SubPoolId = SubPoolId::Payment(B256::ZERO);

    #[test]
    fn credit_is_divided_by_what_each_earned() {
        let earned = [(FIRST, 200), (SECOND, 100), (SubPoolId::WithoutReceipts, 0)];
        assert_eq!(divide_credit(100, &earned), Ok(vec![(FIRST, 67), (SECOND, 33), (SubPoolId::WithoutReceipts, 0)]));
    }

    #[test]
    fn one_payer_twice_and_credit_that_nobody_earned_are_errors() {
        assert_eq!(divide_credit(9, &[(FIRST, 1), (FIRST, 2)]), Err(SettlementError::DuplicateSubPool(FIRST)));
        assert_eq!(divide_credit(9, &[(FIRST, 0)]), Err(SettlementError::NoWeights { amount: 9 }));
    }
}
