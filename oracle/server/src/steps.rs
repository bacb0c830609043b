//! Each step of the main job as one function. The commands and the demo call these and nothing else.
//!
//! | module | who | what |
//! |---|---|---|
//! | [`deployment`] | anyone | put the suite on a chain, write and check the chain's manifest |
//! | [`dataset`] | steward, contributors | register, contribute, snapshot, grant |
//! | [`model`] | builder | train on a permitted snapshot, register and publish the release |
//! | [`license`] | owner, buyer | offer, buy, read the terms |
//! | [`ask`] | buyer | sign in and ask the host |
//! | [`epoch`] | operator, attestors | close, attest, post |
//! | [`watch`] | anyone | recompute a root that waits; prove a fault, challenge |
//! | [`payout`] | anyone | claim, withdraw, audit |
//!
//! What a step leaves behind for the next stands in the [`data`] folder.

pub mod ask;
pub mod data;
pub mod dataset;
pub mod deployment;
pub mod epoch;
mod error;
pub mod license;
pub mod model;
pub mod payout;
pub mod watch;

pub use data::DataFolder;
pub use error::StepError;
