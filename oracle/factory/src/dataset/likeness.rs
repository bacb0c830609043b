//! When two records count as one.

use std::collections::BTreeMap;

use super::{Record, Schema};

/// Records kept so far, found again by whatever is like them.
///
/// With a radius, features at most that far apart (Euclidean distance, on the scale of the features) are the same record,
/// whatever their labels: a copy with another label is still a copy. Without one, only equal records are the same. Distances
/// are integers, so that everybody screens alike.
#[derive(Clone, Debug)]
pub struct Likeness<T> {
    radius: u64,
    /// By the features' length, rounded down: lengths of like records differ by at most the radius.
    kept: BTreeMap<u64, Vec<(Record, T)>>,
}

impl<T: Copy> Likeness<T> {
    /// Nothing kept yet.
    pub fn new(schema: Schema) -> Self {
        Self { radius: u64::from(schema.radius), kept: BTreeMap::new() }
    }

    /// Keeps a record for `keeper`.
    pub fn keep(&mut self, record: &Record, keeper: T) {
        self.kept.entry(length(record)).or_default().push((record.clone(), keeper));
    }

    /// Who keeps a record like this one: of several, the earliest of the shortest.
    pub fn keeper(&self, record: &Record) -> Option<T> {
        let length = length(record);
        // One more on each side, because lengths were rounded.
        let near = length.saturating_sub(self.radius + 1)..=length + self.radius + 1;
        let mut candidates = self.kept.range(near).flat_map(|(_, records)| records);
        candidates.find(|(kept, _)| self.alike(kept, record)).map(|(_, keeper)| *keeper)
    }

    fn alike(&self, a: &Record, b: &Record) -> bool {
        match self.radius {
            0 => a == b,
            radius => within(&a.features, &b.features, radius * radius),
        }
    }
}

fn length(record: &Record) -> u64 {
    record.features.iter().map(|feature| u64::from(*feature).pow(2)).sum::<u64>().isqrt()
}

/// Whether the squared distance is at most this. Stops as soon as it is not.
fn within(a: &[u8], b: &[u8], squared: u64) -> bool {
    let mut total = 0;
    a.len() == b.len()
        && a.chunks(32).zip(b.chunks(32)).all(|(a, b)| {
            total += a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
            total <= squared
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(features: [u8; 3], label: u8) -> Record {
        Record { features: features.to_vec(), label }
    }

    fn schema(radius: u16) -> Schema {
        Schema { width: 3, largest: 255, classes: 2, radius }
    }

    #[test]
    fn a_copy_with_another_label_is_a_copy_where_there_is_a_radius() {
        for (radius, expected) in [(0, None), (1, Some(7))] {
            let mut known = Likeness::new(schema(radius));
            known.keep(&record([1, 2, 3], 0), 7);
            assert_eq!(known.keeper(&record([1, 2, 3], 0)), Some(7));
            assert_eq!(known.keeper(&record([1, 2, 3], 1)), expected);
        }
    }

    proptest! {
        #[test]
        fn exactly_what_is_within_the_radius_is_found(kept: [u8; 3], asked: [u8; 3], radius in 1u16..300) {
            let mut known = Likeness::new(schema(radius));
            known.keep(&record(kept, 0), ());
            let squared: u64 = kept.iter().zip(asked).map(|(a, b)| u64::from(a.abs_diff(b)).pow(2)).sum();
            let alike = squared <= u64::from(radius).pow(2);
            prop_assert_eq!(known.keeper(&record(asked, 1)).is_some(), alike);
        }
    }
}
