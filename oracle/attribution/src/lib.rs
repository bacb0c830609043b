//! Any ONNX model in, an attributed ONNX model out: the model with one more output, `sketch`; a contributor table with
//! gate and baseline shares; and a compact row a record, for explanation.
//!
//! | module | what it holds |
//! |---|---|
//! | [`graph`] | a model as a list of operators, with types and shapes; appending more of them |
//! | [`onnx`] | files: ONNX bytes to graphs and back |
//! | [`gradient`] | reverse mode as graph rewriting: gradients record by record, or summed |
//! | [`targets`] | what is attributed and what is trained on: margin, regression, several labels, sequences |
//! | [`reference`] | graphs evaluated in `f64`, against which gradients are checked |
//! | [`records`], [`OwnedRecords`] | what a model reads, what the right answer was, who is paid |
//! | [`features`] | gradients of many records, computed by ONNX Runtime; the curvature's expectation |
//! | [`curvature`] | the Gauss-Newton matrix: exact, or in each layer's Kronecker eigenbasis; damped and factorised |
//! | [`basis`] | the directions in which sketches are written |
//! | [`rows`] | rows of contributors and records: first order, Newton, distilled; as integers |
//! | [`mod@compile`] | the served graph: model, reverse mode and projection in one |
//! | `pool` | contributors of few records share a row |
//! | [`gate`], [`baseline`] | who may be paid by attribution; how money without receipts is divided |
//! | [`mod@attribute`] | all of the above in order |
//! | [`sketches`], [`explain`] | sketches of many records; which records helped and harmed an answer most |
//! | [`statistics`] | rank correlation, the linear datamodelling score, bootstrap intervals |
//!
//! The crate knows no dataset format, no training loop, no chain and no settlement policy. It opens no file, and computes
//! with nothing but ONNX Runtime once a release is made.
//!
//! Influence follows Koh & Liang (2017) with the Gauss-Newton matrix of Martens (2020): for an output with target
//! gradient `g_q` and a record with loss gradient `g_i`, the record's score is `-g_qᵀ (G + λI)⁻¹ g_i / N`. It is
//! positive when the record raised the target.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod attribute;
mod attributed;
pub mod baseline;
pub mod basis;
pub mod compile;
pub mod curvature;
mod error;
pub mod explain;
pub mod features;
pub mod gate;
pub mod gradient;
pub mod graph;
pub mod onnx;
mod owned;
mod pool;
pub mod records;
pub mod reference;
pub mod rows;
pub mod sketches;
pub mod statistics;
pub mod targets;

pub use attribute::{
    Attribution, AttributionSettings, CurvatureKind, Directions, Stage, attribute, attribute_checkpoints,
};
pub use attributed::AttributedModel;
pub use compile::compile;
pub use error::AttributionError;
pub use owned::{HeldOut, OwnedRecords};
pub use records::{Column, Labels, Records};
