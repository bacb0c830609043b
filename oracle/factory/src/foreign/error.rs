use std::{io, path::PathBuf};

use tributary_attribution::{
    AttributionError,
    explain::IndexError,
    graph::{Element, GraphError, Shape},
    onnx::OnnxError,
    reference::ReferenceError,
    targets::{Target, TargetError},
};
use tributary_runtime::RuntimeError;
use tributary_sdk::{B256, release::ManifestError, sketch::SketchError, table::TableError};

use crate::FactoryError;

/// Why a model that was trained elsewhere cannot be attributed, or an answer of it not be explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// A file could not be read or written.
    #[error("cannot use {}: check that it exists, is text where text is expected and may be read and written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that is no model.
    #[error("{}: {source}", path.display())]
    Model {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<OnnxError>,
    },
    /// A model without inputs.
    #[error("the model has no input that must be given: export it with its records as inputs")]
    NoInput,
    /// An input of numbers that CSV files are not read as.
    #[error(
        "the model's input `{input}` holds {element}; records are read as f32 or i64: export it with such an input"
    )]
    Input {
        /// The input.
        input: String,
        /// What it holds.
        element: Element,
    },
    /// An output that the target has no use for.
    #[error(
        "the model's first output `{output}` is {shape}, the target {target} needs {needs}: choose another --target, or export the logits first"
    )]
    Output {
        /// The output.
        output: String,
        /// Its shape.
        shape: Shape,
        /// The target's name.
        target: &'static str,
        /// What the target needs.
        needs: &'static str,
    },
    /// A name that is no weight's.
    #[error("the model has no weight or layer `{name}`: name some of {}", known.join(", "))]
    NoLayer {
        /// What was asked for.
        name: String,
        /// The model's weights.
        known: Vec<String>,
    },
    /// A line with too few or too many numbers.
    #[error(
        "{file}, line {line}: {found} numbers, {inputs} for the model's inputs and {labels} for the label are needed"
    )]
    Width {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Numbers on the line.
        found: usize,
        /// Numbers that the model takes.
        inputs: usize,
        /// Numbers of a label.
        labels: usize,
    },
    /// Something that is not the number it should be.
    #[error("{file}, line {line}, field {field}: `{found}` is not {needs}; correct it, and leave out headings")]
    Number {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Field, from 1.
        field: usize,
        /// What stands there, shortened.
        found: String,
        /// What should.
        needs: &'static str,
    },
    /// A line that names no account.
    #[error("{file}, line {line}: `{found}` is no account: write {needs}")]
    Account {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What stands there, shortened.
        found: String,
        /// What should.
        needs: &'static str,
    },
    /// A file without lines.
    #[error("{file} is empty: give one record a line")]
    Empty {
        /// The file.
        file: String,
    },
    /// A list of accounts of another length than the records.
    #[error("{file} names {found} accounts for {records} records: give one a line, in the order of the records")]
    Count {
        /// The list.
        file: String,
        /// Accounts in it.
        found: usize,
        /// Records.
        records: usize,
    },
    /// A denominator below the records.
    #[error(
        "the denominator {denominator} is below the {records} training records: give what the training divided by, at least their number"
    )]
    Denominator {
        /// What was given.
        denominator: usize,
        /// Records.
        records: usize,
    },
    /// Damping or decay that is no positive number.
    #[error("{what} {found} is not a positive number: give the weight decay that the model was trained with")]
    Damping {
        /// Damping or weight decay.
        what: &'static str,
        /// What was given.
        found: f64,
    },
    /// A rank of zero.
    #[error("a sketch of 0 numbers says nothing: give a --rank of 1 or more")]
    Rank,
    /// A file that is not the one that the manifest names.
    #[error("{} has hash {found}, the manifest says {expected}: run `tributary attribute` again", path.display())]
    NotTheFile {
        /// Which.
        path: PathBuf,
        /// Its hash.
        found: B256,
        /// The manifest's.
        expected: B256,
    },
    /// The attribution engine.
    #[error(transparent)]
    Attribution(#[from] AttributionError),
    /// An audit's retraining.
    #[error(transparent)]
    Retraining(#[from] FactoryError),
    /// The model's operators.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The plain evaluator.
    #[error("the gradients cannot be checked: {0}; leave the check out with --checked 0")]
    Reference(#[from] ReferenceError),
    /// ONNX Runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The manifest.
    #[error("attribution.json: {0}")]
    Manifest(#[from] ManifestError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A sketch.
    #[error(transparent)]
    Sketch(#[from] SketchError),
}

/// A target's name on the command line and in manifests.
pub(super) fn target_name(target: Target) -> &'static str {
    match target {
        Target::Margin => "margin",
        Target::Regression => "regression",
        Target::MultiLabel => "multi-label",
        Target::Sequence => "sequence",
    }
}
