//! The policies as one would write them down: a receipt after another, a contributor after another, long division.

use eyre::{Context, ContextCompat, Result};
use tributary_sdk::{
    Address, U256,
    sketch::Sketch,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{Policy, SubPool, divide};

/// `[contributors]`.
pub(super) fn scores(table: &ContributorTable, sketch: &Sketch) -> Vec<i64> {
    let dot = |row: &ContributorRow| {
        let products = row.values.iter().zip(sketch.values());
        products.fold(0_i64, |sum, (value, q)| sum.wrapping_add(i64::from(*value).wrapping_mul(i64::from(*q))))
    };
    table.rows().iter().map(dot).collect()
}

/// One sub-pool's payouts, which must not fall back to the baseline.
pub(super) fn settle(policy: Policy, table: &ContributorTable, pool: &SubPool<'_>) -> Result<Vec<(Address, u128)>> {
    let rows = table.rows();
    let mut totals = vec![(U256::ZERO, U256::ZERO); rows.len()];
    for usage in &pool.receipts {
        let mut scores = scores(table, usage.sketch);
        if policy == Policy::PerInference1 {
            let judged = rows.iter().zip(&mut scores);
            judged.for_each(|(row, score)| *score = if row.passes_gate { (*score).max(0) } else { 0 });
        }
        let divisor: u128 = scores.iter().filter(|score| **score > 0).map(|score| *score as u128).sum();
        if divisor == 0 {
            continue;
        }
        for ((gained, lost), score) in totals.iter_mut().zip(&scores) {
            let numerator = (U256::from(usage.units) * U256::from(score.unsigned_abs())) << 64;
            *(if *score > 0 { gained } else { lost }) += numerator / U256::from(divisor);
        }
    }
    let weights = rows.iter().zip(totals).map(|(row, (gained, lost))| {
        let total = if row.passes_gate { gained.saturating_sub(lost) } else { U256::ZERO };
        u128::try_from(total).wrap_err("a plain total is wider than 128 bits")
    });
    let weights = weights.collect::<Result<Vec<u128>>>()?;
    weights.iter().copied().reduce(u128::saturating_add).filter(|sum| *sum > 0).wrap_err("no contributor helped")?;
    let amounts = divide(pool.amount, &weights)?;
    Ok(rows.iter().map(|row| row.account).zip(amounts).filter(|(_, amount)| *amount > 0).collect())
}
