/// How raw features become the first layer's input: `(x − shift) · scale`. It is part of the model and of its graph, so
/// that a record is served as it was contributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputScaling {
    /// Subtracted from every feature.
    pub shift: f64,
    /// Multiplied with the difference.
    pub scale: f64,
}

impl InputScaling {
    /// Maps `[low, high]` onto `[−1, 1]`.
    pub fn centred(low: f64, high: f64) -> Self {
        Self { shift: (low + high) / 2.0, scale: 2.0 / (high - low) }
    }
}
