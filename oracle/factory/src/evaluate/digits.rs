//! Numbers with no more digits than they bear.

/// The closest number of six significant digits; one zero. Measurements bear fewer, and machines differ in later ones.
pub(crate) fn rounded(value: f64) -> f64 {
    // Every spelling of a number reads back as one. Negative zero and zero are zero.
    format!("{value:.5e}").parse().unwrap_or(value) + 0.0
}
