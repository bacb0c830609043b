//! Random halves.

use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// `count` random halves of so many units, `[count][units]`: whether each is in. Of an odd number the smaller half.
pub fn halves(units: usize, count: usize, seed: u64) -> Vec<Vec<bool>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut half: Vec<bool> = (0..units).map(|unit| unit < units / 2).collect();
    let mut shuffled = || {
        half.shuffle(&mut rng);
        half.clone()
    };
    (0..count).map(|_| shuffled()).collect()
}
