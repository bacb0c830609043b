//! A model as a list of operators, independent of any file: what reading an ONNX file gives, what reverse mode and the
//! attribution compiler extend, and what writing takes.
//!
//! Operators, attributes and their meaning are those of ONNX at [`OPSET`]; a value is known by its name, as in the file.

mod absorb;
mod builder;
mod error;
mod infer;
mod model;
mod shape;
mod size;
mod tensor;

pub use builder::Builder;
pub use error::GraphError;
pub use model::{Attribute, Graph, Node, Signature};
pub use shape::{Dim, Known, Shape};
pub use size::Size;
pub use tensor::{Data, Element, Tensor};

/// The one operator set everything is normalised to. 20 is the first that has `Gelu`.
pub const OPSET: i64 = 20;
