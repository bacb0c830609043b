//! The seeded start of training.

use ndarray::Array1;
use rand::{Rng, RngCore};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Weights from a normal of variance 1/inputs, biases zero, `[parameters]`. Softmax regression has one minimum and starts
/// at zero.
pub(super) fn parameters(widths: &[usize], seed: u64) -> Array1<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut parameters = Vec::new();
    for pair in widths.windows(2) {
        let deviation = if widths.len() == 2 { 0.0 } else { (1.0 / pair[0] as f64).sqrt() };
        parameters.extend((0..pair[0] * pair[1]).map(|_| deviation * normal(&mut rng)));
        parameters.extend(std::iter::repeat_n(0.0, pair[1]));
    }
    parameters.into()
}

/// Box & Muller.
fn normal(rng: &mut impl RngCore) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
