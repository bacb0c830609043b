//! GELU in its tanh form (Hendrycks & Gimpel, 2016): smooth, so that influence has a second derivative to stand on.

/// √(2/π).
pub(crate) const ROOT_TWO_OVER_PI: f64 = 0.797_884_560_802_865_4;
/// Coefficient of the cubic term.
pub(crate) const CUBIC: f64 = 0.044_715;

/// `(gelu(x), gelu′(x))` from one tanh.
pub(crate) fn gelu(x: f64) -> (f64, f64) {
    let t = (ROOT_TWO_OVER_PI * (x + CUBIC * x * x * x)).tanh();
    let inner_slope = ROOT_TWO_OVER_PI * (1.0 + 3.0 * CUBIC * x * x);
    let value = 0.5 * x * (1.0 + t);
    let slope = 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner_slope;
    (value, slope)
}

#[cfg(test)]
mod tests {
    use super::gelu;

    #[test]
    fn slope_is_the_derivative_of_the_value() {
        for step in -60..=60 {
            let x = f64::from(step) / 10.0;
            let h = 1e-6;
            let numeric = (gelu(x + h).0 - gelu(x - h).0) / (2.0 * h);
            assert!((numeric - gelu(x).1).abs() < 1e-8, "at {x}");
        }
    }
}
