//! Pseudo-random numbers that everybody draws alike.

use tributary_sdk::{B256, keccak256};

use super::Offered;

/// One number of another, well mixed (splitmix64: Steele, Lea & Flood 2014).
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The first 8 bytes of a hash.
pub(super) fn short(hash: &B256) -> u64 {
    hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// What all chance hangs on: the offered contributions, whatever their order. Nobody knows it before the last commitment is
/// on chain.
pub(super) fn seed(offered: &[Offered<'_>]) -> u64 {
    let mut ids: Vec<B256> = offered.iter().map(|offered| offered.contribution).collect();
    ids.dedup();
    ids.sort_unstable();
    ids.dedup();
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.0).chain(*b"tributary-screening/1").collect();
    short(&keccak256(bytes))
}

/// A stream of them.
#[derive(Debug)]
pub(super) struct Stream(u64);

impl Stream {
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(purpose)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to 1, 1 excluded.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of the normal distribution (Box & Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// At most `most` of the items, those with the smallest hashes under the seed, in that order.
pub(super) fn sample(items: impl Iterator<Item = (usize, u64)>, seed: u64, most: usize) -> Vec<usize> {
    let mut keyed: Vec<(u64, usize)> = items.map(|(item, hash)| (mix(hash ^ seed), item)).collect();
    if keyed.len() > most {
        keyed.select_nth_unstable(most);
        keyed.truncate(most);
    }
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, item)| item).collect()
}
