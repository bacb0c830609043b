//! A seeded split into training, held-out and test records.

use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::{DatasetError, Record};

/// How many records each part takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitSizes {
    /// What contributors give.
    pub training: usize,
    /// What gate and baseline shares are decided on; committed before contributions open.
    pub held_out: usize,
    /// What accuracy is measured on.
    pub test: usize,
}

impl SplitSizes {
    /// All 1,797 digits under `demo/`.
    pub const DIGITS: Self = Self { training: 1_200, held_out: 247, test: 350 };
}

/// Three parts that share no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What contributors give.
    pub training: Vec<Record>,
    /// What gate and baseline shares are decided on.
    pub held_out: Vec<Record>,
    /// What accuracy is measured on.
    pub test: Vec<Record>,
}

impl Split {
    /// Shuffles by `seed` and cuts. Records beyond the sizes' sum are in no part.
    ///
    /// # Errors
    /// [`DatasetError::SplitSize`].
    pub fn new(mut records: Vec<Record>, sizes: SplitSizes, seed: u64) -> Result<Self, DatasetError> {
        let wanted = sizes.training.saturating_add(sizes.held_out).saturating_add(sizes.test);
        if wanted > records.len() {
            return Err(DatasetError::SplitSize { records: records.len(), wanted });
        }
        records.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        records.truncate(wanted);
        let test = records.split_off(sizes.training + sizes.held_out);
        let held_out = records.split_off(sizes.training);
        Ok(Self { training: records, held_out, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{image, images};

    #[test]
    fn parts_are_disjoint_and_repeatable() {
        let schema = images(1);
        let records: Vec<Record> = (0..20).map(|i| image(&schema, &[i % 16, i / 16, 0])).collect();
        let sizes = SplitSizes { training: 10, held_out: 4, test: 6 };
        let split = |sizes, seed| Split::new(records.clone(), sizes, seed);
        let first = split(sizes, 3).unwrap();
        assert_eq!(first, split(sizes, 3).unwrap());
        assert_ne!(first, split(sizes, 4).unwrap());
        let mut all = [first.training, first.held_out, first.test].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20);
        let refused = split(SplitSizes { training: 15, ..sizes }, 3);
        assert!(matches!(refused, Err(DatasetError::SplitSize { records: 20, wanted: 25 })));
    }
}
