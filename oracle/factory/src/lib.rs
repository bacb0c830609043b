//! From contributed records to a published release.
//!
//! | module | what it holds |
//! |---|---|
//! | [`dataset`] | records, their schema and hashes, CSV files, splits, simulated contributors |
//! | [`snapshot`] | screening: which contributed records a snapshot takes, and its commitments |
//! | [`permission`] | the door to training: a grant read from the chain, and who has withdrawn |
//! | [`model`] | the graphs that are trained: perceptrons, convolutional networks |
//! | [`mod@train`] | attribution-ready training: decay inside a fixed-denominator objective, to convergence |
//! | [`mod@audit`] | whether attribution says what retraining on half the contributors shows |
//! | [`mod@evaluate`] | accuracy on records nobody trained on |
//! | [`release`] | the run folder: model, contributor table, manifest |
//! | [`foreign`] | models that were trained elsewhere, attributed as they come |
//!
//! In order: read a [`dataset::Dataset`], split it, let contributors commit to their records, [`Snapshot::screen`] the
//! contributions, open the snapshot with a [`Permission`], [`train()`], [`attribute`], [`evaluate()`], and write the
//! [`Release`].
//!
//! The crate knows no chain, no server and no settlement policy: what the chain says comes in as values.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod audit;
pub mod dataset;
mod error;
pub mod evaluate;
pub mod foreign;
pub mod model;
pub mod permission;
pub mod release;
pub mod snapshot;
pub mod train;

pub use dataset::{Dataset, Record, Schema, Split, SplitSizes};
pub use error::FactoryError;
pub use evaluate::{Evaluation, evaluate};
pub use permission::{Permission, PermittedSnapshot};
pub use release::{Promises, Release, ReleaseFiles};
pub use snapshot::{CommittedRecord, Contribution, ScreeningReport, Snapshot};
pub use train::{Progress, Trained, TrainingRecipe, attribute, train};
