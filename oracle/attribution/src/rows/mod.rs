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

use crate::AttributionError;

pub use distilled::{Distilled, Ridge, distil};
pub use newton::{NewtonEffect, Step, newton_effect};
pub use records::{IntegerRows, LARGEST_SHIFT, RecordRows};

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
