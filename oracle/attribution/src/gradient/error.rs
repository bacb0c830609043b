use crate::graph::GraphError;

/// Why a gradient cannot be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GradientError {
    /// An operator without a rule lies between a parameter and the target.
    #[error(
        "node `{node}`: the operator {op} has no gradient here; attribute only the layers above it, by their names"
    )]
    Unsupported {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
    },
    /// An operator whose rule does not cover how it is used.
    #[error("node `{node}` ({op}): {reason}; attribute only the layers above it, by their names")]
    Refused {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
        /// What is not covered.
        reason: String,
    },
    /// An operator whose result for a record depends on the other records of its batch.
    #[error(
        "node `{node}` ({op}) mixes the records of a batch: a record's gradient is not its own; export the model for inference, or attribute only the layers above it"
    )]
    Mixes {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
    },
    /// A parameter that is not in the graph, or is no `f32` weight.
    #[error("`{parameter}` is no f32 weight of the model: name one of its weights")]
    NoParameter {
        /// The name.
        parameter: String,
    },
    /// A parameter the target does not depend on.
    #[error("`{parameter}` has no influence on the target: leave it out")]
    Unreached {
        /// The parameter.
        parameter: String,
    },
    /// No layer with weights.
    #[error("the model has no layer with weights: there is nothing to attribute")]
    NoLayer,
    /// The graph does not allow it.
    #[error(transparent)]
    Graph(#[from] GraphError),
}
