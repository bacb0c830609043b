//! Record rows as integers.
//!
//! Record `i` is `mantissas_i · 2^shift_i` units, with mantissas of 8 bits and one unit `2^e` for the whole release. A
//! contributor's row is the integer sum of their records' rows: exact, in any order, in 32 bits.

use ndarray::ArrayView2;
use pulp::Arch;

use super::check_owners;
use crate::AttributionError;

/// The most a record's mantissas are shifted: a value then still fits 32 bits.
pub const LARGEST_SHIFT: u8 = 24;

/// The largest mantissa: 7 bits and a sign, without the lone −128.
const LARGEST_MANTISSA: f64 = 127.0;

/// Powers of two that are told apart. Gradients come nowhere near the ends.
const EXPONENTS: std::ops::RangeInclusive<i32> = -900..=900;

/// Rows of records, `[n, k]`, as 8-bit mantissas and a shift a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRows {
    width: usize,
    exponent: i32,
    shifts: Vec<u8>,
    mantissas: Vec<i8>,
}

/// Record rows and their exact sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerRows {
    /// Rows of records.
    pub records: RecordRows,
    /// Rows of contributors, `[contributors]` of `[k]`, in the same unit.
    pub contributors: Vec<Vec<i32>>,
}

impl RecordRows {
    /// Takes rows as they are: `mantissas` `[n · k]`, `shifts` `[n]`, unit `2^exponent`.
    ///
    /// # Errors
    /// [`AttributionError::Shape`].
    pub fn new(width: usize, exponent: i32, shifts: Vec<u8>, mantissas: Vec<i8>) -> Result<Self, AttributionError> {
        let expected = shifts.len().saturating_mul(width);
        let found = mantissas.len();
        if width == 0 || expected != found {
            return Err(AttributionError::Shape { what: "mantissas of the record rows", expected, found });
        }
        if let Some(shift) = shifts.iter().find(|shift| **shift > LARGEST_SHIFT) {
            let (expected, found) = (usize::from(LARGEST_SHIFT), usize::from(*shift));
            return Err(AttributionError::Shape { what: "largest shift of a record row", expected, found });
        }
        if !EXPONENTS.contains(&exponent) {
            return Err(AttributionError::NotFinite("the unit of the record rows"));
        }
        Ok(Self { width, exponent, shifts, mantissas })
    }

    /// Rounds rows `[n, k]` half away from zero, each to 8 bits of its own largest value, in the smallest unit in which
    /// the sums of all `contributors` stay within ±`largest` (32 bits: `i32::MAX`). The same rows give the same integers
    /// on every machine.
    ///
    /// # Errors
    /// [`AttributionError::NoRecords`], [`AttributionError::OwnerCount`], [`AttributionError::Shape`],
    /// [`AttributionError::NotFinite`].
    pub fn quantise<T: Copy + Into<f64>>(
        rows: ArrayView2<'_, T>,
        owners: &[usize],
        contributors: usize,
        largest: i32,
    ) -> Result<IntegerRows, AttributionError> {
        if rows.is_empty() {
            return Err(AttributionError::NoRecords("training"));
        }
        check_owners(rows.nrows(), owners, contributors)?;
        let magnitudes: Vec<f64> = rows
            .outer_iter()
            .map(|row| row.iter().fold(0f64, |most, value| worse(most, (*value).into().abs())))
            .collect();
        if magnitudes.iter().any(|magnitude| *magnitude >= power(*EXPONENTS.end()) || magnitude.is_nan()) {
            return Err(AttributionError::NotFinite("a record row"));
        }
        let exponents: Vec<i32> = magnitudes.iter().map(|magnitude| exponent(*magnitude)).collect();
        let occupied = || exponents.iter().zip(&magnitudes).filter(|(_, magnitude)| **magnitude > 0.0);
        let highest = occupied().map(|(exponent, _)| *exponent).max().unwrap_or(0);
        let lowest = occupied().map(|(exponent, _)| *exponent).min().unwrap_or(0);
        let mut unit = lowest.max(highest - i32::from(LARGEST_SHIFT));
        loop {
            let records = Self::in_unit(rows, &exponents, unit);
            let sums = records.wide_sums(owners, contributors);
            let most = sums.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
            let room = u64::from(largest.unsigned_abs().max(1));
            if most <= room {
                let contributors = narrow(&sums, records.width)?;
                return Ok(IntegerRows { records, contributors });
            }
            // Rounding moves little, so this many doublings are missing, or one more.
            unit += (most / room).ilog2().max(1) as i32;
        }
    }

