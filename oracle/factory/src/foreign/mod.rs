//! Models that were trained elsewhere: an ONNX file, its training records and their owners in; a folder with the
//! attributed model, its table, its index and a manifest out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@form`] | what a record of a model looks like: its inputs one after another, then its label |
//! | [`csv`] | records, owners and suppliers as files |
//! | [`model`] | the ONNX file and the files beside it that hold its numbers |
//! | [`mod@check`] | the engine's gradients against central differences; the attributed model's outputs against the model's |
//! | [`mod@audit`] | what retraining shows of it, as it came and at other weight decays |
//! | [`mod@attribute`] | all of it in order |
//! | [`manifest`], [`folder`] | what was computed from what, and the files of it |
//! | [`mod@explain`] | to whom an answer is owed |
//! | [`plot`] | the spectrum, the contributors' influence and the frontier as pictures |
//!
//! Files are comma-separated numbers, one record a line, without headings.

pub mod attribute;
pub mod audit;
pub mod check;
pub mod csv;
mod error;
pub mod explain;
pub mod folder;
pub mod form;
pub mod manifest;
pub mod model;
pub mod plot;

pub use attribute::{Attributed, Choices, Damping, Sources, Step, attribute};
pub use audit::AuditChoices;
pub use error::ForeignError;
pub use explain::{Answer, Explainer, Owed};
pub use manifest::AttributionManifest;
