/// A message of the protocol that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Not the protocol's JSON.
    #[error("the body is not an inference request of the Open Inference Protocol: {0}")]
    Json(String),
    /// The binary extension, used wrongly.
    #[error("binary tensor data: {0}")]
    Binary(&'static str),
    /// The header that carries a signed request.
    #[error("the header `tributary-request` does not read: {0}")]
    Signature(String),
    /// Not one input.
    #[error("the request has {found} inputs; this model takes one, `{expected}`")]
    Inputs {
        /// Given.
        found: usize,
        /// The model's.
        expected: String,
    },
    /// Another input.
    #[error("the model has no input `{found}`; it takes `{expected}`")]
    UnknownInput {
        /// Given.
        found: String,
        /// The model's.
        expected: String,
    },
    /// Another datatype.
    #[error("the input's datatype is `{found}`; this model takes `FP32`")]
    Datatype {
        /// Given.
        found: String,
    },
    /// Another shape.
    #[error("the input's shape {found:?} does not fit: give [n, {}], n ≥ 1", expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Shape {
        /// Given.
        found: Vec<i64>,
        /// Of one record.
        expected: Vec<usize>,
    },
    /// More or fewer numbers than the shape says.
    #[error("the input has {found} numbers, its shape says {expected}")]
    Length {
        /// Given.
        found: usize,
        /// By the shape.
        expected: usize,
    },
    /// Something in `data` that is no number.
    #[error("the input's data are not numbers, or lists of numbers: {0}")]
    Data(String),
    /// Neither `data` nor bytes.
    #[error("the input has no data: give `data`, or `binary_data_size` and bytes")]
    NoData,
    /// Another output.
    #[error("the model has no output `{found}`; it gives `{expected}`")]
    UnknownOutput {
        /// Asked for.
        found: String,
        /// The model's.
        expected: String,
    },
    /// An extension that is not offered.
    #[error("the classification extension is not offered: ask for the output's numbers")]
    Classification,
    /// An answer without what was asked for.
    #[error("the answer has no output `{0}`")]
    NoOutput(String),
}

impl ProtocolError {
    /// Whether the message cannot even be read.
    pub fn is_syntax(&self) -> bool {
        matches!(self, Self::Json(_) | Self::Binary(_) | Self::Signature(_) | Self::Data(_))
    }
}