    fn in_unit<T: Copy + Into<f64>>(rows: ArrayView2<'_, T>, exponents: &[i32], unit: i32) -> Self {
        let mut mantissas = vec![0; rows.len()];
        let places = mantissas.chunks_exact_mut(rows.ncols());
        // Rounding is one instruction on newer processors and a call on older ones; the result is the same.
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((row, exponent), places) in rows.outer_iter().zip(exponents).zip(places) {
                    let scale = power(-(*exponent).max(unit));
                    let rounded = |value: &T| ((*value).into() * scale).round() as i8;
                    match row.as_slice() {
                        Some(row) => places.iter_mut().zip(row).for_each(|(place, value)| *place = rounded(value)),
                        None => places.iter_mut().zip(row).for_each(|(place, value)| *place = rounded(value)),
                    }
                }
            },
        );
        let shifts = exponents.iter().map(|exponent| ((*exponent).max(unit) - unit) as u8).collect();
        Self { width: rows.ncols(), exponent: unit, shifts, mantissas }
    }

    /// Exact sums by owner, `[contributors · k]`. A value has 31 bits, so 2³² records fit.
    fn wide_sums(&self, owners: &[usize], contributors: usize) -> Vec<i64> {
        let mut sums = vec![0i64; contributors * self.width];
        for ((row, shift), owner) in self.mantissas.chunks_exact(self.width).zip(&self.shifts).zip(owners) {
            let sum = sums.iter_mut().skip(owner * self.width);
            sum.zip(row).for_each(|(sum, mantissa)| *sum += i64::from(*mantissa) << shift);
        }
        sums
    }

    /// The rows of contributors: exact sums of their records' rows, `[contributors]` of `[k]`.
    ///
    /// # Errors
    /// [`AttributionError::OwnerCount`], [`AttributionError::Shape`], [`AttributionError::RowOverflow`].
    pub fn sums(&self, owners: &[usize], contributors: usize) -> Result<Vec<Vec<i32>>, AttributionError> {
        check_owners(self.len(), owners, contributors)?;
        narrow(&self.wide_sums(owners, contributors), self.width)
    }

    /// Numbers a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Records.
    pub fn len(&self) -> usize {
        self.shifts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shifts.is_empty()
    }

    /// The unit is 2 to this.
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// What one unit is worth: `row ≈ mantissa · 2^shift · unit`.
    pub fn unit(&self) -> f64 {
        power(self.exponent)
    }

    /// Shifts, `[n]`.
    pub fn shifts(&self) -> &[u8] {
        &self.shifts
    }

    /// Mantissas, `[n · k]`, row by row.
    pub fn mantissas(&self) -> &[i8] {
        &self.mantissas
    }
}

fn narrow(sums: &[i64], width: usize) -> Result<Vec<Vec<i32>>, AttributionError> {
    let row = |row: &[i64]| row.iter().map(|sum| i32::try_from(*sum)).collect::<Result<_, _>>();
    let rows: Result<_, _> = sums.chunks_exact(width).map(row).collect();
    rows.map_err(|_| AttributionError::RowOverflow)
}

/// The larger, or NaN if there is one.
fn worse(most: f64, value: f64) -> f64 {
    if value.is_nan() || value > most { value } else { most }
}

