/// Why a graph cannot be extended or understood.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A value nobody makes.
    #[error("`{value}` is used and never made: export the model again")]
    Missing {
        /// The value.
        value: String,
    },
    /// A value made twice.
    #[error("`{value}` is made twice: export the model again")]
    Twice {
        /// The value.
        value: String,
    },
    /// Operators that need each other's results.
    #[error("node `{node}` needs its own result: the graph has a cycle; export the model again")]
    Cycle {
        /// One of the operators on the cycle.
        node: String,
    },
    /// A shape or type that cannot be known before the model runs.
    #[error(
        "node `{node}` ({op}): the shape or type of `{value}` cannot be told: export with fixed sizes for all but the batch"
    )]
    Unknown {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
        /// The value.
        value: String,
    },
    /// Inputs or settings that the operator's definition does not allow, or that are not supported.
    #[error("node `{node}` ({op}): {reason}")]
    Refused {
        /// The operator's name.
        node: String,
        /// The operator.
        op: String,
        /// What is wrong and what to do.
        reason: String,
    },
}
