//! Normal numbers.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A standard normal, by Box & Muller.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
