//! Reverse mode as graph rewriting: given cotangents of values, operators are appended that compute the gradients of
//! parameters, record by record, and nothing but ordinary ONNX operators is used.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@reverse`] | the walk from the seeds back to the parameters |
//! | `rules` | what each operator does to a cotangent, by family |
//! | `term` | a parameter's gradient as activation × error factors; its forms: per record, reduced, summed |
//! | `factor`, `image` | a layer's inputs or errors, position by position; windows of images |
//! | `parameters` | which constants of a graph are weights, and which of them a caller wants |
//! | `emit` | appending operators: broadcasting undone, records apart |
//! | `window`, `places` | where the windows of convolutions and pools stand; what a slice takes |
//!
//! Records never meet: an operator that would mix those of one batch is refused. Nothing is scattered, so that the same
//! batch gives the same bits on providers whose matrix products do: the gradient of a gather is a product with one-hot
//! rows, that of a convolution's weights a product with its windows, that of its input a convolution or a transposed one.

mod emit;
mod error;
mod factor;
mod image;
mod parameters;
mod places;
mod reverse;
mod rules;
mod term;
mod window;

pub use error::GradientError;
pub use factor::Factor;
pub use parameters::{Layers, free, parameters, select};
pub(crate) use places::sliced;
pub use reverse::reverse;
pub use term::{Layout, ParameterGradient, Term, per_record, reduced, summed};
pub(crate) use window::Window;
