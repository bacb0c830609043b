use std::path::PathBuf;

use tributary_attribution::{AttributionError, gradient::GradientError, graph::GraphError, targets::TargetError};
use tributary_runtime::RuntimeError;
use tributary_sdk::{Address, B256, merkle::MerkleError, release::ManifestError, table::TableError};

/// Why data cannot become a release.
#[derive(Debug, thiserror::Error)]
pub enum FactoryError {
    /// A file or folder could not be read or written.
    #[error("cannot use {path}: check that it exists and may be read and written")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// No records at all.
    #[error("the file holds no records: give one record a line, features then label")]
    EmptyFile,
    /// A record with too few or too many features.
    #[error("line {line}: {found} fields, expected {expected} features and a label")]
    WrongSize {
        /// Line in the file, from 1.
        line: usize,
        /// Fields on the line.
        found: usize,
        /// Features of the schema.
        expected: usize,
    },
    /// A field that is not a whole number.
    #[error("line {line}, field {field}: `{found}` is not a whole number")]
    NotANumber {
        /// Line in the file, from 1.
        line: usize,
        /// Field on the line, from 1.
        field: usize,
        /// What stands there, shortened.
        found: String,
    },
    /// A feature outside the schema's range.
    #[error("line {line}, field {field}: {found} is above the largest feature, {largest}")]
    FeatureRange {
        /// Line in the file (or place in the contribution), from 1.
        line: usize,
        /// Field on the line, from 1.
        field: usize,
        /// The value.
        found: u64,
        /// The schema's largest.
        largest: u8,
    },
    /// A label outside the schema's classes.
    #[error("line {line}: the label {found} is not below the number of classes, {classes}")]
    LabelRange {
        /// Line in the file (or place in the contribution), from 1.
        line: usize,
        /// The label.
        found: u64,
        /// The schema's classes.
        classes: u8,
    },
    /// The parts of a split do not add up.
    #[error("{records} records cannot be split into {wanted}: make the parts add up to at most the records")]
    SplitSize {
        /// Records there are.
        records: usize,
        /// Sum of the parts.
        wanted: usize,
    },
    /// Too few records for so many contributors.
    #[error("{records} records cannot be divided among {contributors} contributors with {least} or more each")]
    TooManyContributors {
        /// Records there are.
        records: usize,
        /// Contributors asked for.
        contributors: usize,
        /// Least records each.
        least: usize,
    },
    /// Nothing passed screening.
    #[error("no record passed screening: a snapshot needs at least one")]
    EmptySnapshot,
    /// The chain commits to another snapshot.
    #[error("the snapshot's root is {found}, the chain's version says {expected}: use the registered snapshot")]
    SnapshotRoot {
        /// Of the snapshot at hand.
        found: B256,
        /// On chain.
        expected: B256,
    },
    /// The grant does not cover training.
    #[error("the grant to {0} does not cover training: ask the dataset's owner for the purpose `train`")]
    PurposeMissing(Address),
    /// The grant has run out.
    #[error("the grant ran out at {until} (now {now}): ask the dataset's owner to renew it")]
    GrantExpired {
        /// Unix seconds.
        until: u64,
        /// Unix seconds.
        now: u64,
    },
    /// Records of a contribution that its contributor took back.
    #[error(
        "contribution {contribution} of {contributor} is withdrawn: screen again without it and register that snapshot"
    )]
    Withdrawn {
        /// The contribution.
        contribution: B256,
        /// Whose it was.
        contributor: Address,
    },
    /// The recipe cannot be followed.
    #[error("the recipe's {what} is {found}: {instead}")]
    Recipe {
        /// Which part.
        what: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        instead: &'static str,
    },
    /// Influence is defined at a minimum, and training did not reach one.
    #[error(
        "training stopped after {iterations} steps at gradient {gradient_norm:e}: allow more steps or raise the weight decay"
    )]
    NotConverged {
        /// Steps taken.
        iterations: usize,
        /// Largest entry of the gradient there.
        gradient_norm: f64,
    },
    /// Steps too long for the objective.
    #[error("training diverged at step {step}: lower the rate")]
    Diverged {
        /// Steps taken.
        step: usize,
    },
    /// Too little to audit with.
    #[error(
        "{coalitions} half-coalitions of {contributors} contributors audit nothing: take at least {least} of at least 4",
        least = crate::audit::LEAST_COALITIONS
    )]
    Audit {
        /// Contributors there are.
        contributors: usize,
        /// Half-coalitions that were asked for.
        coalitions: usize,
    },
    /// A thread of an audit ended before its work did.
    #[error("the audit stopped in the middle: run it again")]
    Stopped,
    /// Nothing to train on or to evaluate.
    #[error("there are no records to train on or to evaluate: give at least one")]
    NoRecords,
    /// A name that is no weight of the model, or a weight of another shape.
    #[error("`{name}` is no f32 constant of the expected shape in the model: name its weights")]
    NoParameter {
        /// The name.
        name: String,
    },
    /// A vector of parameters for another model.
    #[error("{found} parameters were given, the model has {expected}: give those of this model")]
    ParameterCount {
        /// The model's.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// The folder's files do not belong together.
    #[error(
        "the {file} in the run folder is not the release's (hash {found}, expected {expected}): fetch the release again"
    )]
    NotTheRelease {
        /// Which file.
        file: &'static str,
        /// Its hash.
        found: B256,
        /// The release's.
        expected: B256,
    },
    /// Manifest, model and table disagree about shapes.
    #[error("the release contradicts itself: {0}; fetch it again or ask its publisher")]
    Inconsistent(String),
    /// The model or its records cannot be attributed.
    #[error(transparent)]
    Attribution(#[from] AttributionError),
    /// The model's graph does not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The model's output is not what the target needs.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The model cannot be trained by gradients.
    #[error(transparent)]
    Gradient(#[from] GradientError),
    /// ONNX Runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The contributor table does not read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The manifest does not read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The records cannot be committed to.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
}
