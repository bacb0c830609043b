//! How fast one core reads memory.

use std::{hint::black_box, time::Instant};

/// Bytes a second at which one core sums 64-bit words of so many bytes: of as much memory as is measured beside it, so
/// that both come from the same cache. Many sums, so that none waits for another; the fastest of several runs.
pub(super) fn bytes_per_second(bytes: usize) -> f64 {
    let words: Vec<u64> = (0..bytes as u64 / 8).collect();
    let runs = (200_000_000 / bytes.max(1)).clamp(3, 100);
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let began = Instant::now();
        let mut sums = [0_u64; 32];
        for chunk in black_box(&words).as_chunks::<32>().0 {
            sums.iter_mut().zip(chunk).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
        }
        black_box(sums);
        best = best.min(began.elapsed().as_secs_f64());
    }
    (words.len() * 8) as f64 / best
}
