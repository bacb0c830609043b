use crate::graph::GraphError;

/// Why the bytes of a file are no model that can be attributed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The bytes are not a whole ONNX file.
    #[error("not a whole ONNX file ({0}): fetch or export the model again")]
    Corrupt(String),
    /// A file of another operator set.
    #[error("the model uses operator set {found}, {from} to {to} are read: export with `opset_version={to}` or lower")]
    Opset {
        /// The file's.
        found: i64,
        /// The first that is read.
        from: i64,
        /// The last that is read.
        to: i64,
    },
    /// Operators of a domain whose version the file does not give.
    #[error("the model uses operators of `{0}` without naming a version of it: export the model again")]
    Domain(String),
    /// A function the file defines for itself.
    #[error("the model defines the function `{0}`: inline it (`onnx.inliner.inline_local_functions`) and try again")]
    Function(String),
    /// A node without what makes it one.
    #[error("node `{node}`: {reason}")]
    Node {
        /// The operator's name.
        node: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A type of numbers that is not read.
    #[error("`{value}` holds {found}; f32, f64, i32, i64 and bool are read: convert the model to f32")]
    Type {
        /// The value.
        value: String,
        /// Its type as ONNX names it.
        found: String,
    },
    /// A constant whose dimensions and numbers do not fit.
    #[error("tensor `{tensor}`: {reason}")]
    Tensor {
        /// The tensor.
        tensor: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A weight that is not a number.
    #[error("tensor `{tensor}` holds a number that is not finite: train again with a smaller step and export")]
    NotFinite {
        /// The tensor.
        tensor: String,
    },
    /// Numbers in another file that was not given.
    #[error("tensor `{tensor}` has its numbers in `{location}`, which is missing: put it beside the model")]
    External {
        /// The tensor.
        tensor: String,
        /// The other file.
        location: String,
    },
    /// An input or output whose dimensions cannot be used.
    #[error("`{value}`: {reason}")]
    Signature {
        /// The input or output.
        value: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Operators that do not make a graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
}
