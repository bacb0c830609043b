//! Screening as a defence: of records that are too much alike the one committed to first stays, whoever offers the others.

use super::community::Entry;
use crate::attribution::labelled::LabelledRecords;

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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn entry(values: [f64; 2], identity: usize) -> Entry {
        Entry { features: values.to_vec(), label: 0, identity }
    }

    #[test]
    fn the_earliest_of_like_records_stays_and_held_out_records_come_first() {
        let held_out = LabelledRecords::new(Array2::from_elem((1, 2), 14.0), vec![0]).unwrap();
        let entries = [
            entry([0.0, 0.0], 0),
            entry([14.0, 14.0], 1),
            entry([0.0, 5.0], 2),
            entry([0.0, 0.0], 3),
            entry([6.0, 0.0], 4),
        ];
        assert_eq!(screen(&entries, &held_out, Screening::None), [0, 1, 2, 3, 4]);
        assert_eq!(screen(&entries, &held_out, Screening::Exact), [0, 2, 4]);
        assert_eq!(screen(&entries, &held_out, Screening::Near), [0, 4]);
    }
}
