//! The dot products behind every score: 32-bit row values times 16-bit sketch values, exact in 64 bits.
//!
//! No product and no sum can overflow: a row has at most 65,535 values, so |score| ≤ 65,535 · 2³¹ · 2¹⁵ < 2⁶². Additions
//! are therefore exact in any order, and blocks, vectors and threads change nothing in a result. The arithmetic below is
//! written as wrapping only because overflow checks keep a loop from being vectorised.

use std::{num::NonZero, thread};

use pulp::Arch;

use super::ContributorRow;
use crate::sketch::Sketch;

/// Sketch values a pass keeps beside one row: 16 KiB, so that both stay in the first-level cache.
const PASS_VALUES: usize = 8 * 1024;

/// Rows under which a thread costs more than it saves.
const LEAST_ROWS: usize = 512;

/// Fills `scores`, `[rows, sketches]`, with the dot products of all rows with all sketches, all of one width.
pub(super) fn fill(rows: &[ContributorRow], sketches: &[&Sketch], scores: &mut [i64]) {
    let stride = sketches.len().max(1);
    let width = sketches.first().map_or(1, |sketch| sketch.values().len().max(1));
    let pass = PASS_VALUES.checked_div(width).unwrap_or(1).max(1);
    let arch = Arch::new();
    for (index, block) in sketches.chunks(pass).enumerate() {
        let first = index.saturating_mul(pass);
        arch.dispatch(
            #[inline(always)]
            || {
                for (row, scores) in rows.iter().zip(scores.chunks_exact_mut(stride)) {
                    for (score, sketch) in scores.iter_mut().skip(first).zip(block) {
                        *score = dot(&row.values, sketch.values());
                    }
                }
            },
        );
    }
}

/// As [`fill`], every thread on its own run of rows.
pub(super) fn fill_with(rows: &[ContributorRow], sketches: &[&Sketch], scores: &mut [i64], threads: NonZero<usize>) {
    let run = rows.len().div_ceil(threads.get()).max(LEAST_ROWS);
    if sketches.is_empty() || run >= rows.len() {
        return fill(rows, sketches, scores);
    }
    thread::scope(|scope| {
        for (rows, scores) in rows.chunks(run).zip(scores.chunks_mut(run.saturating_mul(sketches.len()))) {
            scope.spawn(move || fill(rows, sketches, scores));
        }
    });
}

/// Inlined into each instruction set's own copy of the loop: the compiler turns it into that set's widening products.
#[inline(always)]
fn dot(row: &[i32], sketch: &[i16]) -> i64 {
    let products = row.iter().zip(sketch).map(|(value, q)| i64::from(*value).wrapping_mul(i64::from(*q)));
    products.fold(0, i64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Address, table::ContributorTable};

    fn table(rows: Vec<Vec<i32>>) -> ContributorTable {
        let rows = (1_u64..).zip(rows).map(|(id, values)| ContributorRow {
            account: Address::left_padding_from(&id.to_be_bytes()),
            records: 1,
            passes_gate: true,
            baseline: 1,
            values,
        });
        let rows: Vec<ContributorRow> = rows.collect();
        ContributorTable::new(rows[0].values.len(), rows).unwrap()
    }

    /// One after another in 128 bits with every step checked.
    fn exact(table: &ContributorTable, sketches: &[&Sketch]) -> Vec<i128> {
        let score = |row: &ContributorRow, sketch: &Sketch| {
            let products = row.values.iter().zip(sketch.values()).map(|(v, q)| i128::from(*v) * i128::from(*q));
            products.fold(0_i128, |sum, product| sum.checked_add(product).unwrap())
        };
        table.rows().iter().flat_map(|row| sketches.iter().map(move |sketch| score(row, sketch))).collect()
    }

    #[test]
    fn the_widest_and_largest_rows_do_not_overflow() {
        let k = usize::from(u16::MAX);
        let table = table(vec![vec![i32::MIN; k], vec![i32::MAX; k]]);
        let sketches = [Sketch::new(vec![i16::MIN; k]), Sketch::new(vec![i16::MAX; k])];
        let sketches: Vec<&Sketch> = sketches.iter().collect();
        let mut scores = Vec::new();
        table.scores_into(&sketches, &mut scores).unwrap();
        assert_eq!(scores.iter().map(|score| i128::from(*score)).collect::<Vec<_>>(), exact(&table, &sketches));
        assert_eq!(scores[0], 65_535 << 46);
        assert!(scores[0] < 1 << 62);
    }

    #[test]
    fn no_sketches_have_no_scores() {
        let table = table(vec![vec![1]; 2000]);
        assert_eq!(table.scores_with(&[], NonZero::new(3).unwrap()), Ok(vec![]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_instruction_set_gives_the_same_scores(
            row in prop::collection::vec(any::<i32>(), 1..200),
            seed in prop::collection::vec(any::<i16>(), 200),
        ) {
            let sketch = &seed[..row.len()];
            let expected = dot(&row, sketch);
            prop_assert_eq!(Arch::Scalar.dispatch(|| dot(&row, sketch)), expected);
            prop_assert_eq!(Arch::new().dispatch(|| dot(&row, sketch)), expected);
        }

        #[test]
        fn blocks_and_threads_change_nothing(
            (rows, sketches) in (1..70_usize).prop_flat_map(|k| (
                prop::collection::vec(prop::collection::vec(any::<i32>(), k), 1..40),
                prop::collection::vec(prop::collection::vec(any::<i16>(), k).prop_map(Sketch::new), 1..12),
            )),
            copies in 1..60_usize,
            threads in 1..9_usize,
        ) {
            let rows = rows.iter().cycle().take(rows.len() * copies).cloned().collect();
            let table = table(rows);
            let sketches: Vec<&Sketch> = sketches.iter().collect();
            let mut scores = vec![7; 3];
            table.scores_into(&sketches, &mut scores).unwrap();
            prop_assert_eq!(scores.iter().map(|score| i128::from(*score)).collect::<Vec<_>>(), exact(&table, &sketches));
            prop_assert_eq!(&table.scores_with(&sketches, NonZero::new(threads).unwrap()).unwrap(), &scores);
            for (index, sketch) in sketches.iter().enumerate() {
                let alone = table.scores(sketch).unwrap();
                let column: Vec<i64> = scores.iter().skip(index).step_by(sketches.len()).copied().collect();
                prop_assert_eq!(alone, column);
            }
        }

        #[test]
        fn more_sketches_than_one_pass_holds(count in 1..20_usize) {
            let k = 3000;
            let table = table((0..3).map(|row| (0..k).map(|i| (i * 7919 + row * 104_729) - 5_000_000).collect()).collect());
            let sketch = |seed: usize| Sketch::new((0..k as usize).map(|i| (i * 31 + seed * 977) as i16).collect());
            let sketches: Vec<Sketch> = (0..count).map(sketch).collect();
            let sketches: Vec<&Sketch> = sketches.iter().collect();
            let mut scores = Vec::new();
            table.scores_into(&sketches, &mut scores).unwrap();
            prop_assert_eq!(scores.iter().map(|score| i128::from(*score)).collect::<Vec<_>>(), exact(&table, &sketches));
        }
    }
}
