//! The Gauss-Newton matrix of the training loss: for softmax outputs, the true Fisher information (expectation over the
//! model's own classes, never the labels; Martens 2020).
//!
//! | part | what it does |
//! |---|---|
//! | [`classes`] | which classes of which record enter the expectation, and with what weight |
//! | [`Accumulator`] | `G` from chunks of gradient features, exact to [`MOST_FEATURES`] |
//! | [`DampedCurvature`] | `G + λI`, factorised: solves, whitens |
//! | [`kronecker`] | per-layer factors of models too large for `G`: projections, and EK-FAC itself |

mod accumulator;
pub mod classes;
mod damped;
pub mod kronecker;
mod network;

pub use accumulator::{Accumulator, MOST_FEATURES};
pub use damped::DampedCurvature;
pub use network::{MOST_PARAMETERS, gauss_newton};
