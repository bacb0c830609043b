//! A seeded split into training, held-out and test records.

use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{Dataset, Record};
use crate::FactoryError;

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

impl Dataset {
    /// Shuffles by `seed` and cuts. Records beyond the sizes' sum are in no part.
    ///
    /// # Errors
    /// [`FactoryError::SplitSize`].
    pub fn split(&self, sizes: SplitSizes, seed: u64) -> Result<Split, FactoryError> {
        let wanted = sizes.training.saturating_add(sizes.held_out).saturating_add(sizes.test);
        let mut shuffled = self.records().to_vec();
        if wanted > shuffled.len() {
            return Err(FactoryError::SplitSize { records: shuffled.len(), wanted });
        }
        shuffled.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        shuffled.truncate(wanted);
        let test = shuffled.split_off(sizes.training + sizes.held_out);
        let held_out = shuffled.split_off(sizes.training);
        Ok(Split { training: shuffled, held_out, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schema;

    #[test]
    fn parts_are_disjoint_and_repeatable() {
        let text: String = (0..20).map(|i| format!("{},{},0\n", i % 16, i / 16)).collect();
        let dataset = Dataset::parse(&text, Schema { width: 2, largest: 16, classes: 1, radius: 0 }).unwrap();
        let sizes = SplitSizes { training: 10, held_out: 4, test: 6 };
        let split = dataset.split(sizes, 3).unwrap();
        assert_eq!(split, dataset.split(sizes, 3).unwrap());
        assert_ne!(split, dataset.split(sizes, 4).unwrap());
        let mut all = [split.training, split.held_out, split.test].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20);
        let refused = dataset.split(SplitSizes { training: 15, ..sizes }, 3);
        assert!(matches!(refused, Err(FactoryError::SplitSize { records: 20, wanted: 25 })));
    }
}
