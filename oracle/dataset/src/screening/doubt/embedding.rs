//! Records as features that a linear model can learn from.

use faer::Mat;

use super::super::{
    Desk, chance,
    robust::median,
    space::{Space, squared_distance},
};
use crate::Record;

/// Features, without the constant.
const WIDTH: usize = 512;
/// Records by which the kernel's width is chosen.
const SAMPLE: usize = 256;
/// The kernel's width, over the median distance of two records: classes are smaller than the whole.
const NARROWER: f64 = 0.5;
/// Coordinates farther from the middle than this say no more.
const FARTHEST: f64 = 8.0;
/// Wider tables are learnt from by the kernel alone.
const MOST_LINEAR: usize = 256;
/// Characters or tokens an n-gram.
const GRAM: usize = 3;

/// How records become features.
#[derive(Debug)]
pub(super) enum Embedding<'a, 'r> {
    /// Random Fourier features of a Gaussian kernel (Rahimi & Recht 2007).
    Fourier {
        desk: &'a Desk<'a, 'r>,
        space: &'a Space<'a>,
        /// Whether points are on the scale of their columns.
        farthest: f64,
        /// Coordinates that are features themselves: all of a table's, if they are few.
        linear: usize,
        /// `[coordinates, WIDTH]`.
        directions: Mat<f64>,
        phases: Vec<f64>,
    },
    /// Signed counts of hashed n-grams (Weinberger et al. 2009), their logarithms, on the unit sphere.
    Grams { desk: &'a Desk<'a, 'r> },
}

impl<'a, 'r> Embedding<'a, 'r> {
    pub(super) fn new(desk: &'a Desk<'a, 'r>, space: Option<&'a Space<'a>>, places: &[usize]) -> Self {
        let Some(space) = space else { return Self::Grams { desk } };
        let is_image = matches!(desk.schema.features, crate::schema::Features::Image { .. });
        let linear = if is_image || space.size > MOST_LINEAR { 0 } else { space.size };
        // An image's values are bounded anyway.
        let farthest = if is_image { 255.0 } else { FARTHEST };
        let sample = desk.sample(places, SAMPLE);
        let points: Vec<Vec<f64>> = sample.iter().map(|place| point(space, desk.record(*place), farthest)).collect();
        let mut distances = Vec::with_capacity(SAMPLE * SAMPLE / 2);
        for (place, a) in points.iter().enumerate() {
            distances
                .extend(points[..place].iter().map(|b| squared_distance(a, b).sqrt()).filter(|apart| *apart > 0.0));
        }
        let width = NARROWER * median(&mut distances);
        let inverse = if width > 0.0 { 1.0 / width } else { 1.0 };
        let mut stream = chance::Stream::new(desk.seed, 2);
        let mut directions = Mat::zeros(space.size, WIDTH);
        for column in 0..WIDTH {
            (0..space.size).for_each(|row| directions[(row, column)] = stream.normal() * inverse);
        }
        let phases = (0..WIDTH).map(|_| stream.uniform() * std::f64::consts::TAU).collect();
        Self::Fourier { desk, space, farthest, linear, directions, phases }
    }

    /// Features of a record, a constant one included.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Fourier { linear, .. } => WIDTH + 1 + linear,
            Self::Grams { .. } => WIDTH + 1,
        }
    }

    /// Features of the records at these places, `[n, width]`.
    pub(super) fn of(&self, places: &[usize]) -> Mat<f64> {
        let mut features = Mat::zeros(places.len(), self.width());
        match self {
            Self::Fourier { desk, space, farthest, linear, directions, phases } => {
                let mut points = Mat::zeros(places.len(), space.size);
                for (row, place) in places.iter().enumerate() {
                    let point = point(space, desk.record(*place), *farthest);
                    point.into_iter().enumerate().for_each(|(column, value)| points[(row, column)] = value);
                }
                for column in 0..*linear {
                    (0..places.len()).for_each(|row| features[(row, WIDTH + 1 + column)] = points[(row, column)]);
                }
                let angles = points * directions;
                let scale = (2.0 / WIDTH as f64).sqrt();
                for (column, phase) in phases.iter().enumerate() {
                    for row in 0..places.len() {
                        features[(row, column)] = scale * (angles[(row, column)] + phase).cos();
                    }
                }
            }
            Self::Grams { desk } => {
                for (row, place) in places.iter().enumerate() {
                    let counts = grams(desk, desk.record(*place));
                    counts.into_iter().enumerate().for_each(|(column, value)| features[(row, column)] = value);
                }
            }
        }
        (0..places.len()).for_each(|row| features[(row, WIDTH)] = 1.0);
        features
    }
}

fn point(space: &Space<'_>, record: &Record, farthest: f64) -> Vec<f64> {
    let mut point = vec![0.0; space.size];
    space.point(record, &mut point);
    point.iter_mut().for_each(|value| *value = value.clamp(-farthest, farthest));
    point
}

fn grams(desk: &Desk<'_, '_>, record: &Record) -> Vec<f64> {
    let mut counts = vec![0.0f64; WIDTH];
    let mut count = |hash: u64| counts[(hash % WIDTH as u64) as usize] += if hash >> 63 == 0 { 1.0 } else { -1.0 };
    let mut units: Vec<u64> = Vec::new();
    match desk.schema.text(record) {
        Some(text) => {
            for word in text.split_whitespace() {
                units.extend(word.chars().flat_map(char::to_lowercase).map(|character| u64::from(character) + 1));
                units.push(0);
            }
        }
        None => units.extend(desk.schema.numbers(record).into_iter().map(|token| token as u64 + 1)),
    }
    let shortest = if desk.schema.text(record).is_some() { GRAM } else { 1 };
    for length in shortest..=GRAM {
        for gram in units.windows(length) {
            count(gram.iter().fold(desk.seed, |hash, unit| chance::mix(hash ^ unit)));
        }
    }
    for value in &mut counts {
        *value = value.signum() * value.abs().ln_1p();
    }
    let length = squared_distance(&counts, &vec![0.0; WIDTH]).sqrt();
    if length > 0.0 {
        counts.iter_mut().for_each(|value| *value /= length);
    }
    counts
}
