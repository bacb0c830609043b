//! Small contributors share a row.
//!
//! A row of few records says too much about them. All contributors with fewer than a least number of records are
//! attributed as one, and what they earn together is split by records: each has that part of the common row, gate and
//! baseline share, which is all that the table says of them.

use std::{borrow::Cow, cmp::Reverse};

use tributary_sdk::Address;

use crate::{AttributionError, OwnedRecords, gate::GateResult};

/// Contributors as they are attributed.
#[derive(Debug)]
pub(crate) struct Pooled<'a> {
    /// The records; those of all small contributors belong to the first of these.
    pub(crate) training: Cow<'a, OwnedRecords>,
    /// Every contributor's row.
    rows: Vec<usize>,
    /// The row that is shared, if one is, and the records of those who share it, in their order.
    shared: Option<(usize, Vec<u32>)>,
}

impl<'a> Pooled<'a> {
    /// # Errors
    /// [`AttributionError::TooFewRecords`] if all small contributors together have fewer than `least` records.
    pub(crate) fn new(training: &'a OwnedRecords, least: usize) -> Result<Self, AttributionError> {
        let (accounts, counts) = (training.accounts(), training.counts());
        let small = |place: &usize| (counts[*place] as usize) < least;
        let places: Vec<usize> = (0..counts.len()).filter(small).collect();
        let Some(first) = places.first().copied() else {
            let rows = (0..counts.len()).collect();
            return Ok(Self { training: Cow::Borrowed(training), rows, shared: None });
        };
        let shared: Vec<u32> = places.iter().map(|place| counts[*place]).collect();
        let together = shared.iter().map(|count| *count as usize).sum();
        if together < least {
            return Err(AttributionError::TooFewRecords {
                account: accounts[first],
                records: together,
                minimum: least,
            });
        }
        let stands_for = |place: usize| accounts[if small(&place) { first } else { place }];
        let owners: Vec<Address> = training.owners().iter().map(|owner| stands_for(*owner)).collect();
        let pooled = OwnedRecords::new(training.records().clone(), &owners)?;
        let row = |place| pooled.accounts().binary_search(&stands_for(place)).unwrap_or_default();
        let rows: Vec<usize> = (0..counts.len()).map(row).collect();
        let shared = Some((rows[first], shared));
        Ok(Self { training: Cow::Owned(pooled), rows, shared })
    }

    /// The row's place of a contributor's place.
    pub(crate) fn row(&self, contributor: usize) -> usize {
        self.rows[contributor]
    }

    /// Every contributor's part of baseline weights, one a row.
    pub(crate) fn weights(&self, rows: &[u64]) -> Vec<u64> {
        self.spread(rows, |whole, counts| split(*whole, counts))
    }

    /// Every contributor's rows in whole numbers.
    pub(crate) fn values(&self, rows: &[Vec<i32>]) -> Vec<Vec<i32>> {
        self.spread(rows, |whole, counts| {
            let mut parts = vec![Vec::with_capacity(whole.len()); counts.len()];
            for value in whole {
                let magnitudes = split(value.unsigned_abs().into(), counts);
                for (part, magnitude) in parts.iter_mut().zip(magnitudes) {
                    // No part is larger than the whole, and rows stay within ±i32::MAX.
                    part.push(magnitude as i32 * value.signum());
                }
            }
            parts
        })
    }

    /// Every contributor's share of their row.
    pub(crate) fn shares(&self) -> Vec<f64> {
        self.spread(&vec![1.0; self.training.accounts().len()], |_, counts| {
            let all: f64 = counts.iter().copied().map(f64::from).sum();
            counts.iter().map(|count| f64::from(*count) / all).collect()
        })
    }

    /// What the gate says of every contributor: as of their row, of which they have a part.
    pub(crate) fn judged(&self, gate: &[GateResult]) -> Vec<GateResult> {
        let judged = |(row, share): (&usize, f64)| GateResult { mean: gate[*row].mean * share, z: gate[*row].z };
        self.rows.iter().zip(self.shares()).map(judged).collect()
    }

    /// Of what rows have to what contributors have; `parts` divides the shared row's by records.
    fn spread<T: Clone>(&self, rows: &[T], parts: impl FnOnce(&T, &[u32]) -> Vec<T>) -> Vec<T> {
        let (shared, parts) = match &self.shared {
            Some((row, counts)) => (Some(*row), parts(&rows[*row], counts)),
            None => (None, Vec::new()),
        };
        let mut parts = parts.into_iter();
        let own = |row: &usize| if Some(*row) == shared { parts.next() } else { rows.get(*row).cloned() };
        self.rows.iter().filter_map(own).collect()
    }
}

/// Splits a whole number by records: rounded down, and what is left to the largest remainders, the earlier of equals.
fn split(whole: u64, counts: &[u32]) -> Vec<u64> {
    let all: u128 = counts.iter().map(|count| u128::from(*count)).sum::<u128>().max(1);
    let product = |count: &u32| u128::from(whole) * u128::from(*count);
    let mut parts: Vec<u64> = counts.iter().map(|count| (product(count) / all) as u64).collect();
    let left = whole - parts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|place| (Reverse(product(&counts[*place]) % all), *place));
    order.into_iter().take(left as usize).for_each(|place| parts[place] += 1);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Labels, Records};
    use ndarray::ArrayD;
    use proptest::prelude::*;

    fn owned(counts: &[usize]) -> OwnedRecords {
        let owners: Vec<Address> = (1u8..)
            .zip(counts)
            .flat_map(|(account, count)| std::iter::repeat_n(Address::with_last_byte(account), *count))
            .collect();
        let inputs = vec![("x".to_owned(), Column::F32(ArrayD::zeros(vec![owners.len(), 1])))];
        OwnedRecords::new(Records::new(inputs, Labels::Classes(vec![0; owners.len()])).unwrap(), &owners).unwrap()
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_within_one_of_their_share(
            whole in 0u64..1 << 40, counts in prop::collection::vec(1u32..1_000_000, 1..20),
        ) {
            let parts = split(whole, &counts);
            prop_assert_eq!(parts.iter().sum::<u64>(), whole);
            let all: f64 = counts.iter().copied().map(f64::from).sum();
            for (part, count) in parts.iter().zip(&counts) {
                prop_assert!((*part as f64 - whole as f64 * f64::from(*count) / all).abs() < 1.0 + 1e-6);
            }
        }
    }

    #[test]
    fn small_ones_share_and_others_do_not() {
        let training = owned(&[12, 4, 15, 8]);
        let pooled = Pooled::new(&training, 10).unwrap();
        assert_eq!(pooled.training.counts(), [12, 12, 15]);
        assert_eq!((0..4).map(|place| pooled.row(place)).collect::<Vec<_>>(), [0, 1, 2, 1]);
        assert_eq!(pooled.weights(&[100, 31, 7]), [100, 10, 7, 21]);
        assert_eq!(pooled.values(&[vec![5, 6], vec![3, -3], vec![0, 1]]), [[5, 6], [1, -1], [0, 1], [2, -2]]);
        assert_eq!(pooled.shares(), [1.0, 1.0 / 3.0, 1.0, 2.0 / 3.0]);
    }

    #[test]
    fn too_few_together_are_refused() {
        let few = owned(&[12, 4, 5]);
        let refused = Pooled::new(&few, 10);
        assert!(matches!(refused, Err(AttributionError::TooFewRecords { records: 9, .. })), "{refused:?}");
        assert!(Pooled::new(&owned(&[12, 4, 6]), 10).is_ok());
    }
}
