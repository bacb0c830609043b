use tributary_sdk::{Address, table::TableError};

/// Why a model or a file cannot be attributed.
#[derive(Debug, thiserror::Error)]
pub enum AttributionError {
    /// A network needs an input, an output and no empty layer.
    #[error("a classifier cannot have the widths {0:?}: give input, hidden and output widths of at least 1, 1 and 2")]
    Widths(Vec<usize>),
    /// Parameters of another network.
    #[error("the network has {expected} parameters, {found} were given: they are of another network")]
    ParameterCount {
        /// What the widths need.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// Records that the network cannot read.
    #[error("records have {found} features, the network reads {expected}: use the data the network was trained on")]
    FeatureWidth {
        /// The network's input width.
        expected: usize,
        /// The records' width.
        found: usize,
    },
    /// Features and labels of different length.
    #[error("{features} records carry {labels} labels: give one label a record")]
    LabelCount {
        /// Rows of features.
        features: usize,
        /// Labels.
        labels: usize,
    },
    /// A label the network has no output for.
    #[error("record {record} has the label {label}, the network tells {classes} classes apart")]
    Label {
        /// Which record, from 0.
        record: usize,
        /// Its label.
        label: usize,
        /// The network's classes.
        classes: usize,
    },
    /// Nothing to work on.
    #[error("there are no {0} records: attribution needs some")]
    NoRecords(&'static str),
    /// Something was NaN or infinite.
    #[error("{0} holds a number that is not finite: check the records and train again")]
    NotFinite(&'static str),
    /// The exact curvature would not fit.
    #[error(
        "the network has {found} parameters, the exact curvature takes up to {limit}: choose smaller hidden layers"
    )]
    TooManyParameters {
        /// The network's.
        found: usize,
        /// The most that is computed exactly.
        limit: usize,
    },
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
        "{account} owns {records} records; below {minimum} a row says too much about them: pool small contributors"
    )]
    TooFewRecords {
        /// Whose.
        account: Address,
        /// How many.
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
    /// The bytes are not an ONNX file.
    #[error("not an ONNX file: {0}; fetch the release's file again")]
    Corrupt(String),
    /// An ONNX file that is not an attributed model.
    #[error("the ONNX file is not an attributed model: {0}; compile the model with the factory")]
    NotAttributed(String),
}
