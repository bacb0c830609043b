//! Contributor rows as integers: one scale shared by the whole table, so that scores of different contributors compare.

use ndarray::Array2;

use eyre::{Result, ensure};

/// The largest magnitude in a quantised table: rows use 20 bits. Below 20 bits contributor-level accuracy falls, above
/// nothing is gained.
pub(super) const LARGEST: i32 = (1 << 19) - 1;

/// Integer rows and what one unit of them is worth.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct QuantisedRows {
    /// Per contributor, `[k]`, each within ±[`LARGEST`].
    pub(super) values: Vec<Vec<i32>>,
    /// `row ≈ value · unit`.
    pub(super) unit: f64,
}

/// Scales `[contributors, k]` so that the largest magnitude becomes [`LARGEST`], and rounds half away from zero.
/// Rows of zeros only stay zeros, at a unit of 1.
pub(super) fn quantise(rows: &Array2<f64>) -> Result<QuantisedRows> {
    ensure!(rows.iter().all(|value| value.is_finite()), "a contributor row is not finite");
    let largest = rows.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    let (largest, unit) = if largest == 0.0 { (1.0, 1.0) } else { (largest, largest / f64::from(LARGEST)) };
    // Dividing first keeps subnormal tables from dividing by zero.
    let integer = |value: &f64| (value / largest * f64::from(LARGEST)).round() as i32;
    let values = rows.outer_iter().map(|row| row.iter().map(integer).collect()).collect();
    Ok(QuantisedRows { values, unit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounding_moves_no_value_by_more_than_half_a_unit(
            values in prop::collection::vec(-1e3f64..1e3, 12), exponent in -40i32..40,
        ) {
            let rows = Array2::from_shape_vec((4, 3), values).unwrap() * 10f64.powi(exponent);
            let quantised = quantise(&rows).unwrap();
            for (row, integers) in rows.outer_iter().zip(&quantised.values) {
                for (value, integer) in row.iter().zip(integers) {
                    prop_assert!(integer.abs() <= LARGEST);
                    let moved = (value - f64::from(*integer) * quantised.unit).abs();
                    prop_assert!(moved <= 0.5 * quantised.unit * (1.0 + 1e-9));
                }
            }
        }
    }

    #[test]
    fn zeros_stay_zeros_and_nan_is_refused() {
        let zeros = quantise(&Array2::zeros((2, 2))).unwrap();
        assert_eq!(zeros, QuantisedRows { values: vec![vec![0; 2]; 2], unit: 1.0 });
        assert!(quantise(&Array2::from_elem((1, 1), f64::NAN)).is_err());
    }
}
