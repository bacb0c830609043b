//! What weight decay does to quality and attribution.

use super::{WIDTH, range};
use crate::svg::{Anchor, Ink, Picture};

/// What one weight decay gives.
pub(crate) struct Place {
    pub(crate) decay: f64,
    /// How good the model is.
    pub(crate) across: f64,
    /// Contributor LDS: lower end, mean, upper end.
    pub(crate) upwards: [f64; 3],
}

/// Each weight decay's quality and contributor LDS with its interval, in the order of the decays. Places with what is no
/// number are left out.
pub(crate) fn frontier(what: &str, mut places: Vec<Place>) -> String {
    let (height, left, right, top, bottom) = (400.0, 70.0, WIDTH - 40.0, 60.0, 340.0);
    let title = match what.split_at_checked(1) {
        Some((first, rest)) => format!("{}{rest}", first.to_uppercase()),
        None => String::new(),
    };
    let mut picture = Picture::new(WIDTH, height, &format!("{title} and contributor LDS over weight decay"));
    places.retain(|Place { decay, across, upwards }| {
        upwards.iter().chain([decay, across]).all(|value| value.is_finite())
    });
    places.sort_by(|a, b| a.decay.total_cmp(&b.decay));
    let (x_low, x_high) = range(places.iter().map(|place| place.across));
    let (y_low, y_high) = range(places.iter().flat_map(|place| place.upwards));
    let x = |value: f64| left + (value - x_low) / (x_high - x_low) * (right - left);
    let y = |value: f64| bottom - (value - y_low) / (y_high - y_low) * (bottom - top);

    picture.line((left, bottom), (right, bottom), Ink::Axis);
    picture.line((left, top), (left, bottom), Ink::Axis);
    for part in 0..=4 {
        let share = f64::from(part) / 4.0;
        let (across, upwards) = (x_low + share * (x_high - x_low), y_low + share * (y_high - y_low));
        picture.words(x(across), bottom + 18.0, Anchor::Middle, &format!("{across:.3}"));
        picture.line((left - 5.0, y(upwards)), (left, y(upwards)), Ink::Axis);
        picture.words(left - 9.0, y(upwards) + 4.0, Anchor::End, &format!("{upwards:.2}"));
    }
    picture.curve(places.iter().map(|place| (x(place.across), y(place.upwards[1]))), Ink::One);
    let mut words: Vec<(f64, f64)> = Vec::new();
    for Place { decay, across, upwards: [low, mean, high] } in &places {
        picture.line((x(*across), y(*low)), (x(*across), y(*high)), Ink::Error);
        picture.bar(x(*across) - 3.0, y(*mean) - 3.0, 6.0, 6.0, Ink::One);
        // Where points lie close together, what is said of them stands one above the other.
        let mut at = (x(*across) + 8.0, y(*mean) - 8.0);
        while words.iter().any(|(left, line)| (left - at.0).abs() < 60.0 && (line - at.1).abs() < 14.0) {
            at.1 -= 14.0;
        }
        words.push(at);
        picture.words(at.0, at.1, Anchor::Start, &decay.to_string());
    }
    let caption = format!("{what} to the right, contributor LDS upwards; beside each point its weight decay");
    picture.words(left, bottom + 40.0, Anchor::Start, &caption);
    picture.finish()
}
