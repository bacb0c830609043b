//! Pictures of a model: how its training went, which classes it takes for which, whether it is as often right as it says, how far off it is, and
//! what its attributability costs.

mod confusion;
mod curve;
mod frontier;
mod reliability;
mod residuals;

pub(crate) use confusion::confusion;
pub(crate) use curve::curve;
pub(crate) use frontier::{Place, frontier};
pub(crate) use reliability::reliability;
pub(crate) use residuals::residuals;

const WIDTH: f64 = 720.0;

/// The values' ends with a little room; something to draw on where they are all the same.
pub(super) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = 0.1 * (high - low).max(0.01);
    (low - room, high + room)
}

#[cfg(test)]
mod tests;
