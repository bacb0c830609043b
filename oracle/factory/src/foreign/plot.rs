//! Pictures of an attribution.

use tributary_attribution::{
    Attribution,
    basis::{Basis, BasisKind},
};

use super::manifest::FrontierPoint;
use crate::{
    pictures::{self, Place},
    svg::{Anchor, Ink, Picture},
};

const WIDTH: f64 = 720.0;
/// Contributors in the picture: half from each end.
const MOST_BARS: usize = 40;
/// Eigenvalues this far below the largest are rounding.
const LEAST: f64 = 1e-12;

/// The basis's spectrum, descending, on a logarithmic scale; what the sketch keeps is the first colour.
pub fn spectrum(basis: &Basis) -> String {
    let (height, left, right, top, bottom) = (360.0, 70.0, WIDTH - 20.0, 60.0, 320.0);
    let title = format!(
        "Spectrum: rank {} holds {:.1} % of it, {:.1} % of the contributors' rows",
        basis.width(),
        100.0 * basis.spectral_mass,
        100.0 * basis.owner_mass
    );
    let mut picture = Picture::new(WIDTH, height, &title);
    let largest = basis.spectrum.first().copied().unwrap_or(0.0);
    let values: Vec<f64> = basis.spectrum.iter().copied().take_while(|value| *value > LEAST * largest).collect();
    picture.line((left, bottom), (right, bottom), Ink::Axis);
    picture.line((left, top), (left, bottom), Ink::Axis);
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return picture.finish() };
    let (high, low) = (first.log10().ceil(), last.log10().floor().min(first.log10().ceil() - 1.0));
    let y = |value: f64| bottom - (value.log10() - low) / (high - low) * (bottom - top);
    let across = (values.len() - 1).max(1) as f64;
    let x = |place: usize| left + place as f64 / across * (right - left);

    let decades = (high - low) as i32;
    for decade in (0..=decades).step_by((decades / 6).max(1) as usize) {
        let power = low as i32 + decade;
        let at = y(10f64.powi(power));
        picture.line((left - 5.0, at), (left, at), Ink::Axis);
        picture.words(left - 9.0, at + 4.0, Anchor::End, &format!("1e{power}"));
    }
    for place in [0, values.len() / 2, values.len() - 1] {
        picture.words(x(place), bottom + 18.0, Anchor::Middle, &(place + 1).to_string());
    }
    // Residual directions follow the contributors' rows, not the spectrum.
    let kept = match basis.kind {
        BasisKind::Eigen { leading } => leading,
        BasisKind::Owner | BasisKind::Checkpoints { .. } => basis.width(),
    };
    let kept = kept.min(values.len());
    let point = |(place, value): (usize, &f64)| (x(place), y(*value));
    picture.curve(values.iter().enumerate().skip(kept.saturating_sub(1)).map(point), Ink::Two);
    picture.curve(values.iter().enumerate().take(kept).map(point), Ink::One);
    picture.words(left, bottom + 34.0, Anchor::Start, "direction, by its share; blue is in the sketch");
    picture.finish()
}

/// Each contributor's mean influence on the held-out records' targets with its standard error; those below the gate in
/// the second colour.
pub fn influence(attribution: &Attribution, target: &str) -> String {
    let mut contributors: Vec<_> = attribution.table().rows().iter().zip(attribution.gate()).collect();
    contributors.sort_by(|(_, a), (_, b)| b.mean.total_cmp(&a.mean));
    let all = contributors.len();
    if all > MOST_BARS {
        contributors.drain(MOST_BARS / 2..all - MOST_BARS / 2);
    }
    let error = |mean: f64, z: f64| if z == 0.0 { 0.0 } else { (mean / z).abs() };
    let reach = |low: f64, value: f64| low.min(value);
    let low = contributors.iter().map(|(_, gate)| gate.mean - error(gate.mean, gate.z)).fold(0.0, reach);
    let high = -contributors.iter().map(|(_, gate)| -gate.mean - error(gate.mean, gate.z)).fold(0.0, reach);
    let span = if high > low { high - low } else { 1.0 };

    let (left, right, top, step) = (130.0, WIDTH - 90.0, 60.0, 18.0);
    let height = top + step * contributors.len() as f64 + 40.0;
    let shown = if all > MOST_BARS { format!("{MOST_BARS} of {all}") } else { all.to_string() };
    let title = format!("Mean influence on held-out records, {shown} contributors");
    let mut picture = Picture::new(WIDTH, height, &title);
    let x = |value: f64| left + (value - low) / span * (right - left);
    for (place, (row, gate)) in contributors.iter().enumerate() {
        let y = top + step * place as f64;
        let (from, to) = (x(gate.mean.min(0.0)), x(gate.mean.max(0.0)));
        picture.bar(from, y, to - from, step - 5.0, if gate.passes() { Ink::One } else { Ink::Two });
        let (middle, error) = (y + (step - 5.0) / 2.0, error(gate.mean, gate.z));
        picture.line((x(gate.mean - error), middle), (x(gate.mean + error), middle), Ink::Error);
        let account = row.account.to_string();
        let short = account.get(..10).unwrap_or(&account);
        picture.words(left - 12.0, middle + 4.0, Anchor::End, &format!("{short}…"));
        picture.words(right + 8.0, middle + 4.0, Anchor::Start, &format!("{:+.2e}", gate.mean));
    }
    picture.line((x(0.0), top - 6.0), (x(0.0), height - 34.0), Ink::Axis);
    let what = match target {
        "margin" => "raises the margin",
        "regression" => "lowers the loss",
        _ => "raises the likelihood",
    };
    picture.words(left, height - 12.0, Anchor::Start, &format!("{what} to the right; orange fails the gate"));
    picture.finish()
}

/// Each weight decay's accuracy (without one, held-out loss) and contributor LDS with its interval, in the order of the
/// decays.
pub fn frontier(points: &[FrontierPoint]) -> String {
    let classifies = points.iter().all(|point| point.accuracy.is_some());
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    let place = |point: &FrontierPoint| {
        let across = point.accuracy.as_deref().filter(|_| classifies).unwrap_or(&point.held_out_loss);
        let [low, high] = &point.audit.interval;
        let upwards = [low, &point.audit.contributor_lds, high].map(|text| number(text));
        Place { decay: number(&point.audit.weight_decay), across: number(across), upwards }
    };
    let what = if classifies { "accuracy" } else { "held-out loss" };
    pictures::frontier(what, points.iter().map(place).collect())
}
