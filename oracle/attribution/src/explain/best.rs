//! The few best of many, in one pass.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::Hit;

/// Keeps the `count` highest scores; of equal ones those of the lower place, so that the order of arrival does not
/// matter.
#[derive(Debug)]
pub(super) struct Best {
    count: usize,
    /// The least of what is kept comes first.
    kept: BinaryHeap<Reverse<(i64, Reverse<usize>)>>,
}

impl Best {
    pub(super) fn new(count: usize) -> Self {
        Self { count, kept: BinaryHeap::new() }
    }

    /// Offers a score above zero; others are no help and no harm.
    #[inline]
    pub(super) fn offer(&mut self, place: usize, score: i64) {
        let candidate = (score, Reverse(place));
        let full = self.kept.len() >= self.count;
        let least = self.kept.peek().map(|Reverse(least)| *least);
        if score <= 0 || self.count == 0 || (full && least.is_some_and(|least| candidate <= least)) {
            return;
        }
        if full {
            self.kept.pop();
        }
        self.kept.push(Reverse(candidate));
    }

    /// Takes what another kept.
    pub(super) fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|Reverse((score, Reverse(place)))| self.offer(place, score));
    }

    /// Highest first, each score times `sign`.
    pub(super) fn into_hits(self, sign: i64) -> Vec<Hit> {
        let descending = self.kept.into_sorted_vec();
        descending.into_iter().map(|Reverse((score, Reverse(place)))| Hit { place, score: sign * score }).collect()
    }
}
