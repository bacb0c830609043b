//! From a trained model and the records it was trained on to what attributed inference needs: an ONNX graph that also
//! emits its sketch, and one integer row per contributor.
//!
//! | module | what it holds |
//! |---|---|
//! | [`network`] | dense classifiers: parameters, shapes, input scaling |
//! | [`reverse`] | forward trace and reverse mode, as activation × error factors |
//! | [`target`] | the margin that is attributed, the loss that is trained on, and their errors at the logits |
//! | [`curvature`] | the Gauss-Newton (true Fisher) matrix, exact or by Kronecker factors, damped and factorised |
//! | [`basis`] | the directions of a sketch: the owners' own, or the leading ones and the owners' residual |
//! | [`rows`] | what stands for a record and a contributor: first order, Newton, distilled; as integers, exactly summed |
//! | [`explain`] | a sketch's most helpful and most harmful records and contributors |
//! | [`quantise`] | contributor rows as integers on one shared scale |
//! | [`gate`], [`baseline`] | who may be paid by attribution; how money without receipts is divided |
//! | [`mod@attribute`] | all of the above in order: from a network and owned records to a contributor table |
//! | [`onnx`] | the graph writer, the attribution compiler and the reader that checks a file before it is served |
//! | [`statistics`] | rank correlation, the datamodelling score and its interval, by which attribution is judged |
//!
//! The crate knows no dataset format, no training loop, no chain and no settlement policy. It opens no file.
//!
//! Influence follows Koh & Liang (2017) with the Gauss-Newton matrix of Martens (2020): for an output with target
//! gradient `g_q` and a record with loss gradient `g_i`, the record's score is `-g_qᵀ (G + λI)⁻¹ g_i / N`. It is
//! positive when the record raised the target.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod activation;
pub mod attribute;
pub mod baseline;
pub mod basis;
pub mod curvature;
mod error;
pub mod explain;
pub mod gate;
pub mod gradient;
pub mod graph;
pub mod network;
pub mod onnx;
pub mod quantise;
pub mod records;
pub mod reference;
pub mod reverse;
pub mod rows;
pub mod statistics;
pub mod target;
pub mod targets;

pub use attribute::{Attribution, AttributionSettings, OwnedRecords, attribute};
pub use error::AttributionError;
pub use network::{DenseClassifier, InputScaling};
pub use records::LabelledRecords;
