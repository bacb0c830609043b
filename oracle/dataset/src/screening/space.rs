//! Tables and images as points, in which distances mean something.

use super::{
    Desk,
    robust::{Spread, median},
};
use crate::{
    Record, Schema,
    schema::{ColumnKind, Features},
};

/// Most coordinates of an image; of larger ones, runs of values are averaged.
const MOST_VALUES: usize = 2048;
/// Most coordinates of a category; further names share them.
const MOST_NAMES: usize = 64;
/// Most records by which columns are put on a scale.
const SAMPLE: usize = 20_000;
/// Nothing is farther from the middle of its column.
const FARTHEST: f64 = 1e6;

/// How records become points. Images keep their scale, which all values share. Of a table, numbers are put on a scale by
/// median and median absolute deviation; where most are equal, by three standard deviations, so that something merely rare is
/// not wild. A category has a coordinate a name, and two names are 1 apart.
#[derive(Debug)]
pub(super) struct Space<'a> {
    schema: &'a Schema,
    /// Coordinates of a point.
    pub(super) size: usize,
    /// Values averaged into one, of an image.
    run: usize,
    /// Middle and scale of each column of a table.
    columns: Vec<(f64, f64)>,
}

impl<'a> Space<'a> {
    /// By records at these places. None for text and tokens.
    pub(super) fn new(desk: &Desk<'a, '_>, places: &[usize]) -> Option<Self> {
        let schema = desk.schema;
        match &schema.features {
            Features::Image { .. } => {
                let run = schema.features.fields().div_ceil(MOST_VALUES);
                Some(Self { schema, size: schema.features.fields().div_ceil(run), run, columns: Vec::new() })
            }
            Features::Table { columns } => {
                let most = (1 << 26) / columns.len().max(1);
                let sample = desk.sample(places, most.clamp(100, SAMPLE));
                let rows: Vec<Vec<f64>> = sample.iter().map(|place| schema.numbers(desk.record(*place))).collect();
                let scale = |column: usize| scale(rows.iter().map(|row| row[column]).collect());
                let sizes = columns.iter().map(|column| size(&column.kind));
                Some(Self { schema, size: sizes.sum(), run: 1, columns: (0..columns.len()).map(scale).collect() })
            }
            Features::Text { .. } | Features::Tokens { .. } => None,
        }
    }

    /// Writes a record's point.
    pub(super) fn point(&self, record: &Record, point: &mut [f64]) {
        match &self.schema.features {
            Features::Table { columns } => {
                point.fill(0.0);
                let mut start = 0;
                for ((column, (middle, scale)), value) in
                    columns.iter().zip(&self.columns).zip(self.schema.numbers(record))
                {
                    match &column.kind {
                        ColumnKind::Category { names } => {
                            point[start + value as usize % names.len().min(MOST_NAMES)] =
                                std::f64::consts::FRAC_1_SQRT_2;
                        }
                        _ => {
                            let far = (value - middle) / scale;
                            point[start] = if far.is_nan() { 0.0 } else { far.clamp(-FARTHEST, FARTHEST) };
                        }
                    }
                    start += size(&column.kind);
                }
            }
            _ => {
                let values = self.schema.feature_bytes(record);
                for (coordinate, run) in point.iter_mut().zip(values.chunks(self.run)) {
                    *coordinate = run.iter().map(|value| f64::from(*value)).sum::<f64>() / run.len() as f64;
                }
            }
        }
    }
}

fn size(kind: &ColumnKind) -> usize {
    match kind {
        ColumnKind::Category { names } => names.len().min(MOST_NAMES),
        _ => 1,
    }
}

fn scale(values: Vec<f64>) -> (f64, f64) {
    let spread = Spread::of(values.clone());
    if !spread.mostly_equal {
        return (spread.middle, spread.scale);
    }
    let variance = values.iter().map(|value| (value - spread.middle).powi(2)).sum::<f64>() / values.len().max(1) as f64;
    (spread.middle, 3.0 * variance.sqrt())
}

/// The median of each coordinate of some points, `[n, size]`.
pub(super) fn middle(points: &[f64], size: usize) -> Vec<f64> {
    let coordinate = |at: usize| median(&mut points.iter().skip(at).step_by(size).copied().collect::<Vec<f64>>());
    (0..size).map(coordinate).collect()
}

pub(super) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}
