use std::num::NonZeroUsize;

use ndarray::Array2;
use proptest::prelude::*;
use tributary_sdk::sketch::Sketch;

use super::*;
use crate::rows::RecordRows;

const CONTRIBUTORS: usize = 5;

fn index(records: usize, k: usize, seed: usize) -> RecordIndex {
    let rows = Array2::from_shape_fn((records, k), |(i, j)| {
        (((i * 7 + j * j * 3 + i * j + seed) % 13) as f64 - 6.0) * 2f64.powi((i % 9) as i32)
    });
    let owners: Vec<usize> = (0..records).map(|i| (i * i + seed) % CONTRIBUTORS).collect();
    let rows = RecordRows::quantise(rows.view(), &owners, CONTRIBUTORS, i32::MAX).unwrap().records;
    RecordIndex::new(rows, &owners, CONTRIBUTORS).unwrap()
}

fn sketch(k: usize, seed: usize) -> Sketch {
    Sketch::new((0..k).map(|i| ((i * 331 + seed * 17) % 4001) as i16 - 2000).collect())
}

/// Every place above zero with its score, best first, equal ones by place.
fn ranked(scores: &[i64], sign: i64, count: usize) -> Vec<Hit> {
    let mut hits: Vec<Hit> = scores.iter().enumerate().map(|(place, score)| Hit { place, score: *score }).collect();
    hits.retain(|hit| hit.score * sign > 0);
    hits.sort_by_key(|hit| (-hit.score * sign, hit.place));
    hits.truncate(count);
    hits
}

proptest! {
    #[test]
    fn it_finds_what_sorting_everything_finds_with_any_number_of_threads(
        records in 1usize..60, k in 1usize..20, seed in 0usize..500, count in 0usize..8, threads in 1usize..9,
    ) {
        let (index, sketch) = (index(records, k, seed), sketch(k, seed));
        let rows = index.rows();
        let scores: Vec<i64> = (rows.mantissas().chunks_exact(k).zip(rows.shifts()))
            .map(|(row, shift)| {
                let products = row.iter().zip(sketch.values()).map(|(m, s)| i64::from(*m) * i64::from(*s));
                products.sum::<i64>() << shift
            })
            .collect();
        let owners: Vec<usize> = index.owners().iter().map(|owner| *owner as usize).collect();
        let table = rows.sums(&owners, CONTRIBUTORS).unwrap();
        let contributors: Vec<i64> = table
            .iter()
            .map(|row| row.iter().zip(sketch.values()).map(|(r, s)| i64::from(*r) * i64::from(*s)).sum())
            .collect();
        let found = index.explain(&sketch, count, NonZeroUsize::new(threads).unwrap()).unwrap();
        prop_assert_eq!(found.helpful, ranked(&scores, 1, count));
        prop_assert_eq!(found.harmful, ranked(&scores, -1, count));
        prop_assert_eq!(found.helpful_contributors, ranked(&contributors, 1, count));
        prop_assert_eq!(found.harmful_contributors, ranked(&contributors, -1, count));
        prop_assert_eq!(found.contributors, contributors);
    }

    #[test]
    fn encoding_comes_back_and_no_bytes_panic(
        records in 1usize..20, k in 1usize..9, place in any::<prop::sample::Index>(), byte in any::<u8>(),
        noise in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let index = index(records, k, 3);
        let bytes = index.encode();
        prop_assert_eq!(&RecordIndex::decode(&bytes).unwrap(), &index);
        let mut mutated = bytes.clone();
        *place.get_mut(&mut mutated) = byte;
        if let Ok(read) = RecordIndex::decode(&mutated) {
            prop_assert_eq!(read.encode(), mutated);
        }
        prop_assert!(RecordIndex::decode(&bytes[..place.index(bytes.len())]).is_err());
        prop_assert!(RecordIndex::decode(&[&bytes[..], &[0]].concat()).is_err());
        prop_assert!(RecordIndex::decode(&noise).is_err());
        prop_assert!(RecordIndex::decode(&[b"TRIBIDX1", &noise[..]].concat()).is_err());
    }
}

#[test]
fn the_hash_is_of_the_bytes() {
    let (one, two) = (index(9, 4, 1), index(9, 4, 2));
    assert_eq!(one.hash(), tributary_sdk::keccak256(one.encode()));
    assert_ne!(one.hash(), two.hash());
}

#[test]
fn a_sketch_of_another_release_is_refused() {
    let one = NonZeroUsize::MIN;
    assert!(index(9, 4, 1).explain(&sketch(5, 1), 3, one).is_err());
    let rows = RecordRows::new(1, 0, vec![24, 24], vec![127, 127]).unwrap();
    assert!(RecordIndex::new(rows.clone(), &[0, 0], 1).is_err());
    assert!(RecordIndex::new(rows, &[0], 1).is_err());
}
