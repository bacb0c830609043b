//! Whether a classifier is as often right as it says.

use super::WIDTH;
use crate::{
    evaluate::calibration::Calibration,
    svg::{Anchor, Ink, Picture},
};

/// Accuracy of each bin of confidence as a bar, its records beneath; on the diagonal a classifier is as often right as it
/// says (Guo et al., 2017).
pub(crate) fn reliability(calibration: &Calibration) -> String {
    let (height, left, right, top, bottom) = (440.0, 70.0, WIDTH - 40.0, 60.0, 340.0);
    let title = format!("Reliability: expected calibration error {:.3}", calibration.expected_error);
    let mut picture = Picture::new(WIDTH, height, &title);
    let x = |value: f64| left + value * (right - left);
    let y = |value: f64| bottom - value * (bottom - top);
    for bin in &calibration.bins {
        let middle = x((bin.from + bin.to) / 2.0);
        if let (Some(accuracy), Some(confidence)) = (bin.accuracy, bin.confidence) {
            let (from, to) = (x(bin.from) + 2.0, x(bin.to) - 2.0);
            picture.shade((from, y(accuracy)), (to - from, bottom - y(accuracy)), Ink::One, 0.5);
            picture.line((from, y(confidence)), (to, y(confidence)), Ink::Two);
        }
        picture.words(middle, bottom + 36.0, Anchor::Middle, &bin.records.to_string());
    }
    for part in 0..=5 {
        let share = f64::from(part) / 5.0;
        picture.words(x(share), bottom + 18.0, Anchor::Middle, &format!("{share:.1}"));
        picture.line((left - 5.0, y(share)), (left, y(share)), Ink::Axis);
        picture.words(left - 9.0, y(share) + 4.0, Anchor::End, &format!("{share:.1}"));
    }
    picture.line((left, bottom), (right, bottom), Ink::Axis);
    picture.line((left, top), (left, bottom), Ink::Axis);
    picture.line((x(0.0), y(0.0)), (x(1.0), y(1.0)), Ink::Error);
    let caption = "confidence to the right, share that is right upwards; orange is the mean confidence; below, records";
    picture.words(left, bottom + 64.0, Anchor::Start, caption);
    picture.finish()
}