/// The least `e` with `magnitude / 2^e` rounding to at most 127, from the number's own bits: no logarithm, which might
/// differ from machine to machine.
fn exponent(magnitude: f64) -> i32 {
    let leading = ((magnitude.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let exponent = (leading - 6).max(*EXPONENTS.start());
    if (magnitude * power(-exponent)).round() > LARGEST_MANTISSA { exponent + 1 } else { exponent }
}

/// 2 to a power within the normal range, exactly.
fn power(exponent: i32) -> f64 {
    f64::from_bits(((i64::from(exponent) + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    fn rows(values: &[f64], exponents: &[i32], width: usize) -> Array2<f64> {
        Array2::from_shape_fn((exponents.len(), width), |(i, j)| {
            values[(i * width + j) % values.len()] * 2f64.powi(exponents[i])
        })
    }

    proptest! {
        #[test]
        fn contributor_rows_are_the_exact_sum_of_record_rows(
            values in prop::collection::vec(-1.0f64..1.0, 1..40),
            exponents in prop::collection::vec(-60i32..60, 1..30),
            owners in prop::collection::vec(0usize..4, 30),
            bits in 8u32..31,
        ) {
            let rows = rows(&values, &exponents, 3);
            let owners = &owners[..exponents.len()];
            let largest = i32::MAX >> (31 - bits);
            let IntegerRows { records, contributors } = RecordRows::quantise(rows.view(), owners, 4, largest).unwrap();
            let mut sums = vec![vec![0i128; 3]; 4];
            for (place, owner) in owners.iter().enumerate() {
                for j in 0..3 {
                    let value = i128::from(records.mantissas()[place * 3 + j]) << records.shifts()[place];
                    sums[*owner][j] += value;
                    // Half of the record's own step, or half a unit where the unit is coarser.
                    let moved = (rows[[place, j]] - value as f64 * records.unit()).abs();
                    prop_assert!(moved <= 0.5 * records.unit() * f64::from(1u32 << records.shifts()[place]));
                }
            }
            for (sum, row) in sums.iter().flatten().zip(contributors.iter().flatten()) {
                prop_assert_eq!(*sum, i128::from(*row));
                prop_assert!(row.abs() <= largest);
            }
            prop_assert_eq!(records.sums(owners, 4).unwrap(), contributors);
        }

        #[test]
        fn a_record_uses_its_eight_bits(values in prop::collection::vec(-1.0f64..1.0, 8), exponent in -800i32..800) {
            prop_assume!(values.iter().any(|value| value.abs() > 0.1));
            let rows = rows(&values, &[exponent], 8);
            let records = RecordRows::quantise(rows.view(), &[0], 1, i32::MAX).unwrap().records;
            let most = records.mantissas().iter().map(|mantissa| mantissa.unsigned_abs()).max().unwrap();
            prop_assert!((64..=127).contains(&most));
            prop_assert_eq!(records.shifts(), [0]);
        }
    }

    #[test]
    fn a_unit_larger_than_some_records_is_found_when_sums_would_overflow() {
        let many = Array2::from_shape_fn((40_000, 1), |(i, _)| if i == 0 { 1e-6f32 } else { 1.0 });
        let owners = vec![0; 40_000];
        let rows = RecordRows::quantise(many.view(), &owners, 1, 0xFFFF).unwrap();
        // 40,000 ones in 16 bits: the unit is a whole.
        assert_eq!((rows.contributors[0][0], rows.records.exponent()), (39_999, 0));
        let wide = RecordRows::quantise(many.view(), &owners, 1, i32::MAX).unwrap();
        assert!(wide.contributors[0][0] > i32::MAX / 4 && wide.records.exponent() < -14);
    }

    #[test]
    fn zeros_extremes_and_refusals() {
        let zeros = RecordRows::quantise(Array2::<f64>::zeros((2, 2)).view(), &[0, 0], 1, i32::MAX).unwrap();
        assert_eq!((zeros.contributors, zeros.records.unit()), (vec![vec![0, 0]], 1.0));
        let tiny = Array2::from_elem((1, 1), f64::MIN_POSITIVE / 4.0);
        assert_eq!(RecordRows::quantise(tiny.view(), &[0], 1, i32::MAX).unwrap().contributors, [[0]]);
        for broken in [f64::NAN, f64::INFINITY, f64::MAX] {
            let rows = Array2::from_shape_fn((1, 3), |(_, j)| if j == 1 { broken } else { 1.0 });
            let refused = RecordRows::quantise(rows.view(), &[0], 1, i32::MAX);
            assert!(matches!(refused, Err(AttributionError::NotFinite(_))));
        }
        assert!(RecordRows::quantise(Array2::<f64>::zeros((0, 2)).view(), &[], 1, 1).is_err());
        assert!(RecordRows::new(2, 0, vec![0], vec![1]).is_err());
        assert!(RecordRows::new(0, 0, vec![0], vec![]).is_err());
        assert!(RecordRows::new(1, 0, vec![LARGEST_SHIFT + 1], vec![1]).is_err());
        assert!(RecordRows::new(1, 901, vec![0], vec![1]).is_err());
        let full = RecordRows::new(1, 0, vec![LARGEST_SHIFT; 2], vec![127, 127]).unwrap();
        assert!(matches!(full.sums(&[0, 0], 1), Err(AttributionError::RowOverflow)));
        assert_eq!(full.sums(&[0, 1], 2).unwrap(), [[127 << 24], [127 << 24]]);
    }
}
