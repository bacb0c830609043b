//! How a training went.

use super::WIDTH;
use crate::{
    svg::{Anchor, Ink, Picture},
    train::Curve,
};

/// Loss over steps or epochs: of training, and of the validation records where there were any. Losses are drawn by their
/// logarithm, for they fall fast and then slowly.
pub(crate) fn curve(curve: &Curve) -> String {
    let (what, training, validation): (_, Vec<f64>, Vec<f64>) = match curve {
        Curve::Steps(steps) => ("step", steps.iter().map(|step| step.loss).collect(), Vec::new()),
        Curve::Epochs(epochs) => (
            "epoch",
            epochs.iter().map(|epoch| epoch.loss).collect(),
            epochs.iter().filter_map(|epoch| epoch.validation).map(|validated| validated.loss).collect(),
        ),
    };
    let (height, left, right, top, bottom) = (360.0, 90.0, WIDTH - 40.0, 60.0, 300.0);
    let last = training.last().copied().unwrap_or_default();
    let mut picture = Picture::new(WIDTH, height, &format!("Loss by {what}: {last:.4} after {}", training.len()));
    let logs = || {
        training
            .iter()
            .chain(&validation)
            .filter(|loss| loss.is_finite())
            .map(|loss| loss.max(f64::MIN_POSITIVE).log10())
    };
    let (low, high) = super::range(logs());
    let across = |place: usize| left + place as f64 / (training.len().max(2) - 1) as f64 * (right - left);
    let upwards = |log: f64| bottom - (log - low) / (high - low) * (bottom - top);
    picture.line((left, bottom), (right, bottom), Ink::Axis);
    picture.line((left, top), (left, bottom), Ink::Axis);
    for part in 0..=4 {
        let log = low + f64::from(part) / 4.0 * (high - low);
        picture.line((left - 5.0, upwards(log)), (left, upwards(log)), Ink::Axis);
        picture.words(left - 9.0, upwards(log) + 4.0, Anchor::End, &format!("{:.2e}", 10f64.powf(log)));
    }
    picture.words(left, bottom + 18.0, Anchor::Middle, "1");
    picture.words(right, bottom + 18.0, Anchor::Middle, &training.len().to_string());
    let points = |losses: &[f64]| -> Vec<(f64, f64)> {
        let log = |loss: &f64| upwards(loss.max(f64::MIN_POSITIVE).log10());
        let drawn = losses.iter().enumerate().filter(|(_, loss)| loss.is_finite());
        drawn.map(|(place, loss)| (across(place), log(loss))).collect()
    };
    picture.curve(points(&training).into_iter(), Ink::One);
    picture.curve(points(&validation).into_iter(), Ink::Two);
    let told = match validation.is_empty() {
        true => "loss of the records trained on",
        false => "loss of the records trained on (blue) and of those watched with (orange)",
    };
    picture.words(left, bottom + 44.0, Anchor::Start, told);
    picture.finish()
}
