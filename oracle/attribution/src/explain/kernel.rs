//! Integer dot products of 8-bit rows with a 16-bit sketch.

use pulp::Arch;

/// Products added up in 32 bits: 512 · 127 · 32,768 is below 2³¹.
const BLOCK: usize = 512;

/// Calls `each` with every row's place and score, `Σ mantissa · sketch << shift`. Rows `[n · k]`, shifts `[n]` of at
/// most 24, sketch `[k]` with `k` at most 65,535: a score is below 2⁶³.
pub(super) fn scores(mantissas: &[i8], shifts: &[u8], sketch: &[i16], mut each: impl FnMut(usize, i64)) {
    if sketch.is_empty() {
        return;
    }
    let rows = mantissas.chunks_exact(sketch.len()).zip(shifts).enumerate();
    // Compiled once for each instruction set, chosen when run; integers come out the same on all of them.
    Arch::new().dispatch(
        #[inline(always)]
        || rows.for_each(|(place, (row, shift))| each(place, dot(row, sketch) << shift)),
    );
}

#[inline(always)]
fn dot(row: &[i8], sketch: &[i16]) -> i64 {
    let mut sum = 0i64;
    for (row, sketch) in row.chunks(BLOCK).zip(sketch.chunks(BLOCK)) {
        // Wrapping never happens in a block; saying so is what lets the compiler use vectors.
        let block = row.iter().zip(sketch).fold(0i32, |sum, (mantissa, value)| {
            sum.wrapping_add(i32::from(*mantissa).wrapping_mul(i32::from(*value)))
        });
        sum += i64::from(block);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_sum_of_products(
            k in 1usize..1100, shift in 0u8..=24, mantissas in prop::collection::vec(any::<i8>(), 1100),
            sketch in prop::collection::vec(any::<i16>(), 1100),
        ) {
            let mut found = Vec::new();
            scores(&mantissas[..k], &[shift], &sketch[..k], |place, score| found.push((place, score)));
            let naive: i128 = (0..k).map(|i| i128::from(mantissas[i]) * i128::from(sketch[i])).sum();
            prop_assert_eq!(found, [(0, i64::try_from(naive << shift).unwrap())]);
        }
    }

    #[test]
    fn the_largest_values_do_not_overflow() {
        let k = usize::from(u16::MAX);
        let mut found = 0;
        scores(&vec![-127; k], &[24], &vec![i16::MIN; k], |_, score| found = score);
        assert_eq!(i128::from(found), (127 * 32_768 * k as i128) << 24);
        scores(&[], &[], &[], |_, _| unreachable!());
    }
}
