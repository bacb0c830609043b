use tributary_runtime::RuntimeError;
use tributary_sdk::{Address, table::TableError};

use crate::{
    gradient::GradientError,
    graph::GraphError,
    onnx::OnnxError,
    targets::{Target, TargetError},
};

/// Why a model or a file cannot be attributed.
#[derive(Debug, thiserror::Error)]
pub enum AttributionError {
    /// Features and labels of different length.
    #[error("{features} records carry {labels} labels: give one label a record")]
    LabelCount {
        /// Rows of features.
        features: usize,
        /// Labels.
        labels: usize,
    },
    /// A label the model has no output for.
    #[error("record {record} has the label {label}, the model tells {classes} apart")]
    Label {
        /// Which record, from 0.
        record: usize,
        /// Its label.
        label: usize,
        /// The model's classes.
        classes: usize,
    },
    /// Labels of another kind than the target's.
    #[error("the target {target:?} cannot use {found}: give the labels it needs")]
    Labels {
        /// The target.
        target: Target,
        /// What was given.
        found: &'static str,
    },
    /// An expectation over more answers than anybody can go through.
    #[error("a sequence has too many answers for the exact expectation: let it be sampled")]
    Unbounded,
    /// A model that gives nothing.
    #[error("the model has no output: there is nothing to attribute")]
    NoOutput,
    /// An output of a shape that the target cannot use.
    #[error("the model's output has the shape {0:?}: the target needs one row a record")]
    OutputShape(Vec<usize>),
    /// Nothing to work on.
    #[error("there are no {0} records: attribution needs some")]
    NoRecords(&'static str),
    /// Something was NaN or infinite.
    #[error("{0} holds a number that is not finite: check the records and train again")]
    NotFinite(&'static str),
    /// Arrays that do not belong together.
    #[error("{what}: {found} where {expected} are needed; pass arrays of the same records, features and release")]
    Shape {
        /// What was counted.
        what: &'static str,
        /// What the other array has.
        expected: usize,
        /// What this one has.
        found: usize,
    },
    /// More features than the dense curvature is computed for.
    #[error(
        "{found} features a record, the dense curvature takes 1 to {limit}: attribute fewer layers or project them"
    )]
    Features {
        /// How many there are.
        found: usize,
        /// The most that are computed exactly.
        limit: usize,
    },
    /// A weight of a record or class.
    #[error("the weight {0} is not a finite number of at least zero: pass probabilities over the denominator")]
    Weight(f64),
    /// Damping must be positive for the curvature to be invertible.
    #[error("damping {0} is not a positive number: use twice the weight decay")]
    Damping(f64),
    /// The matrix was not positive definite, or its decomposition did not converge.
    #[error("the curvature cannot be factorised: raise the damping or train to convergence")]
    Factorisation,
    /// The owner basis is for communities up to this size.
    #[error("{found} contributors: the owner basis takes up to {limit}")]
    TooManyContributors {
        /// How many there are.
        found: usize,
        /// The most that have a direction each.
        limit: usize,
    },
    /// Each record needs an owner, each owner a place in the table.
    #[error("{records} records carry {owners} owners: give one owner a record")]
    OwnerCount {
        /// Records.
        records: usize,
        /// Owners.
        owners: usize,
    },
    /// Small contributors could be read off their row.
    #[error(
        "{account} and all who own as few own {records} records together; below {minimum} a row says too much about them: leave them out"
    )]
    TooFewRecords {
        /// The first of them.
        account: Address,
        /// How many they own together.
        records: usize,
        /// The least.
        minimum: usize,
    },
    /// Record rows that no release of ours holds.
    #[error("a contributor's row does not fit 32 bits: quantise the record rows with their owners again")]
    RowOverflow,
    /// The rows do not make a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file that is no model.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A model that cannot be extended.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A gradient that cannot be taken.
    #[error(transparent)]
    Gradient(#[from] GradientError),
    /// A target that the output does not have.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// ONNX Runtime refused.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// An ONNX file that is not an attributed model.
    #[error("the ONNX file is not an attributed model: {0}; make one with `tributary attribute`")]
    NotAttributed(String),
}
