//! Gradients of many records as rows of numbers, computed by ONNX Runtime.
//!
//! A record's **features** are the gradient of its loss with respect to the attributed parameters, tensor by tensor and
//! row-major inside each; where a [`Reduction`] is given, a layer's `Rᵀ · gradient · C` stands in place of its gradient.

mod engine;
mod fisher;
mod kronecker;
mod reduction;
mod session;

pub use engine::{Features, LossPass};
pub use fisher::{gauss_newton, usual_expectation};
pub use kronecker::kronecker_reduction;
pub(crate) use reduction::matrix;
pub use reduction::{LayerReduction, Part, Reduction, parts};
