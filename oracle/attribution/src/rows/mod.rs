//! What stands for a contributor, and for a record, beside a sketch.
//!
//! | rows | what they are |
//! |---|---|
//! | first order | a record's effect `−∇loss / N` in the basis; a contributor's is the sum over their records |
//! | [`RecordRows`] | the same as 8-bit mantissas with an exponent; the contributor's row is their exact integer sum |
//! | [`newton_effect`] | leaving a contributor out with their own curvature taken away too |
//! | [`distil`] | rows fitted to scores that were averaged over models of half the contributors |

mod distilled;
mod newton;
mod records;

use ndarray::{Array2, ArrayView2};

use crate::AttributionError;

pub use distilled::{Distilled, Ridge, distil};
pub use newton::{NewtonEffect, Step, newton_effect};
pub use records::{IntegerRows, LARGEST_SHIFT, RecordRows};

/// First-order contributor rows: records' rows `[n, k]` summed by owner, `[contributors, k]`.
///
/// # Errors
/// [`AttributionError::Shape`].
pub fn first_order(
    rows: ArrayView2<'_, f64>,
    owners: &[usize],
    contributors: usize,
) -> Result<Array2<f64>, AttributionError> {
    check_owners(rows.nrows(), owners, contributors)?;
    let mut sums = Array2::zeros((contributors, rows.ncols()));
    for (row, owner) in rows.outer_iter().zip(owners) {
        let mut sum = sums.row_mut(*owner);
        sum += &row;
    }
    Ok(sums)
}

/// That each record has an owner and each owner a place.
fn check_owners(records: usize, owners: &[usize], contributors: usize) -> Result<(), AttributionError> {
    if owners.len() != records {
        return Err(AttributionError::OwnerCount { records, owners: owners.len() });
    }
    match owners.iter().find(|owner| **owner >= contributors) {
        None => Ok(()),
        Some(owner) => {
            let (expected, found) = (contributors, *owner + 1);
            Err(AttributionError::Shape { what: "contributors among the owners", expected, found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_contributors_row_is_the_sum_of_their_records() {
        let rows = array![[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]];
        let sums = first_order(rows.view(), &[2, 0, 2], 3).unwrap();
        assert_eq!(sums, array![[10.0, 20.0], [0.0, 0.0], [101.0, 202.0]]);
        assert!(matches!(first_order(rows.view(), &[2, 0], 3), Err(AttributionError::OwnerCount { .. })));
        assert!(matches!(first_order(rows.view(), &[2, 0, 3], 3), Err(AttributionError::Shape { .. })));
    }
}
