//! Tables and receipts of any size, always the same ones.

use eyre::Result;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_sdk::{
    Address, U256,
    sketch::Sketch,
    table::{ContributorRow, ContributorTable},
};
use tributary_settlement::{SubPool, SubPoolId, Usage};

/// Rows of 24-bit values with a little in common, so that most contributors help on the whole; a tenth fails the gate.
pub(super) fn table(contributors: usize, width: usize) -> Result<ContributorTable> {
    let mut random = ChaCha8Rng::seed_from_u64(contributors as u64);
    let row = |index: usize| ContributorRow {
        account: Address::left_padding_from(&(index as u64 + 1).to_be_bytes()),
        records: 100,
        passes_gate: index % 10 != 9,
        baseline: 1,
        values: (0..width).map(|_| random.random_range(-(1 << 23)..1 << 23) + (1 << 20)).collect(),
    };
    Ok(ContributorTable::new(width, (0..contributors).map(row).collect())?)
}

/// Sketches of the full 16-bit range that lean to where the rows do.
pub(super) fn sketches(count: usize, width: usize) -> Vec<Sketch> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut value = || random.random_range(-(1_i16 << 14)..1 << 14) + (1 << 11);
    (0..count).map(|_| Sketch::new((0..width).map(|_| value()).collect())).collect()
}

/// The receipts, one unit each, in order among so many licenses that share the pool.
pub(super) fn licenses(sketches: &[Sketch], count: usize, pool: u128) -> Vec<SubPool<'_>> {
    let each = sketches.len().div_ceil(count.max(1)).max(1);
    sketches
        .chunks(each)
        .enumerate()
        .map(|(index, sketches)| SubPool {
            id: SubPoolId::License(U256::from(index + 1)),
            amount: pool / count.max(1) as u128,
            receipts: sketches.iter().map(|sketch| Usage { units: 1, sketch }).collect(),
        })
        .collect()
}
