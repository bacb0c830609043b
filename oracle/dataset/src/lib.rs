//! A dataset's records, under the rules that their contributors agreed to.
//!
//! | module | what it holds |
//! |---|---|
//! | [`schema`] | what a record looks like: tables, images, text, tokens; classes, numbers |
//! | [`field`] | fields as files give them, and what can be wrong with them |
//! | [`charter`] | the rules that contributors agree to |
//! | [`contribution`] | records under one consent: parts, the bundle a contributor prepares |
//! | [`snapshot`], [`permission`] | what a version takes; the door to training |
//! | [`durable`] | files that outlive a power cut |
//! | [`split`] | training, held-out and test records |
//! | [`partition`] | **simulated** contributors of real records |
//! | [`store`] | records at rest: sealed, named by their bytes, in a folder or a bucket |
//! | [`access`] | the door: grants and purposes; the log of who read what |
//! | [`screening`] | which offered records a snapshot takes, and why not the others |
//! | [`read`] | records of CSV, JSONL, NumPy and Parquet files, row by row |
//!
//! The crate knows no chain, no server and no model: what the chain says comes in as values.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod access;
pub mod charter;
pub mod contribution;
pub mod durable;
mod error;
pub mod field;
pub mod partition;
pub mod permission;
pub mod read;
mod record;
pub mod schema;
pub mod screening;
pub mod snapshot;
pub mod split;
pub mod store;
#[cfg(test)]
mod testing;

pub use access::{AccessLog, Grant, Purposes};
pub use charter::Charter;
pub use contribution::Contribution;
pub use error::DatasetError;
pub use permission::{Permission, PermittedSnapshot};
pub use record::{Record, records_hash};
pub use schema::{LabelValue, Schema};
pub use snapshot::Snapshot;
pub use split::{Split, SplitSizes};
pub use store::{BlobContext, DatasetKey, Store, blob_name};
