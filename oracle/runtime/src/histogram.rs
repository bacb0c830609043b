//! Counts in fixed buckets, as Prometheus reads them.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often a value fell into each of a few fixed buckets, and the values' sum.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, then one for what is above them all.
    buckets: Vec<AtomicU64>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

/// A [`Histogram`] at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramSnapshot {
    /// For each of the histogram's bounds, in their order, the values at most as large.
    pub cumulative: Vec<u64>,
    /// All values: the bucket `+Inf`.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Histogram {
    /// `bounds` in ascending order.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0.0_f64.to_bits()) }
    }

    /// The buckets' upper bounds, inclusive, in ascending order, without `+Inf`.
    #[must_use]
    pub fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// The counts so far. `count` always agrees with the buckets; `sum` may be a value ahead or behind.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let mut count = 0;
        let mut cumulative: Vec<u64> = Vec::with_capacity(self.buckets.len());
        for bucket in &self.buckets {
            count += bucket.load(Ordering::Relaxed);
            cumulative.push(count);
        }
        cumulative.truncate(self.bounds.len());
        HistogramSnapshot { cumulative, count, sum: f64::from_bits(self.sum.load(Ordering::Relaxed)) }
    }

    /// Counts a value.
    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.update(Ordering::Relaxed, Ordering::Relaxed, |sum| (f64::from_bits(sum) + value).to_bits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_every_bucket_that_reaches_it() {
        let histogram = Histogram::new(&[1.0, 2.0, 4.0]);
        for value in [0.5, 1.0, 1.5, 4.0, 9.0] {
            histogram.observe(value);
        }
        assert_eq!(histogram.bounds(), [1.0, 2.0, 4.0]);
        assert_eq!(histogram.snapshot(), HistogramSnapshot { cumulative: vec![2, 3, 4], count: 5, sum: 16.0 });
    }
}
