//! The directions in which images differ most.

use super::super::chance;

/// Directions.
const MOST: usize = 10;
/// Rounds of the power iteration: directions need not be exact to be good.
const ROUNDS: usize = 12;
/// Larger images are not looked at this way.
const MOST_VALUES: usize = 1 << 14;
/// What a direction's length is, before it is rounded to whole numbers.
const LENGTH: f64 = 4096.0;

/// Principal directions of some images, the first first, rounded to whole numbers. None of images that are too large, or do
/// not differ.
pub(super) fn directions(values: usize, images: &[&[u8]], seed: u64) -> Vec<Vec<i64>> {
    if values > MOST_VALUES || images.len() < 2 {
        return Vec::new();
    }
    let mut mean = vec![0.0; values];
    for image in images {
        mean.iter_mut().zip(*image).for_each(|(sum, value)| *sum += f64::from(*value) / images.len() as f64);
    }
    let apart = |image: &&[u8]| image.iter().zip(&mean).map(|(value, mean)| f64::from(*value) - mean).collect();
    let mut rows: Vec<Vec<f64>> = images.iter().map(apart).collect();
    let mut stream = chance::Stream::new(seed, 3);
    let mut directions = Vec::new();
    for _ in 0..MOST.min(values) {
        let mut direction: Vec<f64> = (0..values).map(|_| stream.normal()).collect();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; values];
            for row in &rows {
                let along = dot(row, &direction);
                next.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * value);
            }
            let length = dot(&next, &next).sqrt();
            if !(length.is_finite() && length > 1e-6) {
                return directions;
            }
            direction = next.into_iter().map(|value| value / length).collect();
        }
        for row in &mut rows {
            let along = dot(row, &direction);
            row.iter_mut().zip(&direction).for_each(|(value, weight)| *value -= along * weight);
        }
        directions.push(direction.into_iter().map(|weight| (weight * LENGTH).round() as i64).collect());
    }
    directions
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
