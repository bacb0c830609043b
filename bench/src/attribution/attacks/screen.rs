//! Screening as a defence: of records that are too much alike the one committed to first stays, whoever offers the others.

use super::community::Entry;
use tributary_attribution::LabelledRecords;

/// Records nearer than this, in Euclidean distance over grey levels 0 to 16, are one. The nearest two of the 1,797 digits
/// are 5.3 apart.
pub(super) const RADIUS: f64 = 5.0;

/// What counts as the same record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screening {
    None,
    /// Equal features.
    Exact,
    /// Features within [`RADIUS`].
    Near,
}

/// The entries that stay, as places. Records held out come before everybody's.
pub(super) fn screen(entries: &[Entry], held_out: &LabelledRecords, screening: Screening) -> Vec<usize> {
    let squared = match screening {
        Screening::None => return (0..entries.len()).collect(),
        Screening::Exact => 0.0,
        Screening::Near => RADIUS * RADIUS,
    };
    let held_out: Vec<Vec<f64>> = held_out.features().outer_iter().map(|features| features.to_vec()).collect();
    let mut kept: Vec<usize> = Vec::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        let known = |features: &[f64]| within(features, &entry.features, squared);
        let before = kept.iter().map(|kept| entries[*kept].features.as_slice());
        if !before.chain(held_out.iter().map(Vec::as_slice)).any(known) {
            kept.push(place);
        }
    }
    kept
}

/// Whether two records' squared distance is at most this. Stops early.
fn within(a: &[f64], b: &[f64], squared: f64) -> bool {
    let mut total = 0.0;
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        total += a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        if total > squared {
            return false;
        }
    }
    true
}
