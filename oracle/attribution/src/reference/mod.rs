//! A plain evaluator of graphs in `f64`, by which gradients and rewritten graphs are checked. It is written for being
//! read, operator by operator after ONNX's definitions, and shares nothing with ONNX Runtime; it is not for speed.

mod call;
mod choosing;
mod elementwise;
mod error;
mod evaluate;
mod layout;
mod linear;
mod normalising;
mod padding;
mod reducing;
mod value;
mod windows;

pub use error::ReferenceError;
pub use evaluate::evaluate;
pub use value::Value;
