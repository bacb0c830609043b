//! Durable receipts: what was asked, what was earned, and which epoch it belongs to.
//!
//! | file | what it holds |
//! |---|---|
//! | `ledger` | [`Ledger`]: open, reserve, earn, void, seal, sign in, revoke |
//! | `read` | what can be read at any moment, without waiting for a write |
//! | `writer` | the one thread that writes: many callers, one commit |
//! | `requests`, `counts`, `epochs`, `access` | what each write does to the tables |
//! | `open`, `binding`, `migrate` | the data folder: whose chain it is for, whether it is whole, older formats |
//! | `backup` | a second file while the first is written, and the way back |
//! | `check` | whether a ledger that nobody has open is whole |
//! | `export` | receipts as a table for other programs |
//! | `tables`, `head` | the tables, their keys, and what is kept of every request |
//!
//! **What is durable when.** Every write is answered after the commit that holds it is on disk (fsync, two-phase, so that
//! a crash in the middle cannot be steered by what clients wrote). Writes that arrive while a commit is running share
//! the next one. Readers see committed data only.
//!
//! **States.** `reserved → earned | voided`. A row is reserved before the model runs and earned before the answer leaves.
//! A row still reserved when the ledger is opened belongs to an answer that never left: it is voided. A voided request may
//! be asked again under the same id. Only earned rows enter an epoch, each exactly one.
//!
//! What this crate does not know: HTTP, signatures, what a signed text says, models, prices, and what an epoch pays. It
//! keeps receipts and compares them with their reservations; it does not check them.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects))]

mod access;
mod backup;
mod binding;
mod check;
mod commits;
mod counts;
mod epochs;
mod error;
mod export;
#[cfg(test)]
mod faults;
mod head;
mod ledger;
mod migrate;
mod moment;
mod open;
mod read;
mod requests;
mod row;
mod tables;
mod writer;

pub use access::{Access, Key};
pub use backup::restore;
pub use binding::ChainBinding;
pub use check::{Finding, Place, Problem, Report, check};
pub use commits::CommitStats;
pub use error::{LedgerError, Period};
pub use export::{Format, Selection};
pub use ledger::Ledger;
pub use moment::{MOMENTS, Moment, Write};
pub use open::{FILE_NAME, in_use};
pub use row::{Calls, Outcome, Quota, Reservation, Row, RowState, SealedEpoch};
