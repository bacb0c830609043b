//! Each step of the main job as one function. The commands and the demo call these and nothing else.
//!
//! | module | who | what |
//! |---|---|---|
//! | [`deployment`] | anyone | put the suite on a chain, write and check the chain's manifest |
//! | [`dataset`] | steward | create, screen, snapshot, grant |
//! | [`contributing`] | contributors | prepare, sign, send, prove what became of it |
//! | [`improving`] | buyer, validators | keep answers, correct them with records, flag them; read what is held, review it |
//! | [`model`] | builder | train on a permitted snapshot |
//! | [`release`] | builder | look a release through, publish it with its lineage |
//! | [`lineage`] | anyone | who built the base, who added which data, who fine-tuned what: as text and as a picture |
//! | [`license`] | owner, buyer | check and offer a terms file, buy, read the terms |
//! | [`page`](mod@page) | anyone | a model, who is paid and what it costs, as a page for buyers |
//! | [`ask`], [`keys`] | buyer | sign in and ask the host; let services ask |
//! | [`receipt`] | buyer, contributors | check a receipt and its place in a posted root |
//! | [`epoch`], [`attest`] | operator, attestors | close, attest, post |
//! | [`records`], [`doctor`] | operator | copy, restore and export a host's records; look whether all is well |
//! | [`watch`] | anyone | recompute a root that waits; prove a fault, challenge |
//! | [`paying`] | curator | pay validators by accepted work |
//! | [`payout`], [`sample`] | anyone; attestors | claim, withdraw, audit; ask the model again |
//!
//! What a step leaves behind for the next stands in the [`data`] folder.

pub mod ask;
pub mod attest;
pub mod contributing;
pub mod data;
pub mod dataset;
pub mod deployment;
pub mod doctor;
pub mod epoch;
mod error;
pub mod improving;
pub mod keys;
pub mod license;
pub mod lineage;
pub mod model;
pub mod page;
#[cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects))]
pub mod paying;
pub mod payout;
mod published;
pub mod receipt;
pub mod records;
pub mod release;
pub mod sample;
pub mod watch;

pub use data::DataFolder;
pub use error::StepError;
