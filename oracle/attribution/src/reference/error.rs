/// Why a graph cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// An input that was not given, or a value nobody makes.
    #[error("`{value}` has no value: give it as an input")]
    Missing {
        /// The value.
        value: String,
    },
    /// An operator the reference has no definition of.
    #[error("node `{node}`: the reference does not define the operator {op}; evaluate a part of the graph without it")]
    Unsupported {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
    },
    /// Inputs that do not fit the operator.
    #[error("node `{node}` ({op}): {reason}")]
    Refused {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
        /// What does not fit.
        reason: String,
    },
}
