//! Small contributors share a row.
//!
//! A row of few records says too much about them. All contributors with fewer than a least number of records are
//! attributed as one, and what they earn together is split by records: each has that part of the common row, gate and
//! baseline share, which is all that the table says of them.

use std::borrow::Cow;

use tributary_sdk::Address;

use crate::{AttributionError, OwnedRecords, gate::GateResult};

/// Contributors as they are attributed.
#[derive(Debug)]
pub(crate) struct Pooled<'a> {
    /// The records; those of all small contributors belong to the first of these.
    pub(crate) training: Cow<'a, OwnedRecords>,
    /// Per contributor, their row's place and the part of it that is theirs.
    parts: Vec<Part>,
    /// Per row, its contributors' records in their order.
    counts: Vec<Vec<u32>>,
}

/// One contributor's part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    row: usize,
    /// Their place among those who share it.
    place: usize,
}

impl<'a> Pooled<'a> {
    /// # Errors
    /// [`AttributionError::TooFewRecords`] if all small contributors together have fewer than `least` records.
    pub(crate) fn new(training: &'a OwnedRecords, least: usize) -> Result<Self, AttributionError> {
        let (accounts, counts) = (training.accounts(), training.counts());
        let small = |place: usize| (counts[place] as usize) < least;
        let together: usize = (0..counts.len()).filter(|place| small(*place)).map(|place| counts[place] as usize).sum();
        let first = (0..counts.len()).find(|place| small(*place));
        if let Some(place) = first.filter(|_| together < least) {
            return Err(AttributionError::TooFewRecords {
                account: accounts[place],
                records: together,
                minimum: least,
            });
        }
        let stands_for = |place: usize| if small(place) { first.unwrap_or(place) } else { place };
        let pooled = if first.is_some() {
            let owners: Vec<Address> = training.owners().iter().map(|owner| accounts[stands_for(*owner)]).collect();
            Cow::Owned(OwnedRecords::new(training.records().clone(), &owners)?)
        } else {
            Cow::Borrowed(training)
        };
        let mut of_rows: Vec<Vec<u32>> = vec![Vec::new(); pooled.accounts().len()];
        let mut parts = Vec::with_capacity(counts.len());
        for (place, count) in counts.iter().enumerate() {
            let row = pooled.accounts().binary_search(&accounts[stands_for(place)]).unwrap_or_default();
            parts.push(Part { row, place: of_rows[row].len() });
            of_rows[row].push(*count);
        }
        Ok(Self { training: pooled, parts, counts: of_rows })
    }

    /// The row's place of a contributor's place.
    pub(crate) fn row(&self, contributor: usize) -> usize {
        self.parts[contributor].row
    }

    /// Every contributor's part of whole numbers, one a row; parts of a row add up to it.
    pub(crate) fn split(&self, rows: &[i64]) -> Vec<i64> {
        let split: Vec<Vec<i64>> = rows.iter().zip(&self.counts).map(|(row, counts)| split(*row, counts)).collect();
        self.parts.iter().map(|part| split[part.row][part.place]).collect()
    }

    /// Every contributor's rows, in whole numbers; those of a row add up to it.
    pub(crate) fn split_rows(&self, rows: &[Vec<i32>]) -> Vec<Vec<i32>> {
        let width = rows.first().map_or(0, Vec::len);
        let mut own = vec![Vec::with_capacity(width); self.parts.len()];
        for column in 0..width {
            let whole: Vec<i64> = rows.iter().map(|row| i64::from(row[column])).collect();
            for (own, value) in own.iter_mut().zip(self.split(&whole)) {
                // A part is no larger than the whole.
                own.push(value as i32);
            }
        }
        own
    }

    /// Every contributor's share of their row.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let share = |part: &Part| {
            let counts = &self.counts[part.row];
            f64::from(counts[part.place]) / counts.iter().copied().map(f64::from).sum::<f64>()
        };
        self.parts.iter().map(share).collect()
    }

    /// What the gate says of every contributor: as of their row, of which they have a part.
    pub(crate) fn judged(&self, gate: &[GateResult]) -> Vec<GateResult> {
        let judged =
            |(part, share): (&Part, f64)| GateResult { mean: gate[part.row].mean * share, z: gate[part.row].z };
        self.parts.iter().zip(self.shares()).map(judged).collect()
    }
}

/// Splits a whole number by records: rounded down, and what is left to the largest remainders, the earlier of equals.
fn split(whole: i64, counts: &[u32]) -> Vec<i64> {
    let all: i64 = counts.iter().map(|count| i64::from(*count)).sum::<i64>().max(1);
    let product = |count: &u32| i128::from(whole) * i128::from(*count);
    let mut parts: Vec<i64> = counts.iter().map(|count| product(count).div_euclid(all.into()) as i64).collect();
    let left = whole - parts.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|place| (-product(&counts[*place]).rem_euclid(all.into()), *place));
    order.into_iter().take(usize::try_from(left).unwrap_or_default()).for_each(|place| parts[place] += 1);
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
            whole in any::<i32>(), counts in prop::collection::vec(1u32..1_000_000, 1..20),
        ) {
            let parts = split(whole.into(), &counts);
            prop_assert_eq!(parts.iter().sum::<i64>(), i64::from(whole));
            let all: f64 = counts.iter().copied().map(f64::from).sum();
            for (part, count) in parts.iter().zip(&counts) {
                prop_assert!((*part as f64 - f64::from(whole) * f64::from(*count) / all).abs() < 1.0 + 1e-6);
            }
        }
    }

    #[test]
    fn small_ones_share_and_others_do_not() {
        let training = owned(&[12, 4, 15, 8]);
        let pooled = Pooled::new(&training, 10).unwrap();
        assert_eq!(pooled.training.counts(), [12, 12, 15]);
        assert_eq!((0..4).map(|place| pooled.row(place)).collect::<Vec<_>>(), [0, 1, 2, 1]);
        assert_eq!(pooled.split(&[100, -31, 7]), [100, -10, 7, -21]);
        assert_eq!(pooled.split_rows(&[vec![5, 6], vec![3, -3], vec![0, 1]]), [[5, 6], [1, -1], [0, 1], [2, -2]]);
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
