//! **Simulated** contributors, for the demo, the tests and the measurements: real records, divided by chance.
//!
//! Sizes follow a Dirichlet distribution with concentration 2, and within a class the division is skewed by another with
//! concentration ½, so that contributors differ in how much they bring and in what.

use rand::{Rng, RngCore};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use std::collections::BTreeMap;

use tributary_sdk::records::LEAST_RECORDS;

use crate::{DatasetError, LabelValue, Record, Schema};

/// Divides records among contributors, seeded; every record goes to exactly one.
///
/// # Errors
/// [`DatasetError::TooManyContributors`].
pub fn simulate(
    schema: &Schema,
    records: &[Record],
    contributors: usize,
    seed: u64,
) -> Result<Vec<Vec<Record>>, DatasetError> {
    let class = |record| match schema.label(record) {
        Some(LabelValue::Class(class)) => class as usize,
        // Without classes there is nothing to skew the division by.
        Some(LabelValue::Number(_)) | None => 0,
    };
    let labels: Vec<usize> = records.iter().map(class).collect();
    let mut parts = vec![Vec::new(); contributors];
    for (record, owner) in records.iter().zip(owners(&labels, contributors, seed)?) {
        parts[owner].push(record.clone());
    }
    Ok(parts)
}

/// Per record, which of the contributors owns it: the division behind [`simulate`], from labels alone.
///
/// # Errors
/// [`DatasetError::TooManyContributors`].
pub fn owners(labels: &[usize], contributors: usize, seed: u64) -> Result<Vec<usize>, DatasetError> {
    if contributors == 0 || labels.len() / contributors < LEAST_RECORDS {
        return Err(DatasetError::TooManyContributors { records: labels.len(), contributors, least: LEAST_RECORDS });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sizes: Vec<f64> = (0..contributors).map(|_| exponential(&mut rng) + exponential(&mut rng)).collect();
    let mut by_class: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut owners = Vec::with_capacity(labels.len());
    for label in labels {
        let weights =
            by_class.entry(*label).or_insert_with(|| sizes.iter().map(|size| size * half_gamma(&mut rng)).collect());
        owners.push(draw(weights, &mut rng));
    }
    fill_up(&mut owners, contributors);
    Ok(owners)
}

/// Moves the latest records of whoever has most to those below the least.
fn fill_up(owners: &mut [usize], contributors: usize) {
    let mut counts = vec![0usize; contributors];
    owners.iter().for_each(|owner| counts[*owner] += 1);
    for poor in 0..contributors {
        while counts[poor] < LEAST_RECORDS {
            let rich = (0..contributors).fold(0, |rich, other| if counts[other] > counts[rich] { other } else { rich });
            if let Some(moved) = owners.iter_mut().rev().find(|owner| **owner == rich) {
                *moved = poor;
            }
            counts[rich] -= 1;
            counts[poor] += 1;
        }
    }
}

fn draw(weights: &[f64], rng: &mut impl RngCore) -> usize {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (place, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return place;
        }
    }
    weights.len() - 1
}

/// Gamma with shape 1.
fn exponential(rng: &mut impl RngCore) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

/// Gamma with shape ½: half the square of a normal, by Box & Muller.
fn half_gamma(rng: &mut impl RngCore) -> f64 {
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    exponential(rng) * angle.cos().powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{image, images};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_record_has_one_owner_and_nobody_has_too_few(
            seed in any::<u64>(), contributors in 1usize..20, extra in 0usize..300,
        ) {
            let n = contributors * LEAST_RECORDS + extra;
            let schema = images(7);
            let records: Vec<Record> = (0..n as i64).map(|i| image(&schema, &[i / 16, i % 16, i % 7])).collect();
            let parts = simulate(&schema, &records, contributors, seed).unwrap();
            prop_assert_eq!(parts.len(), contributors);
            prop_assert!(parts.iter().all(|part| part.len() >= LEAST_RECORDS));
            let mut all = parts.concat();
            all.sort();
            let mut given = records.clone();
            given.sort();
            prop_assert_eq!(all, given);
            prop_assert_eq!(&parts, &simulate(&schema, &records, contributors, seed).unwrap());
        }
    }

    #[test]
    fn sizes_and_labels_are_uneven() {
        let labels: Vec<usize> = (0..1_200).map(|i| i % 10).collect();
        let owners = owners(&labels, 12, 0).unwrap();
        let size = |owner| owners.iter().filter(|o| **o == owner).count();
        let sizes: Vec<usize> = (0..12).map(size).collect();
        assert!(sizes.iter().max() > sizes.iter().min().map(|least| least * 3).as_ref(), "{sizes:?}");
    }

    #[test]
    fn too_many_contributors_are_refused() {
        for (records, contributors) in [(0, 1), (19, 2), (5, 0)] {
            let refused = owners(&vec![0; records], contributors, 0);
            assert!(matches!(refused, Err(DatasetError::TooManyContributors { .. })));
        }
    }
}
