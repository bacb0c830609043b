//! The sketch of one served output: its gradient, projected onto the directions in which contributors differ.

use alloy::primitives::{B256, keccak256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sketch, shape `[k]`, as 16-bit integers.
///
/// The model's graph emits it as `f32`; it is quantised once, when the answer leaves, and only the integers count from
/// then on. Every sketch is scaled to the full 16-bit range of its own: settlement normalises each receipt, so a
/// common factor of one sketch changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch(Vec<i16>);

/// The model's floating-point sketch cannot be used.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SketchError {
    /// The graph returned NaN or an infinity.
    #[error("sketch value {index} is {value}: the model's sketch output must be finite, re-export the model")]
    NotFinite {
        /// Where in the sketch.
        index: usize,
        /// What stood there.
        value: f32,
    },
    /// No values at all.
    #[error("the sketch is empty")]
    Empty,
    /// An encoded sketch has an odd number of bytes.
    #[error("an encoded sketch has two bytes a value, not {0} bytes")]
    OddLength(usize),
}

impl Sketch {
    /// Takes integers as they are.
    pub fn new(values: Vec<i16>) -> Self {
        Self(values)
    }

    /// Scales so that the largest magnitude becomes 32,767, and rounds half away from zero. All zeros stay zeros.
    pub fn quantise(values: &[f32]) -> Result<Self, SketchError> {
        if values.is_empty() {
            return Err(SketchError::Empty);
        }
        if let Some((index, value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(SketchError::NotFinite { index, value: *value });
        }
        let largest = values.iter().fold(0f64, |largest, value| largest.max(f64::from(value.abs())));
        if largest == 0.0 {
            return Ok(Self(vec![0; values.len()]));
        }
        let scaled = values.iter().map(|value| (f64::from(*value) / largest * 32_767.0).round() as i16);
        Ok(Self(scaled.collect()))
    }

    /// The sketch of a question of several records: of the sum of their sketches, `[records, k]`, for what is attributed is
    /// the sum of what each is attributed.
    pub fn of_sum(values: &[f32], records: usize) -> Result<Self, SketchError> {
        let width = values.len().checked_div(records).unwrap_or_default();
        if records <= 1 || width == 0 {
            return Self::quantise(values);
        }
        let column = |k: usize| values.iter().skip(k).step_by(width).map(|value| f64::from(*value)).sum::<f64>();
        let sums: Vec<f32> = (0..width).map(|k| column(k) as f32).collect();
        Self::quantise(&sums)
    }

    /// The integers, shape `[k]`.
    pub fn values(&self) -> &[i16] {
        &self.0
    }

    /// Little-endian, two bytes a value.
    pub fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Reads what [`Sketch::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, SketchError> {
        if bytes.is_empty() {
            return Err(SketchError::Empty);
        }
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(SketchError::OddLength(bytes.len()));
        }
        Ok(Self(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect()))
    }

    /// keccak-256 of the encoding: the receipt's `sketchHash`.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        alloy::hex::serialize(self.encode(), s)
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = alloy::hex::deserialize(d)?;
        Self::decode(&bytes).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unusable_sketches_are_refused() {
        assert_eq!(Sketch::quantise(&[]), Err(SketchError::Empty));
        assert!(matches!(Sketch::quantise(&[0.0, f32::NAN]), Err(SketchError::NotFinite { index: 1, .. })));
        assert_eq!(Sketch::decode(&[1, 2, 3]), Err(SketchError::OddLength(3)));
    }

    proptest! {
        #[test]
        fn quantising_keeps_sign_order_and_full_range(values in prop::collection::vec(-1e6f32..1e6, 1..40)) {
            let sketch = Sketch::quantise(&values).unwrap();
            let largest = sketch.values().iter().map(|v| v.unsigned_abs()).max().unwrap();
            prop_assert!(largest == 32_767 || values.iter().all(|v| *v == 0.0));
            for (a, x) in values.iter().zip(sketch.values()) {
                for (b, y) in values.iter().zip(sketch.values()) {
                    prop_assert!(a > b || x <= y);
                }
            }
            prop_assert_eq!(Sketch::decode(&sketch.encode()), Ok(sketch));
        }
    }
}
