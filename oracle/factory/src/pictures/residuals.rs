//! How far off a regression is.

use super::WIDTH;
use crate::{
    evaluate::Regression,
    svg::{Anchor, Ink, Picture},
};

/// Each record's residual (label − answer) over the answer. A good regression leaves a cloud about the line without a
/// shape.
pub(crate) fn residuals(regression: &Regression) -> String {
    let (height, left, right, top, bottom) = (400.0, 90.0, WIDTH - 40.0, 60.0, 340.0);
    let title = format!("Residuals: half of {} records are off by {}", regression.records, middle_half(regression));
    let mut picture = Picture::new(WIDTH, height, &title);
    let (x_low, x_high) = ends(regression.points.iter().map(|[answer, _]| *answer));
    let (y_low, y_high) = ends(regression.points.iter().map(|[_, residual]| *residual).chain([0.0]));
    let x = |value: f64| left + (value - x_low) / (x_high - x_low) * (right - left);
    let y = |value: f64| bottom - (value - y_low) / (y_high - y_low) * (bottom - top);
    picture.line((left, bottom), (right, bottom), Ink::Axis);
    picture.line((left, top), (left, bottom), Ink::Axis);
    for part in 0..=4 {
        let share = f64::from(part) / 4.0;
        let (across, upwards) = (x_low + share * (x_high - x_low), y_low + share * (y_high - y_low));
        picture.words(x(across), bottom + 18.0, Anchor::Middle, &tick(across));
        picture.line((left - 5.0, y(upwards)), (left, y(upwards)), Ink::Axis);
        picture.words(left - 9.0, y(upwards) + 4.0, Anchor::End, &tick(upwards));
    }
    for [answer, residual] in &regression.points {
        picture.dot((x(*answer), y(*residual)), Ink::One);
    }
    picture.line((left, y(0.0)), (right, y(0.0)), Ink::Two);
    picture.words(left, bottom + 40.0, Anchor::Start, "answer to the right, label minus answer upwards");
    picture.finish()
}

fn middle_half(regression: &Regression) -> String {
    let at = |share| regression.residuals.iter().find(|quantile| quantile.share == share).map(|found| found.value);
    match (at(0.25), at(0.75)) {
        (Some(low), Some(high)) => format!("{} to {}", tick(low), tick(high)),
        _ => "an unknown amount".to_owned(),
    }
}

/// The values' ends with a little room, in whatever unit they are.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match high - low {
        span if span > 0.0 => (low - 0.05 * span, high + 0.05 * span),
        _ if low.is_finite() => (low - 0.5 * low.abs().max(1.0), high + 0.5 * high.abs().max(1.0)),
        _ => (0.0, 1.0),
    }
}

/// Short enough for an axis.
fn tick(value: f64) -> String {
    match value.abs() {
        size if size != 0.0 && !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
        size if size >= 100.0 => format!("{value:.0}"),
        _ => format!("{value:.3}"),
    }
}
