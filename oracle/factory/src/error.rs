use std::path::PathBuf;

use tributary_attribution::{AttributionError, gradient::GradientError, graph::GraphError, targets::TargetError};
use tributary_dataset::DatasetError;
use tributary_runtime::RuntimeError;
use tributary_sdk::{B256, release::ManifestError, table::TableError};

use crate::{base::BaseError, foreign::ForeignError};

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
    /// The recipe does not read.
    #[error("the recipe {path} does not read: {source}")]
    RecipeFile {
        /// Where.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// The model to start from does not read.
    #[error("the base does not read: {0}")]
    BaseFile(Box<ForeignError>),
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
    /// A training's state from which this training cannot go on.
    #[error(
        "the training's state cannot be gone on from: {0}; remove state.safetensors from its run folder to begin again"
    )]
    State(&'static str),
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
    /// Answers to other records, or of another task.
    #[error("the two models did not answer the same records: ask both about the same, in the same order")]
    NotComparable,
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
    /// Training cannot start from the model that was given.
    #[error(transparent)]
    Base(#[from] BaseError),
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
    /// The dataset's records are not to be had.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Records that no model of ours learns from.
    #[error("the dataset cannot be trained on: {0}")]
    NotTrainable(&'static str),
}
