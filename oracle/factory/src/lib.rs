//! From a dataset's permitted snapshot to a published release.
//!
//! | module | what it holds |
//! |---|---|
//! | [`records`] | a dataset's records as models read them |
//! | [`model`] | the graphs that are trained: perceptrons, convolutional networks, transformer encoders |
//! | [`base`] | starting from an ONNX model: a new head, all of its weights, or low-rank adapters |
//! | [`mod@train`] | training: to the minimum of an objective that is ready for attribution, or in mini-batches |
//! | [`mod@audit`] | whether attribution says what retraining on half the contributors shows |
//! | [`mod@evaluate`] | how good a model is on records nobody trained on, on parts of them, and against others |
//! | [`mod@assess`] | everything that is measured of a model before it is released |
//! | [`card`] | the model card: what a release is for, made of and good at, for people and for programs |
//! | [`release`] | the run folder: model, contributor table, manifest |
//! | [`svg`] | pictures of lines, bars and words |
//! | [`foreign`] | models that were trained elsewhere, attributed as they come |
//!
//! In order: open a snapshot with a [`tributary_dataset::Permission`], [`train()`], [`attribute`], [`assess()`], and write
//! the [`Release`] with its [`ModelCard`].
//!
//! The crate knows no chain, no server and no settlement policy: what the chain says comes in as values.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod assess;
pub mod audit;
pub mod base;
pub mod card;
mod error;
pub mod evaluate;
pub mod foreign;
pub mod model;
mod pictures;
pub mod records;
pub mod release;
pub mod svg;
pub mod train;

pub use assess::{Assessment, assess};
pub use card::ModelCard;
pub use error::FactoryError;
pub use evaluate::{Evaluation, evaluate};
pub use release::{Promises, Release, ReleaseFiles};
pub use train::{Step, Trained, TrainingRecipe, Workplace, attribute, train};
