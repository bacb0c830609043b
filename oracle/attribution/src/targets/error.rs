use super::Target;
use crate::graph::{GraphError, Shape};

/// Why an output cannot be attributed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The output's dimensions are not the target's.
    #[error("the output `{output}` {shape} has no {target:?} target: it needs {needs}")]
    Output {
        /// The target.
        target: Target,
        /// The output.
        output: String,
        /// Its dimensions.
        shape: Shape,
        /// What it should be.
        needs: &'static str,
    },
    /// The labels' dimensions or type are not the target's.
    #[error("the labels `{labels}` {shape} do not fit {target:?}: give {needs}")]
    Labels {
        /// The target.
        target: Target,
        /// The labels.
        labels: String,
        /// Their dimensions.
        shape: Shape,
        /// What they should be.
        needs: &'static str,
    },
    /// The graph does not allow it.
    #[error(transparent)]
    Graph(#[from] GraphError),
}
